import { createPublicKey, randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { ExportAuditRequest } from '../../../proto/gen/secovia/v1/ExportAuditRequest.js';
import { verifyExport } from '../../../cli/audit/verify.js';
import { eventually, within } from '../within.js';
import { verified } from '../audit/record.js';
import { definitionOf, type Failure, failureOf } from './client.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api } = federation;
const agent = await federation.host('zg-1', { obeys: true });
tap.teardown(() => agent.close());
const requestId = randomUUID();
const { vm: web } = await api.call('CreateVm', { ...newVm('web'), requestId });
await federation.becomes(web?.name ?? '', 'runs', ({ operation }) => operation === '');
await api.call('CreatePartner', { partnerId: 'other', partner: { title: 'Other', country: 'SI' } });
await api.call('UpdatePartner', {
  partner: { name: 'partners/other', title: 'Another' },
  updateMask: { paths: ['title'] },
});

function exporting(request: ExportAuditRequest) {
  const { path, requestSerialize, responseDeserialize } = definitionOf('ExportAudit');
  return api.channel.makeServerStreamRequest(
    path,
    requestSerialize as (value: ExportAuditRequest) => Buffer,
    responseDeserialize as (bytes: Buffer) => { piece: Uint8Array },
    request,
    new grpc.Metadata({ waitForReady: true }),
  );
}

async function exported(request: ExportAuditRequest = {}): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const read = async () => {
    for await (const { piece } of exporting(request)) pieces.push(piece);
  };
  await within(30_000, 'the export ends', read());
  return Buffer.concat(pieces);
}

async function failing(pieces: Promise<unknown>): Promise<Failure> {
  try {
    await pieces;
  } catch (error) {
    return failureOf(error as grpc.ServiceError);
  }
  throw new Error('it was accepted');
}

const key = async () => createPublicKey((await api.call('GetAuditKey', {})).publicKey);
const listed = async (filter: string, pageSize = 100) =>
  (await api.call('ListAuditEntries', { filter, pageSize })).entries;

test('a call is in the record with who, what, why, and its request id', async (t) => {
  const [entry, ...others] = await listed(`request_id = ${requestId}`);
  t.same(others, []);
  t.match(entry, {
    identity: 'insecure',
    onBehalf: '',
    method: 'secovia.v1.VmService/CreateVm',
    requestId,
    changes: [
      /^made VM administrations\/adm\/vms\/web on host zg-1$/,
      /^began operation .+: create of 1 VMs$/,
    ],
    reason: /strategy pack chose host zg-1, which had \d+ vCPUs, \d+ MiB of memory/,
  });
  t.ok(entry?.resources.includes(`${adm}/vms/web`));
  t.match(JSON.parse(entry?.detail ?? ''), [
    { type: 'vm.created', vm: { id: 'web' }, why: { strategy: 'pack' } },
    {},
  ]);
});

test('what was changed says how it was before', async (t) => {
  const [entry] = await listed('method:UpdatePartner');
  t.same(entry?.changes, ['changed partner other: title from "Other" to "Another"']);
  t.match(JSON.parse(entry?.detail ?? ''), [{ before: { title: 'Other' }, partner: { title: 'Another' } }]);
});

test('what an agent reports is by its host, and what follows from time by the scheduler', async (t) => {
  const entries = await listed('method = secovia.v1.AgentService/Link AND resource:hosts/zg-1');
  t.ok(entries.length > 0);
  for (const { identity } of entries) t.equal(identity, 'spiffe://secovia/host/zg-1');
  const opened = await listed('identity = scheduler AND sequence = 1');
  t.match(opened, [
    { changes: [/^the scheduler took up its work in epoch 1\.1, and waits for the agents of all hosts$/] },
  ]);
});

test('a VM is found by its name in all that was decided about it, also when it is gone', async (t) => {
  const { vm: gone } = await api.call('CreateVm', newVm('gone'));
  await federation.becomes(gone?.name ?? '', 'runs', ({ operation }) => operation === '');
  const alive = await listed(`resource:${adm}/vms/gone`);
  t.ok(alive.length >= 2, `${alive.length} entries`);
  await api.call('DeleteVm', { name: gone?.name, requestId: randomUUID() });
  const isGone = (entries: typeof alive) =>
    entries[0]?.changes.some((text) => /vms\/gone is gone$/.test(text)) === true;
  const all = await eventually('the VM is gone', () => listed(`resource:${adm}/vms/gone`), isGone);
  t.ok(all.length > alive.length);
});

