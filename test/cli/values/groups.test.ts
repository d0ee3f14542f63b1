import fc from 'fast-check';
import t from 'tap';
import { addGroup, formatGroup, parseGroup } from '../../../cli/values/groups.js';
import type { GroupRule__Output } from '../../../proto/gen/secovia/v1/GroupRule.js';

t.test('a rule is a name, a policy, and what may follow', async (t) => {
  const host = { scope: 'GROUP_SCOPE_HOST', soft: false, maxSkew: 0 };
  t.same(parseGroup('web:apart'), { group: 'web', policy: 'GROUP_POLICY_ANTI_AFFINITY', ...host });
  t.same(parseGroup('db:spread'), {
    group: 'db',
    policy: 'GROUP_POLICY_SPREAD',
    scope: 'GROUP_SCOPE_RACK',
    soft: false,
    maxSkew: 0,
  });
  t.match(parseGroup('db:spread:rack:1'), { scope: 'GROUP_SCOPE_RACK', soft: false, maxSkew: 1 });
  t.same(parseGroup('cache:together:site:soft'), {
    group: 'cache',
    policy: 'GROUP_POLICY_AFFINITY',
    scope: 'GROUP_SCOPE_SITE',
    soft: true,
    maxSkew: 0,
  });
  t.match(parseGroup('web:apart:soft'), { scope: 'GROUP_SCOPE_HOST', soft: true });
  t.same(parseGroup('db:spread:3:soft:site'), parseGroup('db:spread:site:soft:3'), 'in any order');
});

t.test('what is shown can be typed again', async (t) => {
  const rule = fc
    .tuple(
      fc.constantFrom('web', '0-a'),
      fc.constantFrom('together:host', 'apart:rack', 'spread:site'),
      fc.constantFrom('', ':soft'),
    )
    .map((parts) => `${parts[0]}:${parts[1]}${parts[2]}`);
  fc.assert(fc.property(rule, (text) => formatGroup(parseGroup(text) as GroupRule__Output) === text));
  t.equal(formatGroup(parseGroup('db:spread:rack:7') as GroupRule__Output), 'db:spread:rack:7');
  t.equal(formatGroup(parseGroup('web:apart') as GroupRule__Output), 'web:apart:host');
});

t.test('a policy of a newer scheduler is shown as it came', async (t) => {
  const newer = { ...parseGroup('web:apart'), policy: 9 } as unknown as GroupRule__Output;
  t.equal(formatGroup(newer), 'web:9:host');
});

t.test('a typo is answered with what is allowed', async (t) => {
  const cases: Record<string, RegExp> = {
    web: /A policy is missing: write web:together, web:apart or web:spread\./,
    'web:': /A policy is missing/,
    'web:appart': /"appart" is no policy: write web:together, web:apart or web:spread\./,
    'web:constructor': /"constructor" is no policy/,
    ':apart': /"" cannot name a group.*NAME:POLICY, for example web:apart/,
    'Web:apart': /lower-case letters, digits and hyphens/,
    'web:apart:rak': /host, rack or site, then soft, then for spread a number.*"rak" may not/,
    'web:apart:host:rack': /each once: "rack" may not/,
    'web:apart:soft:soft': /each once/,
    'db:spread:rack:1:2': /each once: "2" may not/,
    'web:apart:': /"" may not/,
    'db:spread:host': /write db:spread:rack or db:spread:site/,
    'web:apart:2': /Only spread takes a number: leave out :2/,
    'db:spread:0': /write 1 to 1000/,
    'db:spread:1001': /write 1 to 1000/,
  };
  for (const [text, sentence] of Object.entries(cases)) {
    t.throws(() => parseGroup(text), { name: 'ValueError', message: sentence }, text);
  }
});

t.test('a VM belongs to several groups, to each once', async (t) => {
  const rules = addGroup('db:spread', addGroup('web:apart', undefined));
  t.match(rules, [{ group: 'web' }, { group: 'db' }]);
  t.throws(() => addGroup('web:together', rules), { message: /"web" is given twice/ });
});
