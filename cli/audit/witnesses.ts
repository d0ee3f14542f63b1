/**
 * Checkpoints that somebody else has kept: agents keep the newest that they were given, and cannot be made to forget it. A
 * chain that was written anew does not contain them.
 */
import { type KeyObject, verify } from 'node:crypto';
import { checkpointText } from './hashes.js';

export interface Witness {
  sequence: number;
  incarnation: number;
  hash: Buffer;
  /** The file that it was read from. */
  source: string;
}

/** The checkpoint in what `secovia-agent status --json` says, or in an agent's own file; null when there is none. */
export function witnessIn(json: string, source: string): { witness: Witness; signature: Buffer } | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const { checkpoint = value } = (value ?? {}) as { checkpoint?: unknown };
  if (typeof checkpoint !== 'object' || checkpoint === null) return null;
  const { sequence, incarnation, hashHex, signatureBase64 } = checkpoint as Record<string, unknown>;
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(incarnation)) return null;
  if (typeof hashHex !== 'string' || !/^[0-9a-f]{64}$/.test(hashHex)) return null;
  if (typeof signatureBase64 !== 'string') return null;
  const hash = Buffer.from(hashHex, 'hex');
  const witness = { sequence: sequence as number, incarnation: incarnation as number, hash, source };
  return { witness, signature: Buffer.from(signatureBase64, 'base64') };
}

/** Whether the scheduler said so; what it did not sign proves nothing. */
export function isSigned(
  { incarnation, sequence, hash }: Witness,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  return verify(null, checkpointText(incarnation, sequence, hash), key, signature);
}
