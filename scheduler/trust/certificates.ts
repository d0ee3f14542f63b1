/** What the certificates of a federation look like: the root that everybody trusts, and those of its members. */
import { type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from './x509.js';

/** Clocks of hosts differ: what was signed just now is good for those that are a little behind. */
const skewMs = 60_000;

const rootYears = 20;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate that may sign others, with its key. */
export interface Issuer {
  certificate: x509.X509Certificate;
  key: webcrypto.CryptoKey;
}

export type Purpose = 'client' | 'server';

/** A new authority's own certificate and its key, both PEM. */
export async function makeRoot(federation: string, nowMs: number): Promise<{ pem: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const end = new Date(nowMs);
  end.setUTCFullYear(end.getUTCFullYear() + rootYears);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=Secovia authority, O=${federation}`,
    notBefore: new Date(nowMs - skewMs),
    notAfter: end,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      // It signs members, and never another authority.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${federation}` }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    pem: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
  };
}

export interface Membership {
  key: KeyObject;
  uri: string;
  purpose: Purpose;
  nowMs: number;
  lifeMs: number;
}

/** Signs a member's key. It ends with its issuer at the latest. */
export async function makeMember(issuer: Issuer, membership: Membership): Promise<x509.X509Certificate> {
  const { key, uri, purpose, nowMs, lifeMs } = membership;
  const publicKey = new x509.PublicKey(key.export({ format: 'der', type: 'spki' }));
  const { client_auth: client, server_auth: server } = usages;
  return x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: '',
    issuer: issuer.certificate.subjectName,
    notBefore: new Date(nowMs - skewMs),
    notAfter: new Date(Math.min(nowMs + lifeMs, issuer.certificate.notAfter.getTime())),
    signingAlgorithm: { ...issuer.key.algorithm, hash: 'SHA-256' },
    publicKey,
    signingKey: issuer.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose === 'client' ? client : server]),
      // Critical, as there is no subject (RFC 5280, 4.2.1.6).
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
}

const usages = { client_auth: '1.3.6.1.5.5.7.3.2', server_auth: '1.3.6.1.5.5.7.3.1' };

/** The usage that a certificate has to have to prove a caller. */
export const clientUsage = usages.client_auth;

/** 126 random bits, in sixteen bytes whose first is never zero: it reads the same everywhere. */
function newSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return serial.toString('hex');
}
