import { test } from 'tap';
import type { NewVm } from '../../../scheduler/core/commands.js';
import { decide } from '../../../scheduler/core/decide.js';
import { mostExplanations } from '../../../scheduler/core/placement/batch-refusals.js';
import { entitiesOf, indexesOf } from './portrait.js';
import { smallWorld, type World } from './world.js';

const bestEffort = (world: World, vms: NewVm[]) => world.run({ ...world.createOf(vms), bestEffort: true });
const portrait = ({ state }: World) => ({ entities: entitiesOf(state), indexes: indexesOf(state) });

test('as many of a batch are made as can be, and each of the others is refused in its place', async (t) => {
  const world = smallWorld('a');
  world.vm('taken');
  const { vms, operation, refused } = bestEffort(world, [
    world.newVm('one'),
    world.newVm('taken'),
    world.newVm('large', { memoryMib: 10 ** 6 }),
    world.newVm('two'),
    world.newVm('two'),
    world.newVm('imageless', { image: 'none' }),
  ]);
  t.same(
    vms.map(({ id, host }) => [id, host]),
    [
      ['one', 'a'],
      ['two', 'a'],
    ],
  );
  t.same(
    operation?.targets,
    vms.map(({ uid }) => uid),
  );
  t.same(
    refused.map(({ index, id, refusal }) => [index, id, refusal.reason]),
    [
      [1, 'taken', 'VM_EXISTS'],
      [2, 'large', 'NO_HOST'],
      [4, 'two', 'VM_EXISTS'],
      [5, 'imageless', 'IMAGE_NOT_FOUND'],
    ],
  );
  t.equal(world.state.vms.size, 3);
  t.ok((vms[0]?.createdSequence ?? 0) < (vms[1]?.createdSequence ?? 0));
});

test('a VM of a batch is refused in the words in which it is refused alone', async (t) => {
  const world = smallWorld('a', 'b');
  const large = world.newVm('large', { memoryMib: 100_000 });
  const [refused] = bestEffort(world, [large]).refused;
  t.match(refused?.refusal.metadata, { suggestion_field: 'spec.memory_mib', suggestion_value: '65536' });
  t.same(refused?.refusal, world.refused(world.createOf([large])));
});

test('a batch of which nothing can be made starts no operation and changes nothing', async (t) => {
  const world = smallWorld('a');
  const before = portrait(world);
  const { vms, operation, refused } = bestEffort(world, [world.newVm('x', { memoryMib: 10 ** 6 })]);
  t.same([vms.length, operation, refused.length], [0, null, 1]);
  t.same(portrait(world), before);
});

test('a refused gang leaves the state as it was, to the last index', async (t) => {
  const world = smallWorld('a', 'b');
  world.vm('there', { placement: { sites: [], countries: [], excludedHosts: [], groups: [apart] } });
  const placement = { sites: [], countries: [], excludedHosts: [], groups: [apart] };
  const vms = Array.from({ length: 40 }, (_, index) => world.newVm(`vm-${index}`, { placement }));
  const before = portrait(world);
  t.equal(world.refused(world.createOf(vms)).reason, 'NO_HOST');
  t.same(portrait(world), before);
  decide(world.state, { ...world.createOf(vms), bestEffort: true }, world.nowMs);
  t.same(portrait(world), before, 'and so does what is only decided');
});

const apart = { group: 'g', policy: 'anti_affinity', scope: 'host', soft: false, maxSkew: 0 } as const;

test('refused VMs that ask for the same share what was found out when the first was refused', async (t) => {
  const world = smallWorld('a');
  const size = { memoryMib: 40_000 };
  const vms = ['a', 'b', 'c'].map((name) => world.newVm(`large-${name}`, size));
  vms.splice(2, 0, world.newVm('filler', { memoryMib: 25_000 }));
  const { refused } = bestEffort(world, vms);
  t.same(
    refused.map(({ id, refusal }) => [
      id,
      refusal.metadata['suggestion_value'],
      refusal.message.includes(`"${id}"`),
    ]),
    [
      ['large-b', '25536', true],
      ['large-c', '25536', true],
    ],
    'although the filler has taken most of it since',
  );
});

test('when refused VMs ask for too many different things, those of the rest do not say why', async (t) => {
  const world = smallWorld('a');
  const vms = Array.from({ length: mostExplanations + 2 }, (_, index) =>
    world.newVm(`vm-${index}`, { memoryMib: 10 ** 6 + index }),
  );
  const reasons = bestEffort(world, vms).refused.map(({ refusal }) => refusal);
  t.same([reasons.length, new Set(reasons.map(({ reason }) => reason)).size], [mostExplanations + 2, 1]);
  t.ok(reasons.slice(0, mostExplanations).every(({ metadata }) => metadata['LACKS_MEMORY'] === '1'));
  t.match(reasons.at(-1), { kind: 'exhausted', metadata: {}, message: /why is not said for more than 100/ });
});

test('what a batch has kept apart or spread is counted by the next one', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  const spread = { group: 's', policy: 'spread', scope: 'rack', soft: false, maxSkew: 1 } as const;
  const placement = { sites: [], countries: [], excludedHosts: [], groups: [spread] };
  const batch = (name: string, count: number) =>
    world
      .create(...Array.from({ length: count }, (_, index) => world.newVm(`${name}-${index}`, { placement })))
      .vms.map(({ host }) => host);
  t.same(batch('x', 2), ['a', 'b']);
  t.same(batch('y', 2), ['c', 'a']);
});
