import { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import type { World } from '../world.js';
import { create, quota, threeCountries } from './federation.js';

const free = (world: World, id: string, stoppedVms: 'free' | 'keep' | null = 'free') =>
  world.run({ type: 'administration.update', id, stoppedVms, etag: '' });

function stopped(world: World, id: string, administration = 'pula'): Vm {
  create(world, administration, id, { vcpus: 4, power: 'stopped' });
  const vm = world.state.vmByName(administration, id) as Vm;
  world.see(vm, 'stopped');
  return vm;
}

const usedVcpus = (world: World) => world.state.tenancy.heldBy('pula').vcpus;
const freeVcpus = (world: World) =>
  world.state.hostTable.freeVcpus[world.state.hostTable.row('zagreb-1') as number];

test('stopped VMs keep what they hold, unless their administration frees it', async (t) => {
  const world = threeCountries();
  stopped(world, 'a');
  t.equal(usedVcpus(world), 4);
  free(world, 'croatia');
  t.equal(usedVcpus(world), 0, 'those that are stopped already, too');
  t.equal(freeVcpus(world), 64);
  t.equal(world.state.tenancy.heldBy('pula').diskMib, 1000, 'the disk stays');
  stopped(world, 'b');
  t.equal(usedVcpus(world), 0);
  free(world, 'istria', 'keep');
  stopped(world, 'c');
  t.equal(usedVcpus(world), 4, 'the nearest that says something decides');
});

test('a VM holds everything until it is seen off', async (t) => {
  const world = threeCountries();
  free(world, 'pula');
  create(world, 'pula', 'a', { vcpus: 4 });
  const vm = world.state.vmByName('pula', 'a') as Vm;
  world.see(vm, 'running');
  world.stop(vm);
  t.equal(usedVcpus(world), 4);
  world.see(vm, 'stopping');
  t.equal(usedVcpus(world), 4);
  world.see(vm, 'stopped');
  t.equal(usedVcpus(world), 0);
});

test('a parked VM claims again at its start, against host and quota', async (t) => {
  const world = threeCountries();
  free(world, 'pula');
  const vm = stopped(world, 'a');
  quota(world, 'pula', { vcpus: 3 });
  t.match(world.refused(world.startOf(vm)), { reason: 'QUOTA_EXCEEDED' });
  quota(world, 'pula', { vcpus: 100 });
  create(world, 'pula', 'large', { vcpus: 62 });
  t.match(world.refused(world.startOf(vm)), { reason: 'NO_ROOM', message: /start: it has given up/ });
  const large = world.state.vmByName('pula', 'large') as Vm;
  world.delete(large);
  world.see(large, 'absent');
  world.start(vm);
  t.equal(usedVcpus(world), 4);
  t.equal(vm.parked, undefined);
});

test('one that was started by hand has its room again', async (t) => {
  const world = threeCountries();
  free(world, 'pula');
  const vm = stopped(world, 'a');
  world.see(vm, 'running');
  t.equal(usedVcpus(world), 4);
});

test('a VM with extras keeps all it has: it could not be sure to start again', async (t) => {
  const world = threeCountries();
  world.hello('zagreb-1', {
    capacity: { vcpus: 64, memoryMib: 65_536, diskMib: 10 ** 6, vms: 100, extras: { vf: 1 } },
  });
  free(world, 'pula');
  create(world, 'pula', 'a', { vcpus: 4, extras: { vf: 1 }, power: 'stopped' });
  world.see(world.state.vmByName('pula', 'a') as Vm, 'stopped');
  t.equal(usedVcpus(world), 4);
});

test('a parked VM has no room to give up to one of a higher priority', async (t) => {
  const world = threeCountries();
  free(world, 'pula');
  const vm = stopped(world, 'a');
  create(world, 'pula', 'large', { vcpus: 62 });
  const wanted = world.newVm('urgent', { vcpus: 4, priority: 'critical' });
  const preemption = [{ uid: vm.uid, etag: `"${vm.revision}"` }];
  t.match(world.refused({ ...world.createOf([wanted], 'pula'), preemption }), {
    reason: 'NOT_DISPLACEABLE',
    message: /has given up its room already/,
  });
});
