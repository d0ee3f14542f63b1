import * as grpc from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { ListEventsRequest } from '../../../proto/gen/secovia/v1/ListEventsRequest.js';
import type { WatchEventsRequest } from '../../../proto/gen/secovia/v1/WatchEventsRequest.js';
import type { WatchEventsResponse__Output } from '../../../proto/gen/secovia/v1/WatchEventsResponse.js';
import type { Event__Output } from '../../../proto/gen/secovia/v1/Event.js';
import { randomUUID } from 'node:crypto';
import { cli, spawnCli } from '../../cli/run-cli.js';
import { eventually } from '../within.js';
import { definitionOf } from './client.js';
import { adm, Federation, newVm } from './federation.js';
import { Heard } from './heard.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const secovia = (...args: string[]) => cli(args, { server: scheduler.address, nowMs: Date.now() });
const agent = await federation.host('zg-1', { obeys: true });
tap.teardown(() => agent.close());
await federation.site('skopje', 'MK');
const other = await federation.host('sk-1', { obeys: true, site: 'skopje' });
tap.teardown(() => other.close());
const inZagreb = { placement: { sites: ['sites/zagreb'] } };
await api.call('CreateVm', newVm('web', inZagreb));
const web = await federation.becomes(`${adm}/vms/web`, 'runs', ({ operation }) => operation === '');
await api.call('CreateVm', newVm('gone', { placement: { sites: ['sites/skopje'] } }));
const gone = await federation.becomes(`${adm}/vms/gone`, 'runs', ({ operation }) => operation === '');
await api.call('DeleteVm', { name: gone.name, requestId: randomUUID() });
await eventually(
  'the VM is gone',
  () => api.fails('GetVm', { name: gone.name }).catch(() => null),
  (failure) => failure !== null,
);

const listed = async (request: ListEventsRequest) => (await api.call('ListEvents', request)).events;
const codes = (events: readonly Event__Output[]) => events.map(({ code }) => code);

test('what happened to a VM, in words, from its making on', async (t) => {
  const events = await listed({ about: web.name, order: 'EVENT_ORDER_OLDEST_FIRST' });
  t.match(events[0], {
    code: 'VM_CREATED',
    message: `made VM ${adm}/vms/web on host zg-1`,
    about: web.name,
    host: 'hosts/zg-1',
    identity: 'insecure',
    reason: /strategy pack chose host zg-1/,
  });
  t.ok(events[0]?.time);
  t.match(codes(events), ['VM_CREATED', 'OPERATION_STARTED', 'VM_OBSERVED', 'OPERATION_TARGET_ENDED']);
  const seen = events.find(({ code }) => code === 'VM_OBSERVED');
  t.match(seen, {
    message: `VM ${adm}/vms/web is seen running`,
    host: 'hosts/zg-1',
    identity: 'spiffe://secovia/host/zg-1',
  });
  const newest = await listed({ about: web.name });
  t.same(
    newest.map(({ sequence, position }) => [sequence, position]),
    events.map(({ sequence, position }) => [sequence, position]).reverse(),
  );
});

test('a VM that is gone is found by its uid', async (t) => {
  const events = await listed({ about: `vms/${gone.uid}` });
  t.match(events[0], { code: 'VM_REMOVED', message: `VM ${adm}/vms/gone is gone` });
  t.ok(codes(events).includes('VM_CREATED'));
  t.match(await api.fails('ListEvents', { about: gone.name }), { code: grpc.status.NOT_FOUND });
});

test('events of a host, of a site and of an administration are told apart', async (t) => {
  const ofHost = await listed({ about: 'hosts/zg-1' });
  t.ok(codes(ofHost).includes('HOST_STATE'));
  t.ok(codes(ofHost).includes('VM_CREATED'));
  t.notOk(ofHost.some(({ message }) => /gone|sk-1/.test(message)));
  const ofSite = await listed({ about: 'sites/skopje' });
  t.ok(codes(ofSite).includes('SITE_CREATED'));
  t.ok(ofSite.some(({ about }) => about === gone.name || about === `vms/${gone.uid}`));
  t.notOk(ofSite.some(({ message }) => /web|zg-1/.test(message)));
  const ofAdministration = await listed({ about: adm });
  t.notOk(codes(ofAdministration).some((code) => code.startsWith('HOST')));
  t.ok(codes(ofAdministration).includes('ADMINISTRATION_CREATED'));
  const all = await listed({});
  t.notOk(
    codes(all).some((code) => code.startsWith('IMAGE')),
    'catalogues are in the record alone',
  );
});

