/**
 * The scheduler's own certificate: made when it is missing or serves no more, and exchanged at two thirds of its life,
 * without a connection noticing.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { isRefusal } from '../core/refusal.js';
import { schedulerUri } from '../core/access/uris.js';
import type { OwnCertificate } from '../core/alarms/alarm.js';
import { AuthorityError, type CertificateAuthority, certificatesIn, lifeOf } from './authority.js';
import { replaceFile, textOf } from '../../proto/durable-folder.js';

const lifeMs = 30 * 24 * 3600 * 1000;

export class ServerCertificate {
  readonly #file: string;
  #pem = '';
  /** When it is to be exchanged. */
  #dueMs = 0;

  constructor(
    dataDir: string,
    private readonly authority: CertificateAuthority,
    private readonly federation: string,
  ) {
    // Key and certificates are one file: no crash can leave one without the other.
    this.#file = join(dataDir, 'server', 'server.key');
    mkdirSync(join(dataDir, 'server'), { recursive: true, mode: 0o700 });
  }

  /**
   * Reads it, and makes another one where that is due.
   *
   * @returns whether it is another one than before.
   * @throws AuthorityError when the authority signs nothing any more.
   */
  async refresh(nowMs: number): Promise<boolean> {
    if (this.#pem !== '' && nowMs < this.#dueMs) return false;
    const kept = this.#pem === '' ? (textOf(this.#file) ?? '') : '';
    const dueMs = this.#dueOf(kept, nowMs);
    if (dueMs > nowMs) {
      this.#pem = kept;
      this.#dueMs = dueMs;
      return true;
    }
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signed = await this.authority.signServer(publicKey, this.federation, nowMs, lifeMs);
    if (isRefusal(signed)) throw new AuthorityError(signed.message);
    const pem = `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${signed.chainPem}`;
    replaceFile(this.#file, pem);
    this.#pem = pem;
    this.#dueMs = this.#dueOf(pem, nowMs);
    return true;
  }

  /** From when until when it is good; none before it was read. */
  get lives(): OwnCertificate[] {
    const [certificate] = certificatesIn(this.#pem);
    return certificate === undefined ? [] : [lifeOf('scheduler', certificate)];
  }

  /** For a server that asks for certificates, and looks itself who has signed them. Connections are as secure as TLS 1.3 is. */
  context(): SecureContextOptions {
    const { rootPem } = this.authority;
    return {
      key: this.#pem,
      // With the root, which a host that joins knows by its fingerprint alone.
      cert: `${certificatesIn(this.#pem).join('')}${rootPem}`,
      // Whom to believe is looked at in `proof.ts`. What OpenSSL finds wrong in a certificate it may take for a broken
      // handshake, if the rest of it comes a moment later; then nobody would be told why.
      ca: [],
      minVersion: 'TLSv1.3',
    };
  }

  /** Zero for one that is none of this authority and federation. */
  #dueOf(pem: string, nowMs: number): number {
    try {
      const [certificate] = certificatesIn(pem);
      if (certificate === undefined) return 0;
      const isOurs =
        certificate.verify(this.authority.signer.publicKey) &&
        certificate.subjectAltName === `URI:${schedulerUri(this.federation)}` &&
        certificate.publicKey.equals(createPublicKey(createPrivateKey(pem)));
      const fromMs = Date.parse(certificate.validFrom);
      if (!isOurs || fromMs > nowMs) return 0;
      return fromMs + ((Date.parse(certificate.validTo) - fromMs) * 2) / 3;
    } catch {
      return 0;
    }
  }
}
