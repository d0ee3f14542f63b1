import fc from 'fast-check';
import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { explainResidency, plannedHost } from '../../../../scheduler/core/tenancy/answers.js';
import { breachOf, vmsInBreach } from '../../../../scheduler/core/tenancy/stay.js';
import type { Administration } from '../../../../scheduler/core/model.js';
import { holds } from '../../holds.js';
import type { World } from '../world.js';
import { create, inCountries, openAll, rule, threeCountries } from './federation.js';

const open = () => {
  const world = threeCountries();
  openAll(world);
  return world;
};
const on = (...sites: string[]) => ({ placement: { sites, countries: [], excludedHosts: [] } });
const personal = { dataClass: 'personal' };
const where = (world: World, administration: string, dataClass: string) =>
  explainResidency(world.state, world.state.administrations.get(administration) as Administration, dataClass)
    .filter(({ lawful }) => lawful)
    .map(({ site }) => site.id);

test('data above internal stay in their own country unless a rule allows more', async (t) => {
  const world = open();
  t.same(where(world, 'pula', 'internal'), ['ljubljana', 'skopje', 'zagreb']);
  t.same(where(world, 'pula', 'personal'), ['zagreb']);
  t.same(where(world, 'macedonia', 'special'), ['skopje']);
  t.match(create(world, 'pula', 'a', { ...personal, ...on('ljubljana') }), {
    kind: 'precondition',
    reason: 'NOT_LAWFUL',
    message: /where data of this class may not be/,
  });
  rule(world, { allowed: inCountries('HR', 'SI'), administration: 'croatia' });
  t.same(where(world, 'pula', 'personal'), ['ljubljana', 'zagreb']);
  t.same(where(world, 'slovenia', 'personal'), ['ljubljana'], 'it is about a subtree');
  t.equal(create(world, 'pula', 'a', { ...personal, ...on('ljubljana') }), 'ljubljana-1');
});

test('the highest priority that says something decides, and within it what is forbidden by name', async (t) => {
  const world = open();
  rule(world, { id: 'all', allowed: { countries: [], jurisdictions: ['EU'] }, priority: 1 });
  t.same(where(world, 'pula', 'personal'), ['ljubljana', 'skopje', 'zagreb']);
  rule(world, { id: 'not-mk', forbidden: inCountries('MK'), priority: 5 });
  t.same(where(world, 'pula', 'personal'), ['ljubljana', 'zagreb'], 'it says nothing about others');
  rule(world, { id: 'only-hr', allowed: inCountries('HR'), administration: 'istria', priority: 5 });
  t.same(where(world, 'pula', 'personal'), ['zagreb']);
  rule(world, { id: 'also-si', allowed: inCountries('SI'), priority: 5 });
  t.same(where(world, 'pula', 'personal'), ['ljubljana', 'zagreb'], 'rules of one priority allow together');
  rule(world, { id: 'yet', allowed: inCountries('MK'), priority: 6 });
  t.same(where(world, 'pula', 'personal'), ['skopje']);
});

test('a rule binds classes below as well, and an unknown class is refused', async (t) => {
  const world = open();
  rule(world, { dataClass: 'public', allowed: inCountries('SI') });
  t.equal(create(world, 'pula', 'a', { dataClass: 'public' }), 'ljubljana-1');
  t.match(create(world, 'pula', 'b', { dataClass: 'secret' }), { kind: 'not_found' });
  world.run({ type: 'class.create', id: 'secret', title: '', level: 90 });
  t.equal(create(world, 'pula', 'b', { dataClass: 'secret' }), 'zagreb-1');
  t.match(world.refused({ type: 'class.delete', id: 'secret' }), { reason: 'CLASS_IN_USE' });
  t.match(world.refused({ type: 'class.delete', id: 'public' }), { reason: 'CLASS_BUILT_IN' });
});

test('a rule begins and ends at its times, by changes of its own', async (t) => {
  const world = open();
  rule(world, {
    dataClass: 'internal',
    allowed: inCountries('MK'),
    fromMs: world.nowMs + 1000,
    untilMs: world.nowMs + 2000,
  });
  t.not(create(world, 'pula', 'a'), 'skopje-1');
  world.nowMs += 1000;
  t.equal(create(world, 'pula', 'b'), 'skopje-1');
  world.nowMs += 1000;
  t.not(create(world, 'pula', 'c'), 'skopje-1');
  t.match(world.state.tenancy.rules.get('rule'), { state: 'expired' });
});

test('a rule that is tightened puts VMs in breach: they run on, are flagged, and have a place to go', async (t) => {
  const world = open();
  rule(world, { allowed: inCountries('HR', 'SI') });
  create(world, 'pula', 'a', { ...personal, ...on('ljubljana') });
  const vm = world.state.vmByName('pula', 'a') as Vm;
  world.see(vm, 'running');
  vm.placement.sites = [];
  const since = world.nowMs + 5;
  world.nowMs = since;
  world.run({ type: 'residency.update', id: 'rule', allowed: inCountries('HR'), etag: '' });
  t.match(breachOf(world.state, vm), { code: 'NOT_LAWFUL', because: 'rule', sinceMs: since });
  t.match(vm, { state: 'running', desired: 'running', host: 'ljubljana-1' });
  t.same(
    [...vmsInBreach(world.state, 'croatia')].map(({ vm }) => vm.id),
    ['a'],
  );
  t.same([...vmsInBreach(world.state, 'slovenia')], []);
  t.match(plannedHost(world.state, vm), { host: { id: 'zagreb-1' } });
  world.run({ type: 'host.cordon', id: 'zagreb-1', cordoned: true });
  t.match(plannedHost(world.state, vm), { noHost: { message: /1 is cordoned/ } });
  world.nowMs += 1000;
  world.run({ type: 'residency.update', id: 'rule', allowed: inCountries('HR', 'SI'), etag: '' });
  t.equal(breachOf(world.state, vm), null, 'and it ends when the rule is loosened');
});

