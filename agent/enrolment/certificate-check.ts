/** What the scheduler hands over is looked at before it is kept: a certificate of another key or authority is of no use. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { uriOf } from '../../proto/credentials.js';

export interface Expected {
  /** PEM of the root. */
  authority: string;
  /** PEM. */
  key: string;
  /** `spiffe://FEDERATION/host/ID`. */
  uri: string;
}

/** A sentence on what is wrong with a chain (PEM, without its root), or null. */
export function faultOf(chain: string, { authority, key, uri }: Expected): string | null {
  let certificates: X509Certificate[];
  let root: X509Certificate;
  try {
    certificates = certificatesIn(chain);
    root = new X509Certificate(authority);
  } catch {
    return 'the scheduler sent a certificate that cannot be read';
  }
  const [own] = certificates;
  if (own === undefined) return 'the scheduler sent no certificate';
  if (!own.checkPrivateKey(createPrivateKey(key))) return 'the scheduler sent the certificate of another key';
  if (uriOf(own) !== uri)
    return `the scheduler sent a certificate of ${uriOf(own) ?? 'nobody'}, and not of ${uri}`;
  const path = [...certificates, root];
  const broken = certificates.some((certificate, index) => {
    const above = path[index + 1] ?? root;
    return !certificate.checkIssued(above) || !certificate.verify(above.publicKey);
  });
  return broken ? "the scheduler sent a certificate that the federation's authority has not signed" : null;
}

/** All certificates in a text, in their order. @throws when one of them cannot be read. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
