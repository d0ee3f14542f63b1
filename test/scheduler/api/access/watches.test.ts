/** Watches of those who do not see everything: what comes into sight, what leaves it, and who may not look any more. */
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { Watcher } from '../watcher.js';
import { addIdentity, dayMs, delegateCaller, identityCaller, place, settle } from './callers.js';
import { serve } from './server.js';

const { world, as } = await serve(tap, settle);
const { state } = world;
const watching = (id: string, request = {}) => new Watcher(as(identityCaller(state, id)), request);
const named = (watcher: Watcher) => [...watcher.vms.values()].map((vm) => vm.split(' ')[0]).sort();
const guest = 'administrations/mk/vms/guest';

test('everybody watches what is theirs', async (t) => {
  for (const [who, vms] of [
    ['hr-user', ['administrations/hr-city/vms/web', 'administrations/hr/vms/top']],
    ['city-user', ['administrations/hr-city/vms/web']],
    ['north-op', ['administrations/hr-city/vms/web', 'administrations/hr/vms/top', guest]],
  ] as const) {
    const watcher = watching(who);
    await watcher.next('SYNCED');
    const first = named(watcher).filter((name) => !name?.includes('/of-'));
    t.same(first, vms, who);
    place(world, 'mk-city', `not-of-${who}`, 'skopje');
    place(world, 'hr-city', `of-${who}`, 'zagreb');
    await watcher.next('UPDATED', `administrations/hr-city/vms/of-${who}`);
    t.notMatch(JSON.stringify(watcher.heard.all), /not-of/);
    watcher.cancel();
  }
  const failed = watching('hr-user', { parent: 'administrations/mk' });
  t.match(await failed.heard.over(), { code: status.NOT_FOUND });
});

test('a VM that moves to another partner’s host is gone for the operator, without a word about where it is', async (t) => {
  const watcher = watching('north-op');
  await watcher.next('SYNCED');
  const vm = state.vmByName('mk', 'guest');
  if (vm === undefined) throw new Error('no VM');
  world.run({ type: 'host.cordon', id: 'zg-1', cordoned: true });
  world.run({ type: 'host.cordon', id: 'zg-2', cordoned: true });
  vm.placement.sites = [];
  // Refused where it was: it is placed anew, and there is room at home.
  world.see(vm, 'refused', { fault: { code: 9, reason: 'NO', message: 'no' } });
  t.equal(vm.host, 'sk-1');
  const { vm: lost } = await watcher.next('REMOVED', guest);
  t.match(lost, { name: guest, uid: vm.uid, host: '', site: '', spec: null, state: 'VM_STATE_UNSPECIFIED' });
  t.notMatch(JSON.stringify(watcher.heard.all), /sk-1/);
  for (const id of ['zg-1', 'zg-2']) world.run({ type: 'host.cordon', id, cordoned: false });
  watcher.cancel();
});

test('when an administration is moved, what its VMs are to a watcher begins anew', async (t) => {
  const watcher = watching('hr-user');
  await watcher.next('SYNCED');
  world.administration('hr-other', 'hr');
  world.run({ type: 'administration.move', id: 'mk-city', parent: 'hr', etag: '' });
  await watcher.next('RESET');
  await watcher.next('SYNCED');
  t.ok(named(watcher).includes('administrations/mk-city/vms/web'));
  world.run({ type: 'administration.move', id: 'mk-city', parent: 'mk', etag: '' });
  await watcher.next('RESET');
  await watcher.next('SYNCED');
  t.notOk(named(watcher).includes('administrations/mk-city/vms/web'));
  t.equal(watcher.kinds().filter((kind) => kind === 'RESET').length, 2, 'and not for one that is new');
  watcher.cancel();
});

test('a watch of an administration that leaves the subtree ends', async (t) => {
  const watcher = watching('hr-user', { parent: 'administrations/hr-city' });
  await watcher.next('SYNCED');
  world.run({ type: 'administration.move', id: 'hr-city', parent: 'mk', etag: '' });
  t.match(await watcher.heard.over(), { code: status.NOT_FOUND });
  world.run({ type: 'administration.move', id: 'hr-city', parent: 'hr', etag: '' });
});

test('whoever is disabled, revoked or deleted is told no more', async (t) => {
  const ends: [string, () => void][] = [
    ['disabled', () => world.run({ type: 'identity.update', id: 'disabled', disabled: true, etag: '' })],
    ['revoked', () => world.run({ type: 'identity.revoke', id: 'revoked', serials: [] })],
    ['deleted', () => world.run({ type: 'identity.delete', id: 'deleted', etag: '' })],
  ];
  for (const [id, end] of ends) {
    addIdentity(world, { id, role: 'administration_user', administration: 'hr' });
    const api = as(identityCaller(state, id));
    const watcher = new Watcher(api);
    await watcher.next('SYNCED');
    end();
    t.match(await watcher.heard.over(), { code: status.UNAUTHENTICATED }, id);
    t.match(
      await api.fails('ListVms', {}),
      { code: status.UNAUTHENTICATED },
      `${id}: on the same connection`,
    );
  }
});

test('a watch ends with its certificate', async (t) => {
  addIdentity(world, { id: 'brief', role: 'administration_user', administration: 'hr' });
  const certificate = { serial: 'brief-2', issuedMs: world.nowMs, endMs: world.nowMs + 200 };
  world.run({ type: 'identity.certify', id: 'brief', certificate });
  const watcher = new Watcher(as(identityCaller(state, 'brief', 'brief-2')));
  await watcher.next('SYNCED');
  world.nowMs += dayMs;
  t.match(await watcher.heard.over(), { code: status.UNAUTHENTICATED, details: /expired/ });
});

test('a portal that does not serve an administration any more, or is disabled, loses its watches', async (t) => {
  const user = () => new Watcher(as(delegateCaller(state, 'mk-city', 'administration_user')));
  const first = user();
  await first.next('SYNCED');
  t.ok(named(first).every((name) => name?.startsWith('administrations/mk-city/')));
  world.run({ type: 'identity.update', id: 'portal', serves: ['hr'], etag: '' });
  t.match(await first.heard.over(), { code: status.PERMISSION_DENIED });
  world.run({ type: 'identity.update', id: 'portal', serves: ['mk'], etag: '' });
  const second = user();
  await second.next('SYNCED');
  world.run({ type: 'identity.update', id: 'portal', disabled: true, etag: '' });
  t.match(await second.heard.over(), { code: status.UNAUTHENTICATED });
  world.run({ type: 'identity.update', id: 'portal', disabled: false, etag: '' });
});

test('a watch of who does not see everything begins again when it is resumed', async (t) => {
  const first = watching('north-op');
  await first.next('SYNCED');
  const { token } = first;
  first.cancel();
  const again = watching('north-op', { resumeToken: token });
  await again.next('SYNCED');
  t.equal(again.kinds()[0], 'RESET');
  again.cancel();
  const exact = watching('hr-user', { parent: 'administrations/hr-city' });
  await exact.next('SYNCED');
  const resumed = watching('hr-user', { parent: 'administrations/hr-city', resumeToken: exact.token });
  place(world, 'hr-city', 'late', 'zagreb');
  await resumed.next('UPDATED', 'administrations/hr-city/vms/late');
  t.notOk(resumed.kinds().includes('RESET'), 'of one administration all is known');
  exact.cancel();
  resumed.cancel();
});
