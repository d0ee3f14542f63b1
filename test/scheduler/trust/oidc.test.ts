import { createHmac, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import tap, { type Test, test } from 'tap';
import { isTrustworthyUrl } from '../../../proto/loopback.js';
import type { Caller } from '../../../scheduler/core/access/caller.js';
import type { Refusal } from '../../../scheduler/core/refusal.js';
import { type OidcOptions, OidcTokens } from '../../../scheduler/trust/oidc.js';
import { temporaryFolder } from '../scope.js';
import { Issuer } from './issuer.js';

const portal: Caller = {
  identity: 'spiffe://fed/portal/citizens',
  onBehalf: '',
  subject: { kind: 'identity', id: 'citizens', serial: '0a' },
  certificateEndMs: 5e12,
};
const claim = 'secovia_administrations';
const nowS = () => Math.floor(Date.now() / 1000);
/** `croatia` above `zagreb` and `split`. */
const isWithin = (one: string, above: string) =>
  ['croatia', 'zagreb', 'split'].includes(one) && (one === above || above === 'croatia');

function verifier(issuer: Issuer, change: Partial<OidcOptions> = {}): OidcTokens {
  const log = pino({ level: 'silent' });
  const options = { audience: 'secovia', keys: '', claim, clockSkewS: 60, now: Date.now, isWithin, log };
  return new OidcTokens({ issuer: issuer.url, ...options, ...change });
}

async function accepted(t: Test, answer: ReturnType<OidcTokens['verify']>): Promise<Caller> {
  const caller = await answer;
  if ('kind' in caller) throw new Error(`refused: ${caller.message}`);
  t.equal(caller.identity, portal.identity);
  return caller;
}

async function refused(answer: ReturnType<OidcTokens['verify']>): Promise<Refusal> {
  const refusal = await answer;
  if ('kind' in refusal) return refusal;
  throw new Error(`accepted as ${JSON.stringify(refusal)}`);
}

const issuer = await Issuer.start(tap);

test('a user acts through the portal in the one administration that the token names', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'] });
  const caller = await accepted(t, verifier(issuer).verify(token, portal, ''));
  t.equal(caller.onBehalf, `${issuer.url} user-1`);
  const leftMs = caller.certificateEndMs - Date.now();
  t.ok(
    leftMs > 0 && leftMs < 2 * 3600_000,
    'a stream of theirs ends with the token, not with the portal’s certificate',
  );
  t.same(caller.subject, {
    kind: 'delegate',
    portal: 'citizens',
    serial: '0a',
    administration: 'zagreb',
    role: 'administration_user',
  });
});

test('with several, the call says in which, and the strongest entry above it counts', async (t) => {
  const tokens = verifier(issuer);
  const token = await issuer.sign({ [claim]: ['croatia', 'split:administrator'] });
  t.match(await refused(tokens.verify(token, portal, '')), {
    kind: 'invalid',
    reason: 'ADMINISTRATION_NEEDED',
    message: /croatia, split/,
  });
  t.match((await accepted(t, tokens.verify(token, portal, 'zagreb'))).subject, {
    administration: 'zagreb',
    role: 'administration_user',
  });
  t.match((await accepted(t, tokens.verify(token, portal, 'split'))).subject, {
    administration: 'split',
    role: 'administration_administrator',
  });
});

test('an administration that the token is not for is refused as one that does not exist', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'] });
  const tokens = verifier(issuer);
  const other = await refused(tokens.verify(token, portal, 'split'));
  const none = await refused(tokens.verify(token, portal, 'nowhere'));
  t.match(other, { kind: 'denied', reason: 'NOT_IN_ADMINISTRATION' });
  t.same({ ...none, message: none.message.replace('nowhere', 'split') }, other);
});

const wrong: [string, () => Promise<string>, Partial<Refusal>][] = [
  [
    'one that has expired',
    () => issuer.sign({ [claim]: ['zagreb'], exp: nowS() - 61 }),
    { reason: 'TOKEN_EXPIRED' },
  ],
  ['one that is not yet good', () => issuer.sign({ [claim]: ['zagreb'], nbf: nowS() + 120 }), {}],
  ['one for another audience', () => issuer.sign({ [claim]: ['zagreb'], aud: 'somebody' }), {}],
  ['one of another issuer', () => issuer.sign({ [claim]: ['zagreb'], iss: 'https://elsewhere.test' }), {}],
  ['one without a user', () => issuer.sign({ [claim]: ['zagreb'], sub: undefined }), {}],
  ['one with a user that is no plain text', () => issuer.sign({ [claim]: ['zagreb'], sub: 'a\nb' }), {}],
  ['one without an end', () => issuer.sign({ [claim]: ['zagreb'], exp: undefined }), {}],
  ['one without administrations', () => issuer.sign({}), {}],
  ['one with a word instead of a list', () => issuer.sign({ [claim]: 'zagreb' }), {}],
  ['one with a role that does not exist', () => issuer.sign({ [claim]: ['zagreb:king'] }), {}],
  ['one with a name that is none', () => issuer.sign({ [claim]: ['*'] }), {}],
  ['one that was altered', async () => altered(await issuer.sign({ [claim]: ['split'] })), {}],
  ['alg none', async () => unsigned(await issuer.sign({ [claim]: ['zagreb'] })), {}],
  ['a hash keyed with the public key', async () => confused(await issuer.sign({ [claim]: ['zagreb'] })), {}],
  ['what is no token', async () => 'a.b.c', {}],
  ['what is far too long', async () => 'a'.repeat(17_000), {}],
  [
    'a key that the issuer does not publish',
    async () => {
      const stranger = await Issuer.start(tap);
      return stranger.sign({ [claim]: ['zagreb'], iss: issuer.url });
    },
    {},
  ],
];

