import { test } from 'tap';
import type { NewVm } from '../../../scheduler/core/commands.js';
import type { Vm } from '../../../scheduler/core/model.js';
import { roomy, smallWorld } from './world.js';

test('a VM is placed, claimed and given an operation in one decision', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('web', { vcpus: 2, title: 'Web', labels: { a: 'b' } }));
  const [vm] = vms as [Vm];
  t.match(vm, {
    administration: 'adm',
    id: 'web',
    title: 'Web',
    labels: { a: 'b' },
    desired: 'running',
    state: 'placed',
    host: 'a',
    term: 1,
    generation: 1,
    observedGeneration: 0,
    operation: operation.id,
    revision: 1,
  });
  t.match(operation, { verb: 'create', state: 'running', targets: [vm.uid], succeeded: 0, failed: 0 });
  t.same(world.state.hostTable.claimed('a'), { vcpus: 2, memoryMib: 1024, diskMib: 1000, vms: 1 });
  t.same(world.state.claimOfAdministration('adm'), { vcpus: 2, memoryMib: 1024, diskMib: 1000, vms: 1 });
  t.equal(world.state.vmByName('adm', 'web'), vm);
});

test('creation is refused for what is not there, taken, or too small', async (t) => {
  const world = smallWorld('a');
  const there = world.vm('there');
  const cases = [
    ['an administration', world.createOf([world.newVm('x')], 'none'), 'ADMINISTRATION_NOT_FOUND'],
    ['an image', world.createOf([world.newVm('x', { image: 'none' })]), 'IMAGE_NOT_FOUND'],
    ['a pool', world.createOf([world.newVm('x', { pool: 'none' })]), 'STORAGE_POOL_NOT_FOUND'],
    [
      'a site',
      world.createOf([
        world.newVm('x', { placement: { sites: ['none'], countries: [], excludedHosts: [] } }),
      ]),
      'SITE_NOT_FOUND',
    ],
    ['a name that is taken', world.createOf([world.newVm('there')]), 'VM_EXISTS'],
    ['a name twice in one call', world.createOf([world.newVm('x'), world.newVm('x')]), 'VM_EXISTS'],
    ['a uid that is taken', world.createOf([world.newVm('x', { uid: there.uid })]), 'VM_EXISTS'],
    ['a disk below the image', world.createOf([world.newVm('x', { diskMib: 99 })]), 'DISK_TOO_SMALL'],
    ['too much memory', world.createOf([world.newVm('x', { memoryMib: 10 ** 6 })]), 'NO_HOST'],
  ] as const;
  const { sequence } = world.state;
  for (const [what, command, reason] of cases) t.equal(world.refused(command).reason, reason, what);
  t.equal(world.state.sequence, sequence);
  t.equal(world.state.vms.size, 1);
});

test('a batch is all or nothing: the last VM that does not fit refuses every one', async (t) => {
  const world = smallWorld('a', 'b');
  const many = Array.from({ length: 3 }, (_, index) => world.newVm(`vm-${index}`, { memoryMib: 40_000 }));
  const refusal = world.refused(world.createOf(many));
  t.match(refusal, { kind: 'exhausted', reason: 'NO_HOST', metadata: { LACKS_MEMORY: '2' } });
  t.match(refusal.message, /"vm-2"/);
  t.equal(world.state.vms.size, 0);
  t.equal(world.state.operations.size, 0);
  t.equal(world.state.hostTable.claimed('a').memoryMib, 0);
});

test('a batch sees what it has itself claimed', async (t) => {
  const world = smallWorld('a', 'b');
  const { vms } = world.create(
    ...Array.from({ length: 2 }, (_, index) => world.newVm(`vm-${index}`, { memoryMib: 40_000 })),
  );
  t.same(vms.map((vm) => vm.host).sort(), ['a', 'b']);
});

test('the VMs of a batch share one operation, which ends when the last has settled', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('one'), world.newVm('two'));
  const [one, two] = vms as [Vm, Vm];
  world.see(one, 'running');
  t.match(operation, { state: 'running', succeeded: 1 });
  t.equal(one.operation, null);
  world.see(two, 'running');
  t.match(operation, { state: 'succeeded', succeeded: 2, failed: 0, endedMs: world.nowMs });
});

test('VMs come in the order of their creation, also within a batch', async (t) => {
  const world = smallWorld('a');
  world.create(world.newVm('z'), world.newVm('m'));
  world.vm('a');
  t.same(
    [...world.state.vmOrder.after(0)].map((vm) => vm.id),
    ['z', 'm', 'a'],
  );
});

test('a VM that should be stopped is settled when it is stopped', async (t) => {
  const world = smallWorld('a');
  const { vms, operation } = world.create(world.newVm('vm', { power: 'stopped' }));
  const [vm] = vms as [Vm];
  t.equal(vm.desired, 'stopped');
  world.see(vm, 'stopped');
  t.equal(operation.state, 'succeeded');
});