test('a VM in breach starts again in place until the date that its rule states, and grows at no time', async (t) => {
  const world = open();
  rule(world, { allowed: inCountries('SI') });
  create(world, 'pula', 'a', personal);
  const vm = world.state.vmByName('pula', 'a') as Vm;
  t.equal(vm.host, 'ljubljana-1');
  world.see(vm, 'running');
  const startUntilMs = world.nowMs + 1000;
  world.run({ type: 'residency.update', id: 'rule', allowed: inCountries('HR'), startUntilMs, etag: '' });
  const stop = () => {
    world.stop(vm);
    world.see(vm, 'stopped');
  };
  stop();
  t.match(world.refused(world.resizeOf(vm, { vcpus: 2 })), { reason: 'NOT_LAWFUL' });
  t.ok(world.start(vm));
  world.see(vm, 'running');
  stop();
  world.nowMs = startUntilMs;
  t.match(world.refused(world.startOf(vm)), {
    reason: 'NOT_LAWFUL',
    message: /may not start where it is, and has to be moved.*residency rule "rule" forbids it/,
  });
});

test('a breach is forgotten with its last VM', async (t) => {
  const world = open();
  create(world, 'pula', 'a', on('skopje'));
  const vm = world.state.vmByName('pula', 'a') as Vm;
  rule(world, { dataClass: 'internal', forbidden: inCountries('MK') });
  t.equal(world.state.tenancy.breaches.size, 1);
  world.delete(vm);
  world.see(vm, 'absent');
  t.equal(world.state.tenancy.breaches.size, 0);
});

test('a VM gets no class that its place does not allow', async (t) => {
  const world = open();
  create(world, 'pula', 'a', on('skopje'));
  const vm = { administration: 'pula', id: 'a' };
  const change = { type: 'vm.update', vm, dataClass: 'personal', etag: '' } as const;
  t.match(world.refused(change), { reason: 'NOT_LAWFUL', message: /cannot have this class where it is/ });
  t.match(world.refused({ ...change, dataClass: 'secret' }), { kind: 'not_found' });
  rule(world, { allowed: inCountries('MK') });
  t.match(world.run(change), { dataClass: 'personal' });
});

test('a host that refuses a VM passes it on only to where it may be', async (t) => {
  const world = open();
  create(world, 'pula', 'a', personal);
  const vm = world.state.vmByName('pula', 'a') as Vm;
  world.see(vm, 'refused');
  t.match(vm, { host: null, state: 'failed' }, 'zagreb has no other host, and no other site will do');
  world.run({ type: 'host.cordon', id: 'zagreb-1', cordoned: true });
  t.match(world.refused(world.startOf(vm)), {
    reason: 'NOT_LAWFUL',
    metadata: { CORDONED: '1', NOT_LAWFUL: '2' },
  });
  world.run({ type: 'host.cordon', id: 'zagreb-1', cordoned: false });
  t.match(world.start(vm), { vm: { host: 'zagreb-1' } });
});

test('a rule says something, and ends in the future', async (t) => {
  const world = open();
  const tried = (change: Parameters<typeof rule>[1]) => {
    try {
      return rule(world, change).id;
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.match(tried({}), /name at least one country/);
  t.match(tried({ allowed: inCountries('HR'), untilMs: world.nowMs }), /must be in the future/);
  t.match(tried({ allowed: inCountries('HR'), dataClass: 'x' }), /there is no data class "x"/);
  t.match(tried({ allowed: inCountries('HR'), administration: 'x' }), /there is no administration "x"/);
  t.equal(tried({ allowed: inCountries('HR') }), 'rule');
  t.match(tried({ allowed: inCountries('HR') }), /already a residency rule/);
});

test('whatever the rules, the order in which they were made is of no matter', async (t) => {
  const places = fc.record({
    countries: fc.subarray(['HR', 'SI', 'MK']),
    jurisdictions: fc.constant<string[]>([]),
  });
  const rules = fc.array(
    fc.record({
      administration: fc.constantFrom(null, 'croatia', 'pula'),
      allowed: places,
      forbidden: places,
      priority: fc.nat(2),
    }),
    { maxLength: 6 },
  );
  holds(
    t,
    fc.property(rules, (some) => {
      const made = (order: typeof some) => {
        const world = open();
        for (const [index, one] of order.entries()) {
          if (one.allowed.countries.length + one.forbidden.countries.length > 0)
            rule(world, { id: `r${index}`, ...one });
        }
        return where(world, 'pula', 'personal').join();
      };
      if (made(some) !== made([...some].reverse())) throw new Error('the order matters');
    }),
    60,
  );
});