const partsOf = (token: string) => token.split('.') as [string, string, string];
const coded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function altered(token: string): string {
  const [head, body, signature] = partsOf(token);
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  return [head, coded({ ...claims, [claim]: ['croatia:administrator'] }), signature].join('.');
}

function unsigned(token: string): string {
  return `${coded({ alg: 'none' })}.${partsOf(token)[1]}.`;
}

/** What a verifier takes for good that lets the token say how it is to be verified. */
function confused(token: string): string {
  const [published] = (JSON.parse(issuer.keySet) as { keys: [object] }).keys;
  const pem = createPublicKey({ key: published as never, format: 'jwk' }).export({
    format: 'pem',
    type: 'spki',
  });
  const signed = `${coded({ alg: 'HS256', kid: 'first' })}.${partsOf(token)[1]}`;
  return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
}

for (const [what, make, expected] of wrong) {
  test(`${what} is not accepted`, async (t) => {
    const refusal = await refused(verifier(issuer).verify(await make(), portal, ''));
    t.match(refusal, { kind: 'unauthenticated', reason: 'INVALID_TOKEN', ...expected });
    t.notMatch(refusal.message, /zagreb|split|croatia/, 'nothing of its content is told');
  });
}

test('clocks may differ by as much as is set', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'], exp: nowS() - 30 });
  await accepted(t, verifier(issuer).verify(token, portal, ''));
  t.match(await refused(verifier(issuer, { clockSkewS: 0 }).verify(token, portal, '')), {
    reason: 'TOKEN_EXPIRED',
  });
});

test('a token is verified once, and no longer good when it has expired', async (t) => {
  let now = Date.now();
  const tokens = verifier(issuer, { now: () => now });
  const token = await issuer.sign({ [claim]: ['zagreb'] });
  await accepted(t, tokens.verify(token, portal, ''));
  const again = tokens.verify(token, portal, '');
  t.notOk(again instanceof Promise, 'the second time it is known');
  now += 3600_000 + 61_000;
  t.match(await refused(tokens.verify(token, portal, '')), { reason: 'TOKEN_EXPIRED' });
});

test('an issuer that is away is not the token’s fault, and is asked again', async (t) => {
  const own = await Issuer.start(t);
  const tokens = verifier(own);
  const token = await own.sign({ [claim]: ['zagreb'] });
  own.failing = 503;
  t.match(await refused(tokens.verify(token, portal, '')), {
    kind: 'unavailable',
    reason: 'ISSUER_UNAVAILABLE',
    retryDelayMs: 1000,
  });
  own.failing = null;
  await accepted(t, tokens.verify(token, portal, ''));
  own.failing = 500;
  await accepted(t, tokens.verify(await own.sign({ [claim]: ['zagreb'], jti: '2' }), portal, ''));
});

test('a discovery document of another issuer is not believed', async (t) => {
  const own = await Issuer.start(t);
  own.claimsToBe = 'https://elsewhere.test';
  const token = await own.sign({ [claim]: ['zagreb'] });
  t.match(await refused(verifier(own).verify(token, portal, '')), { reason: 'ISSUER_UNAVAILABLE' });
  t.equal(own.asked, 0, 'its keys are not even asked for');
});

test('the keys may be in a file', async (t) => {
  const keys = `${temporaryFolder(t)}/keys.json`;
  writeFileSync(keys, issuer.keySet);
  const before = issuer.asked;
  await accepted(
    t,
    verifier(issuer, { keys }).verify(await issuer.sign({ [claim]: ['zagreb'] }), portal, ''),
  );
  t.equal(issuer.asked, before, 'the issuer was not asked');
  writeFileSync(keys, '{"keys":[]}');
  t.throws(() => verifier(issuer, { keys }), /holds no keys/);
});

test('keys and tokens come by TLS, or from this machine', async (t) => {
  for (const url of [
    'https://login.test/realm',
    'http://127.0.0.1:8080',
    'http://localhost',
    'http://[::1]:1',
  ])
    t.ok(isTrustworthyUrl(url), url);
  for (const url of ['http://login.test', 'ftp://login.test', 'login.test', '', 'http://127.0.0.1.evil.test'])
    t.notOk(isTrustworthyUrl(url), url);
});
