/** Who may move VMs and cancel that, and what of it whom is shown. */
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { Vm } from '../../../../scheduler/core/model.js';
import { identityCaller, settle } from './callers.js';
import { serve } from './server.js';

const { world, as } = await serve(tap, (fresh) => {
  settle(fresh);
  const hosts = ['zg-1', 'zg-2'];
  fresh.run({
    type: 'pool.create',
    id: 'san',
    site: 'zagreb',
    path: '/srv/san',
    hosts,
    capacityMib: 100_000,
  });
  // The other host has none of the tenants' VMs.
  for (const { uid, host } of [...fresh.state.vms.values()])
    if (host === 'zg-2') throw new Error(`${uid} is on zg-2`);
  fresh.run({ type: 'host.cordon', id: 'zg-2', cordoned: true });
  const placement = { sites: ['zagreb'], countries: [], excludedHosts: [] };
  for (const [administration, id] of [
    ['hr-city', 'mover'],
    ['mk', 'visitor'],
  ] as const)
    fresh.run(fresh.createOf([fresh.newVm(id, { pool: 'san', placement })], administration));
  fresh.run({ type: 'host.cordon', id: 'zg-2', cordoned: false });
  for (const vm of [...fresh.state.vms.values()]) fresh.see(vm, 'running');
});
const of = (id: string) => as(identityCaller(world.state, id));
const found = (administration: string, id: string) => world.state.vmByName(administration, id) as Vm;
const mover = 'administrations/hr-city/vms/mover';
const cold = { name: mover, mode: 'MIGRATION_MODE_COLD' } as const;

test('tenants do not choose hosts, and others see nothing of it', async (t) => {
  for (const who of ['hr-admin', 'city-user', 'auditor', 'portal']) {
    t.match(await of(who).fails('MigrateVm', cold), { code: status.PERMISSION_DENIED }, who);
    t.match(
      await of(who).fails('DrainHost', { name: 'hosts/zg-1' }),
      { code: status.PERMISSION_DENIED },
      who,
    );
  }
  t.match(await of('south-op').fails('MigrateVm', cold), {
    code: status.NOT_FOUND,
    message: `there is no VM "${mover}"`,
  });
  t.match(await of('south-op').fails('DrainHost', { name: 'hosts/zg-1' }), {
    code: status.NOT_FOUND,
    message: 'there is no host "hosts/zg-1"',
  });
  const elsewhere = await of('north-op').fails('MigrateVm', { ...cold, host: 'hosts/sk-1' });
  t.match(elsewhere, { code: status.NOT_FOUND, message: 'there is no host "hosts/sk-1"' });
});

test('an operator moves a VM of its site, by its name or its UUID, and its owner sees that it moves and not where to', async (t) => {
  const { uid } = found('hr-city', 'mover');
  const { vm, operation } = await of('north-op').call('MigrateVm', { ...cold, name: `vms/${uid}` });
  t.match(vm, { name: mover, title: '', labels: {}, move: { from: 'hosts/zg-1', to: 'hosts/zg-2' } });
  t.match(operation, { verb: 'migrate', state: 'OPERATION_STATE_RUNNING' });
  const owners = await of('city-user').call('GetVm', { name: mover });
  t.match(owners.vm, {
    title: '',
    host: 'hosts/zg-1',
    move: { from: 'hosts/zg-1', to: 'hosts/-', mode: 'MIGRATION_MODE_COLD', progress: /goes off/ },
  });
  const name = operation?.name ?? '';
  const seen = await of('city-user').call('GetOperation', { name });
  t.match(seen.operation, { verb: 'migrate', progress: /goes off/ });
  t.notMatch(JSON.stringify(seen), /zg-2/);
  t.ok((await of('city-user').call('ListOperations', {})).operations.some((each) => each.name === name));
  t.match(await of('south-op').fails('GetOperation', { name }), { code: status.NOT_FOUND });
  t.match(await of('mk-user').fails('GetOperation', { name }), { code: status.NOT_FOUND });
});

test('whoever may move a VM may cancel that, and nobody else', async (t) => {
  const name = `operations/${found('hr-city', 'mover').operation}`;
  for (const who of ['city-admin', 'city-user', 'hr-admin']) {
    t.match(await of(who).fails('CancelOperation', { name }), {
      code: status.PERMISSION_DENIED,
      reason: 'NOT_YOURS',
      message: /not yours to change; whoever may give that order, and federation administrators may/,
    });
  }
  t.match(await of('south-op').fails('CancelOperation', { name }), { code: status.NOT_FOUND });
  t.match((await of('north-op').call('CancelOperation', { name })).operation, {
    state: 'OPERATION_STATE_CANCELLED',
  });
});

test('an operator does not cancel what the owner of a VM has ordered', async (t) => {
  const vm = found('hr-city', 'mover');
  world.see(vm, 'running');
  const { operation } = await of('city-user').call('StopVm', { name: mover });
  const name = operation?.name ?? '';
  t.match(await of('north-op').fails('CancelOperation', { name }), { code: status.PERMISSION_DENIED });
  await of('city-user').call('CancelOperation', { name });
  world.see(vm, 'running');
});

test('why a move has failed names no host that its reader does not see', async (t) => {
  const { operation } = await of('north-op').call('MigrateVm', cold);
  const vm = found('hr-city', 'mover');
  world.see(vm, 'stopped');
  world.see(vm, 'absent');
  t.match((await of('north-op').call('GetVm', { name: mover })).vm, {
    host: 'hosts/zg-2',
    move: { from: 'hosts/zg-1', to: 'hosts/zg-2' },
  });
  world.see(vm, 'refused', { fault: { code: 9, reason: 'NO_DISK', message: 'no disk in sight' } });
  const name = operation?.name ?? '';
  const told = async (who: string) => (await of(who).call('GetOperation', { name })).operation;
  t.match(await told('north-op'), {
    error: { message: /zg-2 refused it: no disk in sight; it is back on zg-1/ },
  });
  t.match(await told('city-user'), {
    state: 'OPERATION_STATE_FAILED',
    error: { message: 'it has not moved (NO_DISK); the operators of its host see why' },
  });
});

test('of a drain its operators see everything, whose VMs they are nothing, and for whom the host is kept its own', async (t) => {
  await of('north-op').call('DrainHost', { name: 'hosts/zg-1' });
  for (const [administration, id] of [
    ['hr-city', 'mover'],
    ['mk', 'visitor'],
  ] as const) {
    const vm = found(administration, id);
    const fault = { code: 9, reason: 'DISK_THERE', message: 'its disk is there' };
    world.see(vm, 'running', { fault });
  }
  const drain = async (who: string) =>
    (await of(who).call('GetHost', { name: 'hosts/zg-1' })).host?.drain ?? null;
  const blocked = async (who: string) => (await drain(who))?.obstacles.map(({ vm }) => vm);
  t.ok((await blocked('north-op'))?.includes('administrations/mk/vms/visitor'));
  t.equal(await drain('city-user'), null);
  const filter = 'draining = true';
  t.equal((await of('city-user').call('ListHosts', { filter })).hosts.length, 0, 'nor by asking for it');
  t.equal((await of('north-op').call('ListHosts', { filter })).hosts.length, 1);
  world.run({ type: 'host.update', id: 'zg-1', dedicatedTo: 'hr', etag: '' });
  t.match(await drain('hr-user'), { state: 'HOST_DRAIN_STATE_ACTIVE' });
  const own = (await blocked('hr-user')) ?? [];
  t.ok(own.includes(mover));
  t.notOk(own.some((name) => name.startsWith('administrations/mk/')));
});
