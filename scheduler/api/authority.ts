/** What the API needs of the federation's certificate authority; `trust/` implements it. */
import type { Certificate } from '../core/access/model.js';
import type { Refusal } from '../core/refusal.js';

export interface Signed {
  /** For the record. */
  certificate: Certificate;
  /** SHA-256 of the public key (SPKI, DER), hexadecimal. */
  keyHash: string;
  /** PEM: the certificate, then those of the authority that it is verified by, without the root. */
  chainPem: string;
}

export interface Authority {
  /** PEM of the root that everybody trusts. */
  readonly rootPem: string;
  /** SHA-256 of the root (DER), hexadecimal. */
  readonly fingerprint: string;
  /**
   * Certifies the key of a PKCS#10 request (DER) for a URI, from now (given in milliseconds since 1970) for so long. Of the
   * request nothing counts but its key and that its owner has signed it. It is good at once for those who go by the wall clock,
   * however far the time that was given is ahead of it. Nothing is recorded: whoever asks decides that.
   */
  issue(signingRequest: Buffer, uri: string, nowMs: number, lifeMs: number): Promise<Signed | Refusal>;
}
