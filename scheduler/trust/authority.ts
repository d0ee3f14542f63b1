/**
 * The federation's certificate authority: signs keys of hosts, of identities, and of the scheduler itself. It holds either
 * a root of its own, or an intermediate that the root of somebody else has signed.
 */
import { createHash, createPrivateKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import type { Authority, Signed } from '../api/authority.js';
import type { Certificate } from '../core/access/model.js';
import type { OwnCertificate } from '../core/alarms/alarm.js';
import { schedulerUri } from '../core/access/uris.js';
import { isRefusal, type Refusal, refuse } from '../core/refusal.js';
import { type Issuer, makeMember, type Purpose } from './certificates.js';
import { hashOfKey, readSigningRequest } from './signing-request.js';
import * as x509 from './x509.js';

/** What is in its folder, PEM. `chain` holds the certificates below the root, the one that signs first. */
export interface AuthorityFiles {
  root: string;
  chain: string;
  key: string;
}

/** What is wrong with an authority, in one sentence that goes on after a file's name. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

const day = 24 * 3600 * 1000;

export class CertificateAuthority implements Authority {
  readonly rootPem: string;
  readonly fingerprint: string;
  /** Of the certificate that signs: what a member's certificate is checked with. */
  readonly signer: X509Certificate;
  /** PEM of what is between members and the root; empty when the root signs. */
  readonly chainPem: string;
  readonly #issuer: Issuer;

  private constructor(root: X509Certificate, signer: X509Certificate, files: AuthorityFiles, issuer: Issuer) {
    this.rootPem = files.root;
    this.chainPem = files.chain;
    this.signer = signer;
    this.fingerprint = createHash('sha256').update(root.raw).digest('hex');
    this.#issuer = issuer;
  }

  /** @throws AuthorityError when certificates and key do not make an authority. */
  static async open(files: AuthorityFiles, nowMs: number): Promise<CertificateAuthority> {
    const [root, ...others] = certificatesIn(files.root);
    if (root === undefined || others.length > 0)
      throw new AuthorityError('the root must be one certificate, PEM');
    const below = certificatesIn(files.chain);
    const path = [...below, root];
    for (const [index, certificate] of path.entries()) checkLink(certificate, path[index + 1] ?? root, nowMs);
    const signer = path[0] as X509Certificate;
    const key = await signingKey(files.key, signer);
    return new CertificateAuthority(root, signer, files, {
      certificate: new x509.X509Certificate(signer.raw),
      key,
    });
  }

  /** The federation that the root itself names; null for one that somebody else made. */
  get federation(): string | null {
    return (
      /^URI:spiffe:\/\/([a-z0-9-]+)$/.exec(new X509Certificate(this.rootPem).subjectAltName ?? '')?.[1] ??
      null
    );
  }

  /** From when until when it can sign: as long as the certificate of its chain that ends first. */
  get life(): OwnCertificate {
    const all = [...certificatesIn(this.chainPem), new X509Certificate(this.rootPem)];
    const lives = all.map((certificate) => lifeOf('authority', certificate));
    return lives.reduce((first, other) => (other.endMs < first.endMs ? other : first));
  }

  /** The certificate that a chain begins with, as a record of it; null when this authority did not sign it. */
  recognises(chainPem: string): Certificate | null {
    const [certificate] = certificatesIn(chainPem);
    if (certificate === undefined || !certificate.verify(this.signer.publicKey)) return null;
    return {
      serial: certificate.serialNumber.toLowerCase(),
      issuedMs: Date.parse(certificate.validFrom),
      endMs: Date.parse(certificate.validTo),
    };
  }

  /** As `sign`, and good at once: others go by their own clocks, however far the time of the journal is ahead of them (PROTOCOL E3). */
  issue(signingRequest: Buffer, uri: string, nowMs: number, lifeMs: number): Promise<Signed | Refusal> {
    const fromMs = Math.min(nowMs, Date.now());
    return this.sign(signingRequest, uri, fromMs, lifeMs + nowMs - fromMs);
  }

  async sign(signingRequest: Buffer, uri: string, nowMs: number, lifeMs: number): Promise<Signed | Refusal> {
    const read = await readSigningRequest(signingRequest);
    if (isRefusal(read)) return read;
    return this.#certify(read.key, read.keyHash, uri, 'client', nowMs, lifeMs);
  }

  /** Certifies a key of the scheduler's own. */
  async signServer(
    key: KeyObject,
    federation: string,
    nowMs: number,
    lifeMs: number,
  ): Promise<Signed | Refusal> {
    return this.#certify(key, hashOfKey(key), schedulerUri(federation), 'server', nowMs, lifeMs);
  }

  async #certify(
    key: KeyObject,
    keyHash: string,
    uri: string,
    purpose: Purpose,
    nowMs: number,
    lifeMs: number,
  ): Promise<Signed | Refusal> {
    if (this.#issuer.certificate.notAfter.getTime() <= nowMs) {
      const message =
        'the certificate of the federation’s authority has expired, so it signs nothing any more';
      return refuse('precondition', 'AUTHORITY_EXPIRED', message);
    }
    const made = await makeMember(this.#issuer, { key, uri, purpose, nowMs, lifeMs });
    return {
      certificate: {
        serial: made.serialNumber.toLowerCase(),
        issuedMs: nowMs,
        endMs: made.notAfter.getTime(),
      },
      keyHash,
      chainPem: `${made.toString('pem')}\n${this.chainPem}`,
    };
  }
}

export function lifeOf(of: OwnCertificate['of'], { validFrom, validTo }: X509Certificate): OwnCertificate {
  return { of, issuedMs: Date.parse(validFrom), endMs: Date.parse(validTo) };
}

function checkLink(certificate: X509Certificate, above: X509Certificate, nowMs: number): void {
  const name = JSON.stringify(certificate.subject.replaceAll('\n', ', '));
  if (!certificate.ca) throw new AuthorityError(`${name} may not sign certificates: it has no CA:TRUE`);
  if (!certificate.checkIssued(above) || !certificate.verify(above.publicKey))
    throw new AuthorityError(`${name} was not signed by the certificate after it; the root must come last`);
  if (Date.parse(certificate.validTo) <= nowMs + day)
    throw new AuthorityError(`${name} has expired, or will within a day`);
}

async function signingKey(pem: string, signer: X509Certificate): Promise<webcrypto.CryptoKey> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new AuthorityError('the key cannot be read; it must be PEM without a passphrase');
  }
  const namedCurve = { prime256v1: 'P-256', secp384r1: 'P-384' }[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (namedCurve === undefined) throw new AuthorityError('the key must be EC P-256 or P-384');
  if (!signer.checkPrivateKey(key)) throw new AuthorityError('the key is not that of the certificate');
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve }, false, ['sign']);
}

/** All certificates in a text, in their order. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new AuthorityError('a certificate cannot be read; it must be PEM');
  }
}
