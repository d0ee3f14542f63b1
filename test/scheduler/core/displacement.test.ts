import { test } from 'tap';
import type { NewVm } from '../../../scheduler/core/commands.js';
import type { Priority, Vm } from '../../../scheduler/core/model.js';
import { etagOf } from '../../../scheduler/core/etag.js';
import { smallWorld, type World } from './world.js';

/** A host of 64 GiB that is full of VMs of these sizes, in GiB, all of low priority. */
function full(...gib: number[]): { world: World; vms: Vm[] } {
  const world = smallWorld('a');
  const vms = gib.map((size, index) =>
    world.settled(`low-${index}`, { memoryMib: size * 1024, priority: 'low' }),
  );
  return { world, vms };
}

const newVm = (world: World, gib: number, change: Partial<NewVm> = {}) =>
  world.newVm('new', { memoryMib: gib * 1024, priority: 'high', ...change });

const report = (world: World, vm: NewVm) =>
  world.refused({ ...world.createOf([vm]), preemption: 'report' as const });

/** The names that a report gives. */
function told(world: World, vm: NewVm): string[] {
  const { metadata } = report(world, vm);
  const uids = Object.entries(metadata).filter(([key]) => /^displace_\d/.test(key));
  return uids.map(([, value]) => world.state.vms.get(/^vms\/(\S+) /.exec(value)?.[1] ?? '')?.id ?? value);
}

const confirmed = (world: World, vm: NewVm, ...displaced: Vm[]) => ({
  ...world.createOf([vm]),
  preemption: displaced.map(({ uid, revision }) => ({ uid, etag: etagOf(revision) })),
});

function stop(world: World, vm: Vm): void {
  world.stop(vm);
  world.see(vm, 'stopped');
}

test('a report names the fewest VMs that would make room, then the smallest, then those with the lowest names', async (t) => {
  const { world } = full(8, 16, 16, 24);
  t.same(told(world, newVm(world, 8)), ['low-0'], 'one of exactly the size');
  t.same(told(world, newVm(world, 10)), ['low-1'], 'of two alike the lower name');
  t.same(told(world, newVm(world, 30)), ['low-0', 'low-3'], 'two, of the sizes that waste least');
  t.same(told(world, newVm(world, 64)), ['low-0', 'low-1', 'low-2', 'low-3']);
});

test('a report is a refusal like another, and says in words and numbers who would have to give way', async (t) => {
  const { world, vms } = full(64);
  const before = world.state.sequence;
  const refusal = report(world, newVm(world, 8));
  t.match(refusal, {
    kind: 'exhausted',
    reason: 'NO_HOST',
    metadata: {
      LACKS_MEMORY: '1',
      displace_host: 'a',
      displace_count: '1',
      displace_1: `vms/${vms[0]?.uid} ${etagOf(vms[0]?.revision ?? 0)}`,
    },
    message: /; on host "a" it would fit if one VM of a lower priority gave up the room: adm\/low-0$/,
  });
  t.equal(world.state.sequence, before);
  t.notMatch(
    world.refused(world.createOf([newVm(world, 8)])).metadata,
    { displace_host: 'a' },
    'unasked, nothing',
  );
});

test('nobody gives way who is not lower, is of others, is protected, or where something else is in the way', async (t) => {
  const cases: [string, (world: World) => void, Partial<NewVm>?][] = [
    ['of the same priority', () => undefined, { priority: 'low' }],
    ['of a lower one', () => undefined, { priority: 'spare' }],
    ['protected', (world) => protect(world)],
    ['being deleted', (world) => void world.delete(world.state.vmByName('adm', 'low-0') as Vm)],
    ['on a cordoned host', (world) => void world.run({ type: 'host.cordon', id: 'a', cordoned: true })],
    ['where the disk is lacking as well', () => undefined, { diskMib: 10 ** 6 }],
  ];
  for (const [what, happens, change] of cases) {
    const { world } = full(64);
    happens(world);
    t.same(told(world, newVm(world, 8, change)), [], what);
  }
  const { world } = full(64);
  world.administration('below', 'adm');
  world.administration('beside');
  for (const [administration, expected] of [
    ['beside', []],
    ['below', []],
    ['adm', ['low-0']],
  ] as const) {
    const command = { ...world.createOf([newVm(world, 8)], administration), preemption: 'report' as const };
    t.equal(
      world.refused(command).metadata['displace_count'] ?? '0',
      String(expected.length),
      administration,
    );
  }
});

function protect(world: World): void {
  const vm = world.state.vmByName('adm', 'low-0') as Vm;
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, deletionProtection: true, etag: '' });
}

test('a stopped VM that is named gives up vCPUs and memory, keeps its disk, and says for whom', async (t) => {
  const { world, vms } = full(64);
  const [low] = vms as [Vm];
  stop(world, low);
  const vm = world.run(confirmed(world, newVm(world, 8), low)).vms[0] as Vm;
  t.same([vm.host, low.displacedFor, low.host], ['a', vm.uid, 'a']);
  t.same(world.state.hostTable.claimed('a'), { vcpus: 1, memoryMib: 8192, diskMib: 2000, vms: 2 });
  t.equal(low.desired, 'stopped');
});

