/**
 * Reads PKCS#10 requests, which come from whoever can reach the port. What counts of one is its key, and that whoever
 * sent it has that key; what it says of itself is not even looked at.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type Refusal, refuse } from '../core/refusal.js';
import { Pkcs10CertificateRequest } from './x509.js';

/** A request with a P-384 key and a subject has some 400 bytes. */
export const largestRequestBytes = 8192;

export interface RequestedKey {
  key: KeyObject;
  /** `hashOfKey` of it. */
  keyHash: string;
}

export async function readSigningRequest(bytes: Buffer): Promise<RequestedKey | Refusal> {
  if (bytes.length === 0) return wrong('is missing; it must be a PKCS#10 request, DER');
  if (bytes.length > largestRequestBytes)
    return wrong(`has ${bytes.length} bytes; at most ${largestRequestBytes} are read`);
  let request: Pkcs10CertificateRequest;
  let key: KeyObject;
  try {
    request = new Pkcs10CertificateRequest(bytes);
    // Node's own reading of the key: what it does not take, no connection could be made with.
    key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  } catch {
    return wrong('cannot be read; it must be a PKCS#10 request, DER');
  }
  if (!isAccepted(key)) return wrong('has a key of another kind; make one of EC P-256, EC P-384 or Ed25519');
  if (!(await isSigned(request))) return wrong('is not signed with its own key');
  return { key, keyHash: hashOfKey(key) };
}

/** SHA-256 of a public key (SPKI, DER), hexadecimal. */
export function hashOfKey(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');
}

function wrong(what: string): Refusal {
  return {
    ...refuse('invalid', 'INVALID_SIGNING_REQUEST', `signing_request ${what}`),
    violations: [{ field: 'signing_request', description: what }],
  };
}

const curves = new Set(['prime256v1', 'secp384r1']);

function isAccepted({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ed25519') return true;
  return asymmetricKeyType === 'ec' && curves.has(asymmetricKeyDetails?.namedCurve ?? '');
}

async function isSigned(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}
