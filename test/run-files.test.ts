import { join } from 'node:path';
import t, { type Test } from 'tap';
import { failuresIn } from './failures.js';
import { countsIn, type FileResult, runFiles } from './run-files.js';

/** Runs programs, two at a time, and gives how each ended. */
async function run(t: Test, programs: Record<string, string>, timeoutS = 60) {
  const folder = t.testdir(programs);
  const results: Record<string, FileResult> = {};
  await runFiles(
    Object.keys(programs).map((name) => join(folder, name)),
    { jobs: 2, timeoutS },
    (result) => {
      results[result.file.slice(folder.length + 1)] = result;
    },
  );
  return results;
}

t.test('assertions are counted, and not the tests around them', async (t) => {
  const { 'a.mjs': result } = await run(t, {
    'a.mjs': `import t from 'tap';
      t.test('one', (t) => { t.ok(1); t.test('inner', (t) => { t.ok(1); t.end(); }); t.end(); });
      t.test('not here', { skip: 'why' }, (t) => { t.ok(1); t.end(); });
      t.ok(1, 'later', { todo: true });
      t.test('bad', (t) => { t.equal(1, 2); t.ok(1); t.end(); });`,
  });
  t.strictSame(result?.counts, { passed: 3, failed: 1, skipped: 2 });
  const failures = failuresIn(result?.record ?? '').map(({ path }) => path.slice(1));
  t.strictSame(failures, [['bad', 'should be equal']]);
});

t.test('a file that ends without having said all that it had to say has failed', async (t) => {
  const results = await run(t, {
    'dies.mjs': 'process.stderr.write("out of ideas"); process.exit(3)',
    'killed.mjs': `import t from 'tap'; t.ok(1); process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 1e6);`,
    'silent.mjs': '',
    'throws.mjs': `import t from 'tap'; t.ok(1); throw new Error('thrown on the way');`,
  });
  for (const [name, { counts, record, file }] of Object.entries(results)) {
    t.equal(counts.failed, 1, name);
    t.equal(failuresIn(record).length, 1, `${name} can be told`);
    t.match(failuresIn(record)[0]?.path[0], file);
  }
  t.match(results['dies.mjs']?.record, 'exit: 3');
  t.equal(results['dies.mjs']?.stderr, 'out of ideas');
  t.match(results['killed.mjs']?.record, 'signal: SIGKILL');
  t.match(results['throws.mjs']?.record, 'thrown on the way');
});

t.test('a file that takes too long is ended, and tells in which test it was', async (t) => {
  const { 'hangs.mjs': result } = await run(
    t,
    {
      'hangs.mjs': `import t from 'tap';
        setInterval(() => {}, 1000);
        t.test('for ever', () => new Promise(() => {}));`,
    },
    2,
  );
  t.equal(result?.counts.failed, 1);
  t.strictSame(failuresIn(result?.record ?? '')[0]?.path.slice(1), ['for ever', 'timeout!']);
});

t.test('a program that a test leaves running holds nothing up', async (t) => {
  const { 'leaves.mjs': result } = await run(t, {
    'leaves.mjs': `import t from 'tap';
      import { spawn } from 'node:child_process';
      const child = spawn('sleep', ['60'], { stdio: 'inherit', detached: true });
      child.unref();
      t.comment(child.pid);
      t.ok(1);`,
  });
  process.kill(Number(/# (\d+)/.exec(result?.record ?? '')?.[1]));
  t.strictSame(result?.counts, { passed: 1, failed: 0, skipped: 0 });
});

t.test('two run side by side', async (t) => {
  const meets = (own: string, other: string) => `import t from 'tap';
    import { existsSync, writeFileSync } from 'node:fs';
    const at = (name) => new URL(name, import.meta.url);
    writeFileSync(at('./${own}'), '');
    const look = () => (existsSync(at('./${other}')) ? t.pass('met') : setTimeout(look, 5));
    t.plan(1);
    look();`;
  const results = await run(t, { 'a.mjs': meets('a.here', 'b.here'), 'b.mjs': meets('b.here', 'a.here') });
  t.equal(results['a.mjs']?.counts.passed, 1);
  t.equal(results['b.mjs']?.counts.passed, 1);
});

t.test('a record that is cut off has failed', async (t) => {
  t.strictSame(countsIn('TAP version 14\nok 1 - fine\n1..2\n'), { passed: 1, failed: 1, skipped: 0 });
  t.equal(countsIn('').failed, 1);
});
