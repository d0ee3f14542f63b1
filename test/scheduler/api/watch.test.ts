import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { eventually } from '../within.js';
import { ScriptedAgent } from './agent.js';
import { adm, Federation, newVm } from './federation.js';
import { learn, Watcher } from './watcher.js';

const federation = await Federation.start(tap, ['--lease-ms', '60000']);
const { api, scheduler } = federation;
let agent = await federation.host('a', { obeys: true });

/** What a listing says, in the words of a watcher. */
async function listed(filter = ''): Promise<string[]> {
  const all: string[] = [];
  let pageToken = '';
  do {
    const page = await api.call('ListVms', { filter, pageToken, pageSize: 1000 });
    all.push(...page.vms.map(({ name, state, etag }) => `${name} ${state} ${etag}`));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all.sort();
}

/** The watcher knows what a listing shows. */
async function agrees(watcher: Watcher, filter = ''): Promise<void> {
  await eventually(
    'the watcher knows what is listed',
    async () => ({ listed: await listed(filter), known: [...watcher.vms.values()].sort() }),
    (both) => both.listed.join('\n') === both.known.join('\n'),
  );
}

async function runs(vmId: string): Promise<string> {
  const { name } = await federation.vm(vmId);
  await federation.becomes(name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  return name;
}

test('a watch shows what there is, then SYNCED, then every change', async (t) => {
  const before = await runs('before');
  const watcher = new Watcher(api);
  t.match(await watcher.next('UPDATED'), { vm: { name: before, state: 'VM_STATE_RUNNING' } });
  const synced = await watcher.next('SYNCED');
  t.equal(synced.vm, null);
  t.ok(synced.resumeToken);
  const { name } = await federation.vm('changing');
  t.match(await watcher.next('UPDATED', name), { vm: { uid: /^[0-9a-f-]{36}$/ } });
  await federation.becomes(name, 'runs', ({ state }) => state === 'VM_STATE_RUNNING');
  await agrees(watcher);
  await api.call('StopVm', { name });
  await federation.becomes(name, 'stops', ({ state }) => state === 'VM_STATE_STOPPED');
  await agrees(watcher);
  await api.call('DeleteVm', { name });
  t.match(await watcher.next('REMOVED', name), { vm: { name, state: 'VM_STATE_DELETED' } });
  await agrees(watcher);
  watcher.cancel();
  t.match(await watcher.heard.over(), { code: status.CANCELLED });
});

test('a watch of one administration shows only its own', async (t) => {
  await api.call('CreateAdministration', { administrationId: 'other', administration: { country: 'HR' } });
  const ours = new Watcher(api, { parent: adm });
  const theirs = new Watcher(api, { parent: 'administrations/other' });
  await Promise.all([ours.next('SYNCED'), theirs.next('SYNCED')]);
  const { vm } = await api.call('CreateVm', { ...newVm('theirs'), parent: 'administrations/other' });
  await theirs.next('UPDATED', vm?.name);
  const { name } = await federation.vm('ours');
  await ours.next('UPDATED', name);
  t.notOk([...ours.vms.values()].some((known) => known.startsWith('administrations/other')));
  t.equal(theirs.vms.size, 1);
  for (const watcher of [ours, theirs]) watcher.cancel();
});

test('with a filter a VM appears when it matches, and is REMOVED when it does not any more', async (t) => {
  const name = await runs('filtered');
  const filter = 'state = STOPPED';
  const watcher = new Watcher(api, { filter });
  await watcher.next('SYNCED');
  t.equal(watcher.vms.size, 0);
  await api.call('StopVm', { name });
  t.match(await watcher.next('UPDATED', name), { vm: { state: 'VM_STATE_STOPPED' } });
  await agrees(watcher, filter);
  await api.call('StartVm', { name });
  t.match(await watcher.next('REMOVED', name), { vm: { name } });
  t.not(watcher.heard.all.at(-1)?.vm?.state, 'VM_STATE_DELETED', 'it is not gone, only out of sight');
  await agrees(watcher, filter);
  watcher.cancel();
});

test('a watch that is resumed shows what was missed, and nothing else', async (t) => {
  const first = new Watcher(api);
  await first.next('SYNCED');
  const known = new Map(first.vms);
  const { token } = first;
  first.cancel();
  await first.heard.over();
  const name = await runs('missed');
  const second = new Watcher(api, { resumeToken: token });
  await second.next('UPDATED', name);
  for (const [uid, vm] of known) if (!second.vms.has(uid)) second.vms.set(uid, vm);
  await agrees(second);
  t.notOk(second.kinds().includes('RESET'));
  t.notOk(second.kinds().includes('SYNCED'), 'what was shown before is not shown again');
  const third = new Watcher(api, { resumeToken: second.token });
  await federation.vm('last');
  await third.next('UPDATED', `${adm}/vms/last`);
  t.notOk(third.kinds().includes('RESET'));
  for (const watcher of [second, third]) watcher.cancel();
});

test('a watch can be resumed after any event without losing one, also in the middle of a batch', async (t) => {
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  const from = watcher.heard.all.length;
  const requests = ['x', 'y', 'z'].map((id) => ({ ...newVm(`batch-${id}`), parent: '', requestId: '' }));
  const { vms, operation } = await api.call('BatchCreateVms', { parent: adm, requests });
  await api.call('WaitOperation', { name: operation?.name ?? '' });
  await agrees(watcher);
  const events = watcher.heard.all.slice(from);
  const end = await listed();
  t.ok(events.length >= 6);
  for (const [index, { resumeToken }] of events.entries()) {
    if (resumeToken === '') continue;
    const resumed = new Watcher(api, { resumeToken });
    for (const event of watcher.heard.all.slice(0, from + index + 1)) learn(resumed.vms, event);
    await agrees(resumed);
    t.same([...resumed.vms.values()].sort(), end, `resumed after event ${index}`);
    resumed.cancel();
  }
  t.equal(vms.length, 3);
  watcher.cancel();
});

test('a token that this scheduler cannot follow gives RESET, and everything again', async (t) => {
  const [incarnation, sequence] = (await synced()).split('.').map(Number) as [number, number];
  for (const resumeToken of [
    `${incarnation}.0`,
    `${incarnation}.${sequence + 1_000_000}`,
    `${incarnation + 1}.${sequence}`,
    `${incarnation - 1}.${sequence}`,
  ]) {
    const watcher = new Watcher(api, { resumeToken });
    await watcher.next('SYNCED');
    t.equal(watcher.kinds()[0], 'RESET', resumeToken);
    await agrees(watcher);
    watcher.cancel();
  }
});

/** A fresh token. */
async function synced(): Promise<string> {
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  watcher.cancel();
  return watcher.token;
}

test('a watch with a filter begins again when it is resumed: what it was shown is not known', async (t) => {
  const watcher = new Watcher(api, { filter: 'vcpus = 1', resumeToken: await synced() });
  await watcher.next('SYNCED');
  t.equal(watcher.kinds()[0], 'RESET');
  watcher.cancel();
});

test('a request that makes no sense is refused with its field', async (t) => {
  for (const [request, field] of [
    [{ resumeToken: 'x' }, 'resume_token'],
    [{ resumeToken: '1.-1' }, 'resume_token'],
    [{ resumeToken: '1.9999999999999999' }, 'resume_token'],
    [{ resumeToken: `1.${'9'.repeat(10_000)}` }, 'resume_token'],
    [{ filter: 'state =' }, 'filter'],
    [{ filter: 'nothing = 1' }, 'filter'],
    [{ parent: 'adm' }, 'parent'],
    [{ parent: 'vms/x' }, 'parent'],
  ] as const) {
    const watcher = new Watcher(api, request);
    const { code, details } = await watcher.heard.over();
    t.equal(code, status.INVALID_ARGUMENT, JSON.stringify(request).slice(0, 60));
    t.match(details, field);
  }
  const unknown = new Watcher(api, { parent: 'administrations/none' });
  t.match(await unknown.heard.over(), { code: status.NOT_FOUND });
});

test('a host that falls silent shows in all of its VMs', async (t) => {
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  const running = [...watcher.vms.values()].filter((known) => known.includes('VM_STATE_RUNNING'));
  t.ok(running.length > 0);
  agent.close();
  const event = await watcher.heard.next('an unknown state', ({ vm }) => vm?.state === 'VM_STATE_UNKNOWN');
  t.equal(event.vm?.lastKnownState, 'VM_STATE_RUNNING');
  await agrees(watcher);
  agent = await ScriptedAgent.connect(api, 'a', { obeys: true });
  await watcher.heard.next('a known state', ({ vm }) => vm?.state === 'VM_STATE_RUNNING');
  await agrees(watcher);
  watcher.cancel();
});

test('many watchers all learn the same, while VMs come and go', async (t) => {
  const watchers = Array.from({ length: 30 }, () => new Watcher(api));
  const names = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => (await federation.vm(`many-${index}`)).name),
  );
  await Promise.all(names.slice(0, 20).map((name) => api.call('DeleteVm', { name })));
  await eventually(
    'they are gone',
    async () => (await listed('name: "/many-"')).length,
    (left) => left === 20,
  );
  for (const watcher of watchers) await agrees(watcher);
  t.equal(new Set(watchers.map(({ vms }) => [...vms.values()].sort().join())).size, 1);
  for (const watcher of watchers) watcher.cancel();
});

test('a watch ends with its scheduler, and after a restart the old token is answered with RESET', async (t) => {
  const watcher = new Watcher(api);
  await watcher.next('SYNCED');
  const { token } = watcher;
  await scheduler.restart();
  t.not((await watcher.heard.over()).code, status.OK);
  const again = new Watcher(api, { resumeToken: token });
  await again.next('SYNCED');
  t.equal(again.kinds()[0], 'RESET');
  await agrees(again);
  again.cancel();
});
