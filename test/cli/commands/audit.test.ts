import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkpointText } from '../../../cli/audit/hashes.js';
import { smallRecord } from '../../scheduler/audit/record.js';
import { temporaryFolder } from '../../scheduler/scope.js';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const record = await smallRecord(t);
t.teardown(() => record.close());
const folder = temporaryFolder(t);
const put = (name: string, content: string | Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const file = put('alpha.jsonl', record.export({ partner: 'alpha' }));
const pem = put('audit.pem', record.checkpoints.publicKeyPem);
const { sequence, hash } = record.world.engine.head;
const checkpoint = {
  incarnation: 1,
  sequence,
  hashHex: hash.toString('hex'),
  signatureBase64: record.checkpoints.sign({ sequence, hash }).signature.toString('base64'),
};
const kept = put('agent.json', JSON.stringify({ checkpoint }));
/** There is no scheduler at all. */
const offline = (args: string[], input?: string) =>
  cli(args, { server: '127.0.0.1:1', ...(input === undefined ? {} : { input }) });

const entry = (sequence: number, change: object = {}) => ({
  sequence,
  time: ago(120),
  identity: 'spiffe://balkans/operator/croatia/ana',
  onBehalf: '',
  method: 'secovia.v1.HostService/CordonHost',
  requestId: '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001',
  changes: ['cordoned host zagreb-1'],
  resources: ['hosts/zagreb-1'],
  reason: '',
  detail: '[{"type":"host.cordoned"}]',
  ...change,
});

t.test('list shows decisions, the newest first, without what agents report', async (t) => {
  server.on('AuditService', 'ListAuditEntries', () => ({
    entries: [
      entry(9),
      entry(8, { changes: ['made VM a', 'began operation b'], onBehalf: 'https://id.test marko' }),
    ],
  }));
  const { out } = await secovia('audit', 'list');
  t.match(out, /^DECISION +AGE +BY +CALL +WHAT$/m);
  t.match(out, /^ +9 +2m +operator\/croatia\/ana +CordonHost +cordoned host zagreb-1$/m);
  t.match(out, /operator\/croatia\/ana for https:\/\/id\.test marko +CordonHost +made VM a, and 1 more$/m);
  t.match(server.sent('AuditService', 'ListAuditEntries'), [
    { filter: 'NOT method = "secovia.v1.AgentService/Link"', pageSize: 100, pageToken: '' },
  ]);
});

t.test('list asks for what is wanted, and goes on where a page was short', async (t) => {
  let asked = 0;
  server.on('AuditService', 'ListAuditEntries', () => {
    asked += 1;
    return asked === 1 ? { entries: [], nextPageToken: 'more' } : { entries: [entry(3)] };
  });
  const args = ['--by', 'a"b', '--resource', 'hosts/x', '--since', '2026-11-01', '--filter', 'sequence > 1'];
  const { out } = await secovia(
    'audit',
    'list',
    ...args,
    '--method',
    'CordonHost',
    '--limit',
    '5',
    '-o',
    'name',
  );
  t.equal(out, '3\n');
  const [first, second] = server.sent('AuditService', 'ListAuditEntries').slice(-2);
  t.match(first, {
    filter:
      'identity = "a\\"b" AND method : "CordonHost" AND resource : "hosts/x" AND time >= "2026-11-01T00:00:00.000Z" AND (sequence > 1)',
    pageSize: 5,
  });
  t.match(second, { pageToken: 'more', pageSize: 5 });
  t.match(await secovia('audit', 'list', '--limit', 'many'), { code: 2, err: /whole number above 0/ });
});

t.test('list as JSON, and an empty one', async (t) => {
  server.on('AuditService', 'ListAuditEntries', () => ({ entries: [entry(2)] }));
  t.match(JSON.parse((await secovia('audit', 'list', '-o', 'json')).out), { entries: [{ sequence: '2' }] });
  server.on('AuditService', 'ListAuditEntries', () => ({ entries: [] }));
  t.same(JSON.parse((await secovia('audit', 'list', '-o', 'json')).out), { entries: [] });
  t.match(await secovia('audit', 'list'), { code: 0, out: '', err: /no decision matches/ });
});

t.test('show tells a decision whole', async (t) => {
  server.on('AuditService', 'ListAuditEntries', () => ({ entries: [entry(7, { reason: 'because' })] }));
  const { out } = await secovia('audit', 'show', '7');
  t.match(out, /^By +spiffe:\/\/balkans\/operator\/croatia\/ana$/m);
  t.match(out, /^Why +because$/m);
  t.match(server.sent('AuditService', 'ListAuditEntries').at(-1), { filter: 'sequence = 7', pageSize: 1 });
  server.on('AuditService', 'ListAuditEntries', () => ({}));
  t.match(await secovia('audit', 'show', '8'), { code: 3, err: /no decision 8 that you may see/ });
  t.match(await secovia('audit', 'show', 'x'), { code: 2, err: /is no sequence/ });
});

t.test('export writes what comes, and verify reads it, from a file or from standard input', async (t) => {
  const bytes = record.export();
  server.onStream('AuditService', 'ExportAudit', (_request, stream) => {
    for (let at = 0; at < bytes.length; at += 777) stream.write({ piece: bytes.subarray(at, at + 777) });
    stream.end();
  });
  const { out, code } = await secovia('audit', 'export', '--partner', 'alpha', '--from', '3');
  t.equal(code, 0);
  t.equal(out, bytes.toString());
  t.match(server.sent('AuditService', 'ExportAudit'), [
    { partner: 'partners/alpha', firstSequence: 3, lastSequence: 0 },
  ]);
  t.match(await offline(['audit', 'verify', '-', '--key', pem], out), {
    code: 0,
    out: /^The file holds: decisions 1 to \d+ of federation test are one chain, signed at \d points\.\nThe content of \d+ decisions is what was committed to; none is left out\.\n$/,
  });
  t.match(await secovia('audit', 'export', '-o', 'json'), { code: 2, err: /say table/ });
});

t.test('verify says what a partner has, and compares it with what an agent has kept', async (t) => {
  const { code, out } = await offline(['audit', 'verify', file, '--key', pem, '--checkpoint', kept]);
  t.equal(code, 0);
  t.match(out, /those of partner alpha with numbers 1 to \d+, and none between is left out\.$/m);
  t.match(out, /^It has 1 checkpoint that agents have kept\.$/m);
  t.match(JSON.parse((await offline(['audit', 'verify', file, '--key', pem, '-o', 'json'])).out), {
    holds: true,
    partner: 'alpha',
    faults: [],
  });
});

t.test('verify says what is wrong, with exit status 1', async (t) => {
  const altered = put(
    'altered.jsonl',
    record.export({ partner: 'alpha' }).toString().replace('alpha-one', 'alpha-two'),
  );
  t.match(await offline(['audit', 'verify', altered, '--key', pem]), {
    code: 1,
    out: '',
    err: /^secovia: .+altered\.jsonl does not hold: the content of decision \d+ was altered: it is not what was committed to\.$/m,
  });
  t.match(JSON.parse((await offline(['audit', 'verify', altered, '--key', pem, '-o', 'json'])).out), {
    holds: false,
    faults: [{ code: 'CONTENT' }],
  });
  const lines = record.export({ partner: 'alpha' }).toString().split('\n');
  const header = { ...JSON.parse(lines[0] ?? ''), partner: 'alpha\u001b[2K\rThe file holds.\u001b[8m' };
  const hostile = put('hostile.jsonl', [JSON.stringify(header), ...lines.slice(1)].join('\n'));
  const { code, out, err } = await offline(['audit', 'verify', hostile, '--key', pem]);
  t.equal(code, 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(out + err, /\u001b|\r/, 'a terminal obeys nothing that the file says');
  const { privateKey } = generateKeyPairSync('ed25519');
  const otherHash = createHash('sha256').update('x').digest();
  const forged = { ...checkpoint, hashHex: otherHash.toString('hex') };
  const unsigned = put('forged.json', JSON.stringify({ checkpoint: forged }));
  t.match(await offline(['audit', 'verify', file, '--key', pem, '--checkpoint', unsigned]), {
    code: 1,
    err: /is not signed with this key: it proves nothing/,
  });
  const strange = sign(null, checkpointText(1, sequence, otherHash), privateKey).toString('base64');
  const strangers = put(
    'strange.json',
    JSON.stringify({ checkpoint: { ...forged, signatureBase64: strange } }),
  );
  t.match(await offline(['audit', 'verify', file, '--key', pem, '--checkpoint', strangers]), { code: 1 });
  const other = record.checkpoints.sign({ sequence, hash: otherHash }).signature.toString('base64');
  const rewritten = put(
    'rewritten.json',
    JSON.stringify({ checkpoint: { ...forged, signatureBase64: other } }),
  );
  t.match(await offline(['audit', 'verify', file, '--key', pem, '--checkpoint', rewritten]), {
    code: 1,
    err: /the checkpoint of .+rewritten\.json at decision \d+ is of another chain: the log was written anew since/,
  });
});

t.test('verify says which file is not what it should be', async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const secret = put('secret.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const wrong = put('rsa.pem', rsa.export({ type: 'spki', format: 'pem' }));
  for (const [args, err] of [
    [[file, '--key', join(folder, 'none')], /cannot read .+none/],
    [[join(folder, 'none'), '--key', pem], /cannot read .+none/],
    [[file, '--key', secret], /is a private key; give the public one/],
    [[file, '--key', wrong], /is no public key of an audit/],
    [[file, '--key', file], /is no public key of an audit/],
    [[file, '--key', pem, '--checkpoint', pem], /has no checkpoint/],
    [[file], /--key/],
  ] as const) {
    t.match(await offline(['audit', 'verify', ...args]), { code: 2, err });
  }
});

t.test('key is written as it is', async (t) => {
  const publicKey = record.checkpoints.publicKeyPem;
  server.on('AuditService', 'GetAuditKey', () => ({ publicKey }));
  t.equal((await secovia('audit', 'key')).out, publicKey);
  t.match(JSON.parse((await secovia('audit', 'key', '-o', 'json')).out), { publicKey });
});