test('what may still run keeps its room: until its host has seen it stopped, nothing is taken', async (t) => {
  const { world, vms } = full(64);
  const [low] = vms as [Vm];
  const refused = () => world.refused(confirmed(world, newVm(world, 8), low)).reason;
  t.equal(refused(), 'NOT_STOPPED', 'while it runs');
  world.stop(low);
  t.equal(refused(), 'NOT_STOPPED', 'while it is only to be stopped');
  world.see(low, 'stopped', { generation: low.generation - 1 });
  t.equal(refused(), 'NOT_STOPPED', 'when it was seen so before it was told');
  world.see(low, 'stopped');
  t.equal(world.run(confirmed(world, newVm(world, 8), low)).vms[0]?.host, 'a');
});

test('a confirmation is refused for what the caller has not seen, or what does not suffice', async (t) => {
  const { world, vms } = full(8, 8, 48);
  const [one, two] = vms as [Vm, Vm];
  for (const vm of vms) stop(world, vm);
  world.host('b', 'zagreb', { memoryMib: 1024 });
  const other = world.settled('other', { memoryMib: 512, power: 'stopped', priority: 'spare' });
  t.equal(other.host, 'b');
  const equal = newVm(world, 16, { priority: 'low' as Priority });
  const stale = { ...world.createOf([newVm(world, 16)]), preemption: [{ uid: one.uid, etag: '"1"' }] };
  for (const [what, command, reason] of [
    ['another version', stale, 'ETAG_MISMATCH'],
    ['nobody', { ...stale, preemption: [{ uid: 'nobody', etag: '"1"' }] }, 'VM_NOT_FOUND'],
    ['too little', confirmed(world, newVm(world, 16), one), 'STILL_NO_ROOM'],
    ['two hosts', confirmed(world, newVm(world, 16), one, other), 'NOT_ONE_HOST'],
    ['the same priority', confirmed(world, equal, one, two), 'NOT_DISPLACEABLE'],
    ['a host that is excluded', confirmed(world, newVm(world, 16, elsewhere), one, two), 'NOT_ROOM_ALONE'],
  ] as const) {
    const before = world.state.sequence;
    t.equal(world.refused(command).reason, reason, what);
    t.equal(world.state.sequence, before);
  }
  world.run(confirmed(world, newVm(world, 16), one, two));
  t.equal(
    world.refused(confirmed(world, world.newVm('next', { memoryMib: 8192, priority: 'high' }), one)).reason,
    'NOT_DISPLACEABLE',
  );
});

const elsewhere = { placement: { sites: [], countries: [], excludedHosts: ['a'] } };

test('when there is room by then, nobody is displaced', async (t) => {
  const { world, vms } = full(64);
  const [low] = vms as [Vm];
  stop(world, low);
  world.host('b', 'zagreb');
  t.equal(world.run(confirmed(world, newVm(world, 8), low)).vms[0]?.host, 'b');
  t.equal(low.displacedFor, undefined);
});

test('a displaced VM starts again when its host has room, and is refused with the numbers until then', async (t) => {
  const { world, vms } = full(64);
  const [low] = vms as [Vm];
  stop(world, low);
  const vm = world.run(confirmed(world, newVm(world, 8), low)).vms[0] as Vm;
  world.see(vm, 'running');
  t.match(world.refused(world.startOf(low)), { reason: 'NO_ROOM', message: /65536 more needed, 57344 free/ });
  world.run(world.resizeOf(low, { memoryMib: 16 * 1024 }));
  world.see(low, 'stopped');
  t.equal(
    world.state.hostTable.claimed('a').memoryMib,
    8192,
    'a displaced VM has no memory, whatever its size',
  );
  world.start(low);
  t.same([low.displacedFor, low.desired], [undefined, 'running']);
  t.equal(world.state.hostTable.claimed('a').memoryMib, 24 * 1024);
});

test('a displaced VM that is deleted gives back its disk and nothing more', async (t) => {
  const { world, vms } = full(64);
  const [low] = vms as [Vm];
  stop(world, low);
  world.run(confirmed(world, newVm(world, 8), low));
  world.delete(low);
  world.see(low, 'absent');
  t.same(world.state.hostTable.claimed('a'), { vcpus: 1, memoryMib: 8192, diskMib: 1000, vms: 1 });
  t.same(world.state.claimOfAdministration('adm'), { vcpus: 1, memoryMib: 8192, diskMib: 1000, vms: 1 });
});

test('a priority can be changed, and counts from then on', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('plain', { memoryMib: 65_536 });
  t.equal(vm.priority, undefined);
  t.same(told(world, newVm(world, 8, { priority: 'normal' })), []);
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, priority: 'spare', etag: '' });
  t.same(told(world, newVm(world, 8, { priority: 'normal' })), ['plain']);
});