test('pages add up to the whole, also within one decision, and either way', async (t) => {
  const requests = ['a', 'b', 'c', 'd', 'e'].map((id) => newVm(`batch-${id}`, inZagreb));
  await api.call('BatchCreateVms', {
    parent: adm,
    requests: requests.map((each) => ({ ...each, requestId: '' })),
    mode: 'BATCH_MODE_ALL_OR_NOTHING',
    requestId: randomUUID(),
  });
  for (const order of ['EVENT_ORDER_OLDEST_FIRST', 'EVENT_ORDER_NEWEST_FIRST'] as const) {
    const request = { order, filter: 'code = VM_CREATED' };
    const whole = await listed(request);
    t.ok(whole.length >= 7, `${whole.length} events`);
    const paged: Event__Output[] = [];
    let pageToken = '';
    do {
      const page = await api.call('ListEvents', { ...request, pageSize: 2, pageToken });
      t.ok(page.events.length <= 2);
      paged.push(...page.events);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    t.same(paged, whole, order);
  }
});

test('bad questions say what is wrong with them', async (t) => {
  for (const request of [
    { about: 'images/tiny' },
    { filter: 'colour = red' },
    { pageToken: 'x' },
    { pageSize: -1 },
  ]) {
    t.match(await api.fails('ListEvents', request), { reason: 'INVALID_FIELDS' }, JSON.stringify(request));
  }
  for (const about of ['hosts/none', 'sites/none', 'administrations/none', `${adm}/vms/none`]) {
    t.match(await api.fails('ListEvents', { about }), { code: grpc.status.NOT_FOUND }, about);
  }
});

interface Watch {
  heard: Heard<WatchEventsResponse__Output>;
  cancel(): void;
}

function watching(request: WatchEventsRequest): Watch {
  const { path, requestSerialize, responseDeserialize } = definitionOf('WatchEvents');
  const call = api.channel.makeServerStreamRequest(
    path,
    requestSerialize as (value: WatchEventsRequest) => Buffer,
    responseDeserialize as (bytes: Buffer) => WatchEventsResponse__Output,
    request,
    new grpc.Metadata({ waitForReady: true }),
  );
  const heard = new Heard<WatchEventsResponse__Output>();
  call.on('data', (message: WatchEventsResponse__Output) => heard.add(message));
  call.on('error', () => {});
  call.on('status', ({ code, details }: grpc.StatusObject) => heard.end(code, details));
  return { heard, cancel: () => call.cancel() };
}

test('a watch tells what happens as it happens, and is taken up where it was left', async (t) => {
  const watch = watching({ about: 'sites/zagreb' });
  const first = await watch.heard.next('where it begins', ({ resumeToken }) => resumeToken !== '');
  t.same(first.events, []);
  await api.call('CordonHost', { name: 'hosts/zg-1', requestId: randomUUID() });
  await api.call('CordonHost', { name: 'hosts/sk-1', requestId: randomUUID() });
  const cordoned = await watch.heard.next('the cordon', ({ events }) => events.length > 0);
  t.match(cordoned.events, [{ code: 'HOST_CORDONED', message: 'cordoned host zg-1', host: 'hosts/zg-1' }]);
  watch.cancel();
  await api.call('UncordonHost', { name: 'hosts/zg-1', requestId: randomUUID() });
  await api.call('UncordonHost', { name: 'hosts/sk-1', requestId: randomUUID() });
  const again = watching({ about: 'sites/zagreb', resumeToken: cordoned.resumeToken });
  t.teardown(() => again.cancel());
  const missed = await again.heard.next('what was missed', ({ events }) => events.length > 0);
  t.match(missed.events, [{ code: 'HOST_CORDONED', message: 'uncordoned host zg-1' }]);
  const whole = watching({ about: 'sites/zagreb', resumeToken: first.resumeToken });
  t.teardown(() => whole.cancel());
  const both = await whole.heard.next('both', ({ events }) => events.length > 1);
  t.same(
    both.events.map(({ message }) => message),
    ['cordoned host zg-1', 'uncordoned host zg-1'],
  );
});

test('a watch of a VM tells of its end, too', async (t) => {
  await api.call('CreateVm', newVm('short', inZagreb));
  const { name } = await federation.becomes(`${adm}/vms/short`, 'runs', ({ operation }) => operation === '');
  const watch = watching({ about: name });
  t.teardown(() => watch.cancel());
  await watch.heard.next('where it begins', ({ resumeToken }) => resumeToken !== '');
  await api.call('DeleteVm', { name, requestId: randomUUID() });
  const isOver = ({ events }: WatchEventsResponse__Output) =>
    events.some(({ code }) => code === 'VM_REMOVED');
  t.match((await watch.heard.next('its end', isOver)).events.at(-1)?.message, /short is gone$|ended for VM/);
});

test('a watch with a token that means nothing is refused', async (t) => {
  for (const resumeToken of ['x', '9.1.0', '1.999999999.0']) {
    const watch = watching({ resumeToken });
    const { code, details } = await watch.heard.over();
    t.equal(code, grpc.status.INVALID_ARGUMENT, resumeToken);
    t.match(details, /resume_token/);
  }
});

test('the command lists events as a table, as names and as JSON', async (t) => {
  const { out, code } = await secovia('events', '--vm', 'adm/web', '--oldest-first');
  t.equal(code, 0);
  t.match(out, /^ *EVENT +TIME +CODE +BY +WHAT$/m);
  t.match(
    out,
    /^ *\d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +VM_CREATED +insecure +made VM administrations\/adm\/vms\/web on host zg-1; of the hosts/m,
  );
  t.match(out, /VM_OBSERVED +host\/zg-1 +VM administrations\/adm\/vms\/web is seen running$/m);
  const json = JSON.parse((await secovia('events', '--host', 'zg-1', '--limit', '2', '-o', 'json')).out);
  t.equal(json.events.length, 2);
  t.match(await secovia('events', '--code', 'vm_removed', '-A', 'adm', '-o', 'name', '--limit', '1'), {
    out: /^\d+(\.\d+)?\n$/,
  });
  t.match(await secovia('events', '--since', '2099-01-01'), { code: 0, err: /nothing of it has happened/ });
  t.match(await secovia('events', '--host', 'none'), { code: 3 });
  t.match(await secovia('events', '--host', 'a', '--site', 'b'), { code: 2, err: /cannot be used with/ });
  t.match(await secovia('events', '--watch', '--limit', '3'), { code: 2, err: /cannot be used with/ });
  t.match(await secovia('events', '--limit', 'many'), { code: 2, err: /whole number above 0/ });
});

test('the command watches, through a restart of the scheduler too', async (t) => {
  const running = spawnCli(['events', '--host', 'zg-1', '--code', 'HOST_CORDONED', '--watch', '-o', 'json'], {
    SECOVIA_SERVER: scheduler.address,
  });
  t.teardown(() => running.child.kill());
  let cordoned = false;
  const turn = async () => {
    cordoned = !cordoned;
    await api.call(cordoned ? 'CordonHost' : 'UncordonHost', { name: 'hosts/zg-1', requestId: randomUUID() });
  };
  const lines = () =>
    running.soFar.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  await eventually(
    'it hears',
    async () => {
      await turn();
      return lines().length;
    },
    (count) => count > 0,
  );
  const before = lines().length;
  await scheduler.stop();
  await scheduler.start();
  await running.until(({ err }) => /the connection to the scheduler is lost/.test(err));
  await turn();
  await running.until(() => lines().length > before);
  t.match(lines()[0], { code: 'HOST_CORDONED', about: 'hosts/zg-1' });
  running.child.kill('SIGINT');
  t.equal(await running.ended, 130);
});
