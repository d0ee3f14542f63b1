import t from 'tap';
import { failuresIn } from './failures.js';

const record = `TAP version 14
# Subtest: dist/test/a.test.js
    # Subtest: outer
        ok 1 - fine
        # Subtest: inner
            not ok 1 - nope
              ---
              compare: ===
              at:
                fileName: a.ts
                lineNumber: 2
              source: >
                t.equal(1, 2)

                ---^
              diff: |
                -2
                +1
              ...
            ok 2 - should be equal
            1..2
        not ok 1 - inner # time=32.764ms
          ---
          at:
            fileName: a.ts
          ...
        not ok 2 - not yet # TODO later
        1..2
    not ok 1 - outer # time=77.927ms
    1..1
not ok 1 - dist/test/a.test.js # time=100.877ms
# Subtest: dist/test/b.test.js
not ok 2 - dist/test/b.test.js # time=900.1ms
  ---
  signal: SIGKILL
  ...
# Subtest: dist/test/c.test.js
    ok 1 - fine
ok 3 - dist/test/c.test.js
1..3
# { total: 4, pass: 2, fail: 2 }
`;

t.test('each failed assertion is named with the tests around it, its place and its difference', async (t) => {
  t.same(failuresIn(record)[0], {
    path: ['dist/test/a.test.js', 'outer', 'inner', 'nope'],
    details: ['diff: |', '  -2', '  +1', 'at:', '  fileName: a.ts', '  lineNumber: 2'],
  });
});

t.test('what an error says comes before its stack, however long that is', async (t) => {
  const stack = Array.from({ length: 30 }, (_, depth) => `    call ${depth}`);
  const thrown = ['not ok 1 - unhandled error', '  ---', '  stack: >', ...stack];
  const [failure] = failuresIn([...thrown, '  code: 9', '  details: it is not running', '  ...'].join('\n'));
  t.same(failure?.details.slice(0, 4), ['code: 9', 'details: it is not running', 'stack: >', '  call 0']);
  t.equal(failure?.details.at(-1), '(13 lines more)');
});

t.test(
  'a file that died without a failed assertion stands for itself; tests that only contain a failure do not',
  async (t) => {
    t.same(failuresIn(record).slice(1), [{ path: ['dist/test/b.test.js'], details: ['signal: SIGKILL'] }]);
  },
);

t.test('a record without failures has none', async (t) => {
  t.same(failuresIn('TAP version 14\n# Subtest: a\n    ok 1 - fine\nok 1 - a\n1..1\n'), []);
});
