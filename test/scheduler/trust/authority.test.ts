import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readCredentials, writeCredentials } from '../../../proto/credentials.js';
import { newKey } from '../../../proto/signing-request.js';
import type { Signed } from '../../../scheduler/api/authority.js';
import type { Refusal } from '../../../scheduler/core/refusal.js';
import { CertificateAuthority } from '../../../scheduler/trust/authority.js';
import { makeAuthority, openAuthority } from '../../../scheduler/trust/authority-folder.js';
import { ServerCertificate } from '../../../scheduler/trust/server-certificate.js';
import { largestRequestBytes } from '../../../scheduler/trust/signing-request.js';
import * as x509 from '../../../scheduler/trust/x509.js';
import { signedBy } from '../api/secure-scheduler.js';
import { type Scope, temporaryFolder } from '../scope.js';
import { intermediate } from './intermediate.js';

const uri = 'spiffe://lab/host/a';
const day = 24 * 3600 * 1000;
const nowMs = Date.now();

const anAuthority = (t: Scope) => makeAuthority(temporaryFolder(t), 'lab', null, nowMs);

function certificateIn(signed: Signed | Refusal): X509Certificate {
  if ('kind' in signed) throw new Error(signed.message);
  return new X509Certificate(signed.chainPem);
}

async function requestWith(
  algorithm: {
    name: string;
    namedCurve?: string;
    hash?: string;
    modulusLength?: number;
    publicExponent?: Uint8Array;
  },
  extensions: x509.Extension[] = [],
): Promise<Buffer> {
  const keys = (await webcrypto.subtle.generateKey(algorithm as never, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=root, O=lab',
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  return Buffer.from(made.rawData);
}
type CryptoKeyPair = webcrypto.CryptoKeyPair;

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

test('keys of three kinds are certified, for so long and not a moment more', async (t) => {
  const authority = await anAuthority(t);
  for (const algorithm of [p256, { ...p256, namedCurve: 'P-384', hash: 'SHA-384' }, { name: 'Ed25519' }]) {
    const signed = await authority.sign(await requestWith(algorithm), uri, nowMs, day);
    const certificate = certificateIn(signed);
    const what = `${algorithm.name} ${'namedCurve' in algorithm ? algorithm.namedCurve : ''}`;
    t.ok(certificate.verify(new X509Certificate(authority.rootPem).publicKey), what);
    t.equal(certificate.subjectAltName, `URI:${uri}`);
    t.match(signed, {
      certificate: { serial: certificate.serialNumber.toLowerCase(), issuedMs: nowMs },
      keyHash: /^[0-9a-f]{64}$/,
    });
    t.match(certificate.serialNumber, /^[0-9A-F]{32}$/);
    const second = (ms: number) => Math.floor(ms / 1000) * 1000;
    t.equal(Date.parse(certificate.validFrom), second(nowMs - 60_000), 'a minute for clocks that are behind');
    t.equal(Date.parse(certificate.validTo), second(nowMs + day));
    t.equal((signed as Signed).certificate.endMs, second(nowMs + day));
  }
});

test('serials are never the same', async (t) => {
  const authority = await anAuthority(t);
  const { signingRequest } = await newKey();
  const serials = new Set<string>();
  let keys = new Set<string>();
  for (let count = 0; count < 200; count += 1) {
    const signed = (await authority.sign(signingRequest, uri, nowMs, day)) as Signed;
    serials.add(signed.certificate.serial);
    keys = keys.add(signed.keyHash);
  }
  t.equal(serials.size, 200);
  t.equal(keys.size, 1);
});

test('a request gets nothing that it asks for but its key', async (t) => {
  const authority = await anAuthority(t);
  const request = await requestWith(p256, [
    new x509.BasicConstraintsExtension(true, 3, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://lab/scheduler' }]),
  ]);
  const certificate = certificateIn(await authority.sign(request, uri, nowMs, day));
  t.equal(certificate.ca, false);
  t.equal(certificate.subject, undefined, 'no subject');
  t.equal(certificate.subjectAltName, `URI:${uri}`);
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
});

test('what is no proper request is refused with a sentence', async (t) => {
  const authority = await anAuthority(t);
  const good = await requestWith(p256);
  const tampered = Buffer.from(good);
  tampered[tampered.length - 1] = (tampered.at(-1) as number) ^ 1;
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  for (const [what, request, words] of [
    ['nothing', Buffer.alloc(0), /is missing/],
    ['garbage', Buffer.from('garbage'), /cannot be read/],
    ['half of one', good.subarray(0, 100), /cannot be read/],
    ['a bomb', Buffer.alloc(largestRequestBytes + 1, 0x30), /has 8193 bytes; at most 8192 are read/],
    ['deeply nested', Buffer.alloc(largestRequestBytes, Buffer.from([0x30, 0x80])), /cannot be read/],
    ['not signed with its key', tampered, /not signed with its own key|cannot be read/],
    ['RSA', await requestWith(rsa), /a key of another kind; make one of EC P-256, EC P-384 or Ed25519/],
    ['P-521', await requestWith({ ...p256, namedCurve: 'P-521', hash: 'SHA-512' }), /another kind/],
  ] as const) {
    const refusal = await authority.sign(request, uri, nowMs, day);
    t.match(refusal, { kind: 'invalid', reason: 'INVALID_SIGNING_REQUEST', message: words }, what);
    t.match(refusal, { violations: [{ field: 'signing_request' }] }, what);
  }
});

test('every byte of a request counts: changed, it is refused', async (t) => {
  const authority = await anAuthority(t);
  const { signingRequest } = await newKey();
  const keyHash = ((await authority.sign(signingRequest, uri, nowMs, day)) as Signed).keyHash;
  let refused = 0;
  for (let at = 0; at < signingRequest.length; at += 1) {
    const changed = Buffer.from(signingRequest);
    changed[at] = (changed[at] as number) ^ 0x55;
    const answer = await authority.sign(changed, uri, nowMs, day);
    if ('kind' in answer) refused += 1;
    else t.equal(answer.keyHash, keyHash, `byte ${at} says nothing that matters`);
  }
  t.ok(refused > signingRequest.length * 0.9, `${refused} of ${signingRequest.length}`);
});

test('nothing outlives the authority, and one that has ended signs nothing', async (t) => {
  const { chain, key, root } = await intermediate('lab');
  const authority = await CertificateAuthority.open({ root, chain, key }, nowMs);
  const { signingRequest } = await newKey();
  const certificate = certificateIn(await authority.sign(signingRequest, uri, nowMs, 1000 * day));
  const end = Date.parse(new X509Certificate(chain).validTo);
  t.equal(Date.parse(certificate.validTo), end);
  t.ok(certificate.verify(new X509Certificate(chain).publicKey), 'signed by the intermediate');
  const late = await authority.sign(signingRequest, uri, end, day);
  t.match(late, { kind: 'precondition', reason: 'AUTHORITY_EXPIRED' });
  t.equal(authority.federation, null);
  t.equal((await anAuthority(t)).federation, 'lab');
});

test('another intermediate of the same root signs nobody in', async (t) => {
  const { corporateRoot } = await import('./intermediate.js');
  const { WhoAmI } = await import('./who-am-i.js');
  const above = await corporateRoot();
  const ours = await CertificateAuthority.open(await filesOf(above), nowMs);
  const theirs = await CertificateAuthority.open(await filesOf(above), nowMs);
  const who = await WhoAmI.start(t, { authority: ours });
  t.match(await who.ask(await signedBy(ours, 'spiffe://lab/admin/root')), { subject: { id: 'root' } });
  t.match(await who.ask(await signedBy(theirs, 'spiffe://lab/admin/root')), { reason: 'WRONG_AUTHORITY' });

  async function filesOf(root: typeof above) {
    const { chain, key } = await intermediate('lab', root);
    return { root: root.pem, chain, key };
  }
});

test('an authority is kept for its owner alone, and is the same when it is opened again', async (t) => {
  const folder = temporaryFolder(t);
  t.equal(await openAuthority(folder, nowMs), null);
  const made = await makeAuthority(folder, 'lab', null, nowMs);
  const opened = await openAuthority(folder, nowMs);
  t.equal(opened?.fingerprint, made.fingerprint);
  t.match(made.fingerprint, /^[0-9a-f]{64}$/);
  t.equal(statSync(join(folder, 'authority', 'authority.key')).mode & 0o777, 0o600);
  await t.rejects(makeAuthority(folder, 'lab', null, nowMs), 'none is ever overwritten');
  t.equal((await openAuthority(folder, nowMs))?.fingerprint, made.fingerprint);
});

test('the server’s certificate is kept while it is good, and exchanged at two thirds of its life', async (t) => {
  const folder = temporaryFolder(t);
  const authority = await makeAuthority(folder, 'lab', null, nowMs);
  const file = join(folder, 'server', 'server.key');
  const text = () => readFileSync(file, 'utf8');
  const certificate = new ServerCertificate(folder, authority, 'lab');
  t.equal(await certificate.refresh(nowMs), true);
  const first = text();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(await certificate.refresh(nowMs + 19 * day), false);
  t.equal(await new ServerCertificate(folder, authority, 'lab').refresh(nowMs + 19 * day), true, 'read');
  t.equal(text(), first);
  t.equal(await certificate.refresh(nowMs + 20 * day), true);
  t.not(text(), first);
  const second = text();
  t.equal(await new ServerCertificate(folder, authority, 'lab').refresh(nowMs + 21 * day), true);
  t.equal(text(), second, 'read');
  const stranger = await signedBy(authority, 'spiffe://lab/host/a');
  for (const bad of ['', 'garbage', `${stranger.key}${stranger.chain}`, second.slice(0, 200)]) {
    writeFileSync(file, bad);
    await new ServerCertificate(folder, authority, 'lab').refresh(nowMs);
    t.match(text(), /BEGIN PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/);
    t.ok(createPrivateKey(text()));
  }
  await new ServerCertificate(folder, authority, 'other').refresh(nowMs);
  t.match(
    new X509Certificate(text().slice(text().indexOf('-----BEGIN CERT'))).subjectAltName,
    /spiffe:\/\/other\//,
  );
});

test('credentials are written whole, and never over others', async (t) => {
  const folder = join(temporaryFolder(t), 'a', 'b');
  const credentials = await signedBy(await anAuthority(t), uri);
  writeCredentials(folder, credentials);
  t.match(readCredentials(folder), { uri, federation: 'lab', key: credentials.key });
  t.equal(statSync(join(folder, 'key.pem')).mode & 0o777, 0o600);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  t.throws(() => writeCredentials(folder, credentials), { code: /EEXIST|ENOTEMPTY/ });
  t.notOk(existsSync(`${folder}.new`), 'nothing is left of the attempt');
});

test('what is issued while the journal is ahead of the wall clock is good by both', async (t) => {
  const authority = await anAuthority(t);
  const { signingRequest } = await newKey();
  for (const aheadMs of [0, day]) {
    const journalMs = nowMs + aheadMs;
    const { validFrom, validTo } = certificateIn(await authority.issue(signingRequest, uri, journalMs, day));
    t.ok(Date.parse(validFrom) < Date.now());
    t.ok(Math.abs(Date.parse(validTo) - (journalMs + day)) < 2000);
  }
});
