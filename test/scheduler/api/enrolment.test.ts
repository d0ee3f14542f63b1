import { createHash, randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { decodeJoinWord, encodeJoinWord, type JoinWord } from '../../../proto/join-token.js';
import { eventually } from '../within.js';
import { machineIdOf, ScriptedAgent } from './agent.js';
import type { Api, RequestOf } from './client.js';
import { certificateMs, enrolmentWorld } from './enrolment-world.js';

const { world, store, authority, admin, nobody, as } = await enrolmentWorld(tap);
const hour = 3600_000;

async function newToken(change: Partial<RequestOf<'CreateJoinToken'>> = {}) {
  const { joinToken, token } = await admin.call('CreateJoinToken', { site: 'sites/zagreb', ...change });
  return { word: token, name: joinToken?.name ?? '' };
}

const tokenOf = async (name: string) =>
  (await admin.call('ListJoinTokens', {})).joinTokens.find((one) => one.name === name);

const joinOf = (host: string, token: string, change: Partial<RequestOf<'Join'>> = {}) => ({
  hostId: host,
  site: 'sites/zagreb',
  machineId: machineIdOf(host),
  token,
  signingRequest: Buffer.from(`key of ${host}`),
  ...change,
});

/** The interface as a host calls it that shows such a certificate, of the key that it has joined with unless it is told. */
function shows(host: string, serial: string, key = `key of ${host}`, endMs = 0): Api {
  const keyHash = createHash('sha256').update(key).digest('hex');
  return as({ kind: 'host', id: host, serial, keyHash }, endMs);
}

/** A host that has joined, and its interface. */
async function enrolled(host: string): Promise<{ api: Api; serial: string }> {
  const { word } = await newToken();
  const answer = await nobody.call('Join', joinOf(host, word));
  const serial = answer.host?.certificates.at(-1)?.serial ?? '';
  return { api: shows(host, serial), serial };
}

const hostOf = async (host: string) => (await admin.call('GetHost', { name: `hosts/${host}` })).host;

test('a token is one word, and nothing else keeps its secret', async (t) => {
  const requestId = randomUUID();
  const request = { site: 'sites/zagreb', ttlSeconds: 600, uses: 3, requestId };
  const { joinToken, token } = await admin.call('CreateJoinToken', request);
  t.match(joinToken, { site: 'sites/zagreb', usesLeft: 3, hosts: [], creator: 'insecure' });
  t.equal(joinToken?.expireTime?.seconds, Math.floor((world.nowMs + 600_000) / 1000));
  const word = decodeJoinWord(token) as JoinWord;
  t.match(word, {
    addresses: ['scheduler.test:7443'],
    federation: 'test',
    site: 'zagreb',
    fingerprint: authority.fingerprint,
  });
  t.equal(`joinTokens/${word.token}`, joinToken?.name);
  const again = await admin.call('CreateJoinToken', request);
  t.match(again, { joinToken: { name: joinToken?.name }, token: '' }, 'a repetition makes no second token');
  const secret = Buffer.from(word.secret, 'base64url');
  const { journal, entities, requests } = store.disk;
  const texts = [...journal, ...[...entities.values()].map(({ body }) => body)].join('\n');
  t.notMatch(texts, word.secret);
  t.notMatch(texts, secret.toString('hex'));
  for (const { reply } of requests.values()) {
    const text = Buffer.from(reply).toString('latin1');
    t.notMatch(text, word.secret, 'nor do the answers that are kept');
    t.notMatch(text, token.slice(-40));
  }
});

test('tokens are listed and deleted, and wrong wishes refused', async (t) => {
  const { name, word } = await newToken();
  t.ok(await tokenOf(name));
  await admin.call('DeleteJoinToken', { name });
  t.equal(await tokenOf(name), undefined);
  t.match(await admin.fails('DeleteJoinToken', { name }), { code: status.NOT_FOUND });
  t.match(await nobody.fails('Join', joinOf('deleted', word)), { reason: 'TOKEN_UNKNOWN' });
  for (const [change, field] of [
    [{ site: 'zagreb' }, 'site'],
    [{ ttlSeconds: 59 }, 'ttl_seconds'],
    [{ ttlSeconds: 30 * 24 * 3600 + 1 }, 'ttl_seconds'],
    [{ uses: 1001 }, 'uses'],
    [{ uses: -1 }, 'uses'],
  ] as const) {
    const failure = await admin.fails('CreateJoinToken', { site: 'sites/zagreb', ...change });
    t.match(failure, { code: status.INVALID_ARGUMENT, details: { fieldViolations: [{ field }] } });
  }
  t.match(await admin.fails('CreateJoinToken', { site: 'sites/none' }), { code: status.NOT_FOUND });
});

test('a host joins with a token and gets a certificate, which its record shows', async (t) => {
  const { word, name } = await newToken({ uses: 2 });
  const answer = await nobody.call('Join', joinOf('first', word));
  t.match(answer, {
    federation: 'test',
    authority: 'the root',
    certificateChain: /of spiffe:\/\/test\/host\/first$/,
    host: { name: 'hosts/first', revoked: false },
  });
  t.equal(answer.host?.certificates.length, 1);
  t.same(await tokenOf(name).then((token) => [token?.usesLeft, token?.hosts]), [1, ['hosts/first']]);
});

test('the answer to a lost reply is the same, and nothing is used up by it', async (t) => {
  const { word } = await newToken();
  const request = joinOf('lost', word);
  const first = await nobody.call('Join', request);
  const again = await nobody.call('Join', { ...request, requestId: randomUUID() });
  t.equal(again.certificateChain, first.certificateChain);
  t.equal(again.host?.certificates.length, 1);
});

test('a stolen token that was used lets nobody in, and nothing is signed for whoever has it', async (t) => {
  const { word } = await newToken();
  await nobody.call('Join', joinOf('robbed', word));
  const { signed } = authority;
  const used = { code: status.UNAUTHENTICATED, reason: 'TOKEN_USED' };
  t.match(await nobody.fails('Join', joinOf('thief', word)), used);
  t.equal(authority.signed, signed, 'the authority was not put to work');
  const otherKey = joinOf('robbed', word, { signingRequest: Buffer.from("the thief's key") });
  t.match(await nobody.fails('Join', otherKey), used, 'nor as the host itself');
  t.match(await admin.fails('GetHost', { name: 'hosts/thief' }), { code: status.NOT_FOUND });
});

test('two hosts that come with the same token at once: one gets in', async (t) => {
  const { word } = await newToken();
  const outcomes = await Promise.allSettled(
    ['race-1', 'race-2', 'race-3'].map((host) => nobody.call('Join', joinOf(host, word))),
  );
  t.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
});

test('a replayed signing request gives whoever replays it nothing new', async (t) => {
  const { word } = await newToken();
  const request = { ...joinOf('replayed', word), requestId: randomUUID() };
  const first = await nobody.call('Join', request);
  t.same((await nobody.call('Join', request)).certificateChain, first.certificateChain);
  t.match(await nobody.fails('Join', { ...request, hostId: 'replayer', requestId: '' }), {
    reason: 'TOKEN_USED',
  });
  const { serial } = await enrolled('owner');
  const other = shows('replayed', serial, 'key of owner');
  t.match(await other.fails('RenewCertificate', { signingRequest: request.signingRequest }), {
    code: status.UNAUTHENTICATED,
    reason: 'CERTIFICATE_REFUSED',
  });
});

test('a stranger learns nothing of sites and hosts, and gets nothing signed', async (t) => {
  await enrolled('known');
  const { word } = await newToken();
  const content = decodeJoinWord(word) as JoinWord;
  const guessed = encodeJoinWord({ ...content, secret: 'A'.repeat(43) });
  const { signed } = authority;
  const answers = new Set<string>();
  for (const host of ['known', 'unknown']) {
    for (const site of ['sites/zagreb', 'sites/none']) {
      const failure = await nobody.fails('Join', joinOf(host, guessed, { site }));
      answers.add(JSON.stringify([failure.code, failure.reason, failure.message]));
    }
  }
  t.equal(answers.size, 1, [...answers].join(' '));
  for (const token of ['', 'nonsense', `${word.slice(0, 40)}`, 'secovia-join-2.x']) {
    t.match(await nobody.fails('Join', joinOf('known', token)), { code: status.UNAUTHENTICATED });
  }
  t.equal(authority.signed, signed);
});

test('a token of another site, and one that has expired, let nobody in', async (t) => {
  const { word } = await newToken({ site: 'sites/skopje' });
  t.match(await nobody.fails('Join', joinOf('astray', word)), {
    code: status.UNAUTHENTICATED,
    reason: 'TOKEN_OF_OTHER_SITE',
  });
  const late = await newToken({ ttlSeconds: 60 });
  world.nowMs += 61_000;
  t.match(await nobody.fails('Join', joinOf('late', late.word)), { reason: 'TOKEN_EXPIRED' });
  t.equal(await tokenOf(late.name), undefined, 'nor is it listed any more');
});

test('a signing request that is none uses nothing up', async (t) => {
  const { word, name } = await newToken();
  for (const signingRequest of [Buffer.alloc(0), Buffer.alloc(5000), Buffer.from('garbage')]) {
    const failure = await nobody.fails('Join', joinOf('unsigned', word, { signingRequest }));
    t.equal(failure.code, status.INVALID_ARGUMENT);
  }
  t.equal((await tokenOf(name))?.usesLeft, 1);
});

test('a host renews, and its stream lives on what its key proves', async (t) => {
  const { api, serial } = await enrolled('steady');
  const agent = await ScriptedAgent.connect(api, 'steady');
  await agent.heard.next('a lease', ({ message }) => message === 'leaseGrant');
  world.nowMs += (certificateMs * 2) / 3;
  const signingRequest = Buffer.from('key of steady');
  const answer = await api.call('RenewCertificate', { signingRequest });
  t.match(answer, { certificateChain: /host\/steady$/, authority: 'the root' });
  t.equal((await hostOf('steady'))?.certificates.length, 2);
  world.nowMs += certificateMs / 2;
  agent.askLease(2);
  const { leaseGrant } = await agent.heard.next('another lease', (one) => one.leaseGrant?.id === 2);
  t.ok(leaseGrant, 'the first certificate has ended, and the stream goes on');
  t.match(
    await firstWord(api, 'steady'),
    { message: 'welcome' },
    'on a connection that was made before, too',
  );
  const newest = (await hostOf('steady'))?.certificates.at(-1)?.serial ?? '';
  t.not(newest, serial);
  t.match(await firstWord(shows('steady', newest), 'steady'), {
    message: 'welcome',
  });
});

test('a host that renewed after the backup that its federation goes on from is let in, and cut off when it is revoked', async (t) => {
  await enrolled('ahead');
  const endMs = world.nowMs + 2 * certificateMs;
  const api = shows('ahead', 'of-a-lost-journal', 'key of ahead', endMs);
  world.nowMs += certificateMs + hour;
  const agent = await ScriptedAgent.connect(api, 'ahead');
  await agent.heard.next('a lease', ({ message }) => message === 'leaseGrant');
  t.match((await hostOf('ahead'))?.certificates.at(-1), { serial: 'of-a-lost-journal' });
  const signingRequest = Buffer.from('key of ahead');
  t.ok(await shows('ahead', 'another').call('RenewCertificate', { signingRequest }));
  t.match(await firstWord(shows('ahead', 'unknown', 'another key'), 'ahead'), {
    rejected: { reason: 'CERTIFICATE_REFUSED' },
  });
  await admin.call('RevokeHost', { name: 'hosts/ahead', reason: 'stolen' });
  t.match(await firstWord(shows('ahead', 'yet-another'), 'ahead'), { rejected: { reason: 'HOST_REVOKED' } });
});

test('a stream whose certificate has ended without another is ended at the next lease', async (t) => {
  const { api } = await enrolled('sleepy');
  const agent = await ScriptedAgent.connect(api, 'sleepy');
  await agent.heard.next('a lease', ({ message }) => message === 'leaseGrant');
  world.nowMs += certificateMs + hour;
  agent.askLease(2);
  const { rejected } = await agent.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(rejected, { reason: 'CERTIFICATE_REFUSED', retryable: true });
  t.ok(await api.call('RenewCertificate', { signingRequest: Buffer.from('key of sleepy') }));
  world.nowMs += certificateMs + 31 * 24 * hour;
  t.match(await api.fails('RenewCertificate', { signingRequest: Buffer.from('key of sleepy') }), {
    reason: 'CERTIFICATE_REFUSED',
  });
});

test('a revoked host is cut off at once, and gets neither a stream nor a lease nor a certificate', async (t) => {
  const { api } = await enrolled('revoked');
  const agent = await ScriptedAgent.connect(api, 'revoked');
  await eventually(
    'it is ready',
    () => hostOf('revoked'),
    (host) => host?.state === 'HOST_STATE_READY',
  );
  const { host } = await admin.call('RevokeHost', { name: 'hosts/revoked', reason: 'stolen' });
  t.match(host, { revoked: true, state: 'HOST_STATE_SUSPECT' });
  const { rejected } = await agent.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(rejected, { reason: 'HOST_REVOKED', retryable: false });
  await agent.heard.over();
  t.match(await firstWord(api, 'revoked'), { rejected: { reason: 'HOST_REVOKED', retryable: false } });
  t.match(await api.fails('RenewCertificate', { signingRequest: Buffer.from('key of revoked') }), {
    code: status.UNAUTHENTICATED,
  });
  const { word } = await newToken();
  const answer = await nobody.call(
    'Join',
    joinOf('revoked', word, { signingRequest: Buffer.from('new key') }),
  );
  const serial = answer.host?.certificates.at(-1)?.serial ?? '';
  await ScriptedAgent.connect(shows('revoked', serial, 'new key'), 'revoked');
  t.match(await hostOf('revoked'), { revoked: false });
});

test('a quarantined host keeps its stream and its leases, gets no VM, and is released', async (t) => {
  const { api } = await enrolled('suspect');
  const agent = await ScriptedAgent.connect(api, 'suspect');
  await eventually(
    'it is ready',
    () => hostOf('suspect'),
    (host) => host?.state === 'HOST_STATE_READY',
  );
  await admin.call('QuarantineHost', { name: 'hosts/suspect', reason: 'odd' });
  agent.askLease(7);
  await agent.heard.next('a lease', (one) => one.leaseGrant?.id === 7);
  t.match(await hostOf('suspect'), {
    state: 'HOST_STATE_QUARANTINED',
    stateReason: 'quarantined by an operator: odd',
  });
  await admin.call('ReleaseHost', { name: 'hosts/suspect' });
  const told = await agent.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(told.rejected, { reason: 'RELEASED', retryable: true }, 'it says everything anew');
  const again = await ScriptedAgent.connect(api, 'suspect');
  await again.heard.next('a lease', (one) => one.leaseGrant?.id === 1);
  t.match(await hostOf('suspect'), { state: 'HOST_STATE_READY' }, 'at its next word');
});

test('a clone: the copy is turned away, both are in quarantine, and the lease goes on', async (t) => {
  const { api } = await enrolled('twin');
  const bootId = 'the-older-boot';
  const original = await ScriptedAgent.connect(api, 'twin', { bootId });
  await original.heard.next('a lease', ({ message }) => message === 'leaseGrant');
  const halfOpen = await ScriptedAgent.connect(api, 'twin', { bootId });
  const replaced = await original.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(
    replaced.rejected,
    { reason: 'REPLACED', retryable: true },
    'of the same boot: a half-open connection',
  );
  const copy = await ScriptedAgent.connect(api, 'twin', { bootId: 'the-newer-boot' });
  await halfOpen.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(await firstWord(api, 'twin', bootId), { rejected: { reason: 'CLONE', retryable: false } });
  t.match(await hostOf('twin'), { state: 'HOST_STATE_QUARANTINED' });
  copy.askLease(9);
  await copy.heard.next('a lease', (one) => one.leaseGrant?.id === 9);
  t.match(
    await firstWord(api, 'twin', bootId),
    { rejected: { reason: 'CLONE' } },
    'and the other one stays away',
  );
});

test("a stream says the name of its certificate's host", async (t) => {
  const { api } = await enrolled('honest');
  await enrolled('victim');
  const impostor = new ScriptedAgent(api, 'victim');
  impostor.hello();
  const { rejected } = await impostor.heard.next('a rejection', ({ message }) => message === 'rejected');
  t.match(rejected, { reason: 'OTHER_HOST', retryable: false });
  for (const [subject, code] of [
    [{ kind: 'nobody', reason: 'no certificate was shown' }, status.UNAUTHENTICATED],
    [{ kind: 'identity', id: 'root', serial: 's' }, status.UNAUTHENTICATED],
  ] as const) {
    const stranger = new ScriptedAgent(as(subject), 'victim');
    stranger.hello();
    t.match(await stranger.heard.over(), { code });
  }
});

test('only a host renews a certificate', async (t) => {
  const signingRequest = Buffer.from('a key');
  for (const api of [admin, nobody, as({ kind: 'identity', id: 'root', serial: 's' })]) {
    const failure = await api.fails('RenewCertificate', { signingRequest });
    t.ok(failure.reason === 'NO_CERTIFICATE' || failure.code === status.UNAUTHENTICATED);
  }
});

/** What a new stream hears first: a message, or the status that it ends with. */
async function firstWord(api: Api, host: string, bootId?: string) {
  const agent = new ScriptedAgent(api, host);
  agent.hello(bootId === undefined ? {} : { bootId });
  const first = await agent.heard.next('a first word', () => true).catch(() => agent.heard.over());
  agent.close();
  return first;
}