test('nobody can take a VM: the refusal counts every host once, by its first reason', async (t) => {
  const world = smallWorld('ready', 'cordoned', 'arm');
  world.host('small', 'zagreb', { memoryMib: 64 });
  world.join('joined', 'zagreb');
  world.run({ type: 'host.cordon', id: 'cordoned', cordoned: true });
  world.hello('arm', { inventory: { architecture: 'aarch64' } });
  world.host('gone', 'zagreb');
  world.run({ type: 'host.retire', id: 'gone', etag: '' });
  const placement = { sites: [], countries: [], excludedHosts: ['ready'] };
  const refusal = world.refused(world.createOf([world.newVm('vm', { placement })]));
  t.same(refusal.metadata, {
    hosts: '5',
    EXCLUDED_BY_REQUEST: '1',
    CORDONED: '1',
    LACKS_MEMORY: '1',
    OTHER_ARCHITECTURE: '1',
    HOST_NOT_CONNECTED: '1',
    suggestion_field: 'placement.excluded_hosts',
    suggestion_value: '',
  });
  t.match(refusal.message, /of 5 hosts .*1 is cordoned/);
});

test('a VM that is refused alone is told the smallest change that would make it fit', async (t) => {
  const world = smallWorld();
  world.host('a', 'zagreb', { memoryMib: 2048, vcpus: 4 });
  const refusal = world.refused(world.createOf([world.newVm('vm', { memoryMib: 3000 })]));
  t.match(refusal.message, /1 lacks memory; with 2048 MiB of memory it would fit$/);
  t.match(refusal.metadata, { suggestion_field: 'spec.memory_mib', suggestion_value: '2048' });
  world.vm('vm', { memoryMib: 2048 });
});

test('nothing is suggested in a batch, while waiting may help, or when no single change would do', async (t) => {
  const world = smallWorld();
  world.host('a', 'zagreb', { memoryMib: 2048, vcpus: 4 });
  const plain = (...vms: NewVm[]) => {
    const { message, metadata } = world.refused(world.createOf(vms));
    t.notMatch(message, /would fit/);
    t.notOk('suggestion_field' in metadata);
  };
  plain(world.newVm('one'), world.newVm('two', { memoryMib: 2000 }));
  plain(world.newVm('far', { memoryMib: 5000 }));
  plain(world.newVm('both', { memoryMib: 3000, vcpus: 6 }));
  world.host('away', 'zagreb');
  world.run({ type: 'host.disconnected', id: 'away', reason: '' });
  plain(world.newVm('soon', { memoryMib: 3000 }));
});

test('no size is suggested that a VM cannot have', async (t) => {
  const world = smallWorld();
  world.image('large', 900);
  world.host('a', 'zagreb', { memoryMib: 63, diskMib: 100 });
  world.host('b', 'zagreb', { diskMib: 800 });
  const suggested = (change: Partial<NewVm>) =>
    world.refused(world.createOf([world.newVm('vm', change)])).metadata['suggestion_value'];
  t.equal(suggested({ image: 'large', diskMib: 1000 }), undefined, 'its image would not fit on that disk');
  t.equal(suggested({ diskMib: 1000 }), '800');
  world.run({ type: 'host.cordon', id: 'b', cordoned: true });
  t.equal(suggested({ memoryMib: 100, diskMib: 100 }), undefined, 'no VM has less than 64 MiB');
});

test('a VM that cannot be started elsewhere is told what would make it fit as well', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm', { memoryMib: 3000 });
  world.see(vm, 'refused');
  world.hello('a', {
    capacity: { ...roomy, memoryMib: 2048 },
    inventory: { architecture: 'x86_64', less: true },
  });
  t.match(world.refused(world.startOf(vm)), {
    message: /; with 2048 MiB of memory it would fit$/,
    metadata: { suggestion_field: 'spec.memory_mib' },
  });
});

test('a refusal is temporary exactly when a host would fit but is not connected', async (t) => {
  const world = smallWorld();
  const vm = () => world.createOf([world.newVm('vm')]);
  t.match(world.refused(vm()), { kind: 'exhausted', message: /there are no hosts/ });
  world.host('a', 'zagreb');
  world.run({ type: 'host.disconnected', id: 'a', reason: '' });
  t.match(world.refused(vm()), { kind: 'unavailable', reason: 'NO_HOST', retryDelayMs: 2000 });
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  t.match(world.refused(vm()), { kind: 'exhausted' }, 'it would not fit either when it is back');
});

test('hosts are left out by site, country, and the order of an operator', async (t) => {
  const world = smallWorld('zg');
  world.site('ljubljana', 'SI');
  world.host('lj', 'ljubljana');
  const placed = (id: string, placement: object) =>
    world.vm(id, { placement: { sites: [], countries: [], excludedHosts: [], ...placement } }).host;
  t.equal(placed('by-site', { sites: ['ljubljana'] }), 'lj');
  t.equal(placed('by-country', { countries: ['SI'] }), 'lj');
  t.equal(placed('by-exclusion', { excludedHosts: ['lj'] }), 'zg');
  world.run({ type: 'site.cordon', id: 'ljubljana', cordoned: true });
  t.equal(placed('elsewhere', {}), 'zg');
  t.match(
    world.refused(
      world.createOf([
        world.newVm('none', { placement: { sites: ['ljubljana'], countries: ['HR'], excludedHosts: [] } }),
      ]),
    ),
    { metadata: { CORDONED: '1', NOT_ALLOWED_THERE: '1' } },
  );
});