test('pages go back in time, and a token is good for its question alone', async (t) => {
  const first = await api.call('ListAuditEntries', { pageSize: 3 });
  const second = await api.call('ListAuditEntries', { pageSize: 3, pageToken: first.nextPageToken });
  const sequences = [...first.entries, ...second.entries].map(({ sequence }) => sequence);
  t.equal(sequences.length, 6);
  t.same(
    sequences,
    sequences.toSorted((a, b) => b - a),
  );
  t.equal(new Set(sequences).size, 6);
  t.match(await api.fails('ListAuditEntries', { filter: 'method:x', pageToken: first.nextPageToken }), {
    details: { fieldViolations: [{ field: 'page_token' }] },
  });
  let pageToken = '';
  let count = 0;
  do {
    const page = await api.call('ListAuditEntries', { pageSize: 7, pageToken });
    count += page.entries.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  t.ok(count > 10, `${count} entries`);
});

test('a filter that cannot be read is told at its field', async (t) => {
  for (const [filter, words] of [
    ['colour = red', /none of identity, on_behalf, method, request_id, sequence, resource, time/],
    ['time > yesterday', /which is no moment/],
    ['resource = x', /is a list; ask with resource:VALUE/],
    ['(', /misses/],
  ] as const) {
    const { details } = await api.fails('ListAuditEntries', { filter });
    t.match(details.fieldViolations, [{ field: 'filter', description: words }]);
  }
  t.same(await listed('time < "2020-01-01T00:00:00Z"'), []);
  t.ok((await listed('time >= "2020-01-01"')).length > 5);
});

test('the export holds, with everything or with what concerns a partner', async (t) => {
  const everything = await verified(await exported(), await key());
  t.match(everything, { faults: [], federation: 'secovia', partner: null, first: 1 });
  const partner = await verified(await exported({ partner: 'partners/partner' }), await key());
  t.match(partner, { faults: [], partner: 'partner', numbers: { first: 1 } });
  t.ok(partner.shown < everything.shown, 'the other partner has decisions of its own');
  const some = await verified(await exported({ firstSequence: 5, lastSequence: 9 }), await key());
  t.match(some, { faults: [] });
  t.ok(some.first <= 5 && some.last >= 9);
});

test('an export of what is not there is refused', async (t) => {
  t.match(await failing(exported({ partner: 'partners/none' })), { reason: 'PARTNER_NOT_FOUND' });
  t.match(await failing(exported({ partner: 'none' })), { code: grpc.status.INVALID_ARGUMENT });
  t.match(await failing(exported({ firstSequence: 1_000_000 })), {
    message: /first_sequence/,
    code: grpc.status.INVALID_ARGUMENT,
  });
  t.match(await failing(exported({ firstSequence: 9, lastSequence: 8 })), { message: /last_sequence/ });
});

test('an export that nobody takes any more ends, and others go on', async (t) => {
  for (let times = 0; times < 12; times += 1)
    exporting({})
      .on('error', () => {})
      .cancel();
  const whole = await eventually(
    'a place is free',
    () => exported().catch(() => null),
    (bytes) => bytes !== null,
  );
  t.same((await verified(whole as Buffer, await key())).faults, []);
});

test('after a stop and a kill the chain goes on, with the checkpoint of the stop', async (t) => {
  await federation.scheduler.stop();
  await federation.scheduler.start();
  const stopped = await verified(await exported(), await key());
  t.same(stopped.faults, []);
  t.ok(stopped.checkpoints >= 2, `${stopped.checkpoints} checkpoints`);
  await federation.site('later');
  await federation.scheduler.restart();
  const killed = await verified(await exported({ partner: 'partners/partner' }), await key());
  t.same(killed.faults, []);
  t.ok(killed.last > stopped.last);
});

test('calls that are refused are recorded, those alike as one', async (t) => {
  const before = await api.sequence();
  for (let times = 0; times < 25; times += 1) await api.fails('DeleteSite', { name: 'sites/none', etag: '' });
  await api.fails('DeleteImage', { name: 'images/none', etag: '' });
  t.equal(await api.sequence(), before, 'nothing is written for each');
  await federation.scheduler.stop();
  await federation.scheduler.start();
  const entries = (await listed(`sequence > ${before}`)).filter(({ changes }) =>
    changes[0]?.startsWith('calls were'),
  );
  t.equal(entries.length, 1);
  t.equal(
    entries[0]?.changes[0],
    'calls were refused: 25 × secovia.v1.SiteService/DeleteSite by insecure (SITE_NOT_FOUND); 1 × secovia.v1.ImageService/DeleteImage by insecure (IMAGE_NOT_FOUND)',
  );
  async function* alone(bytes: Buffer) {
    yield bytes;
  }
  const everything = await verifyExport(alone(await exported()), await key());
  t.same(everything.faults, []);
  const partner = (await exported({ partner: 'partners/partner' })).toString();
  t.notOk(partner.includes('attempts.refused'), 'attempts are not of any partner');
});
