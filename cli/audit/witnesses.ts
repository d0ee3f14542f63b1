/**
 * Checkpoints that somebody else has kept: agents keep the newest that they were given, and cannot be made to forget it. A
 * chain that was written anew does not contain them.
 */
import { type KeyObject, verify } from 'node:crypto';
import { bytesOf, checkpointText } from './hashes.js';
import type { RowLine } from './lines.js';
import type { Faults } from './verdict.js';

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

/** Holds rows against the checkpoints that were kept of them. */
export class Witnesses {
  readonly #all: readonly Witness[];
  #confirmed = 0;

  constructor(all: readonly Witness[]) {
    this.#all = all;
  }

  hear({ row: first, last, hash }: RowLine, faults: Faults): void {
    for (const { sequence, source, hash: kept } of this.#all) {
      if (sequence < first || sequence > last) continue;
      if (sequence === last && bytesOf(hash).equals(kept)) this.#confirmed += 1;
      else {
        const message = `the checkpoint of ${source} at decision ${sequence} is of another chain: the log was written anew since`;
        faults.add('WITNESS', sequence, message);
      }
    }
  }

  /** How many the rows from `first` to `last` contain, and of how many they say nothing. */
  heard(first: number, last: number): { confirmed: number; outside: number } {
    const outside = this.#all.filter(({ sequence }) => sequence < first || sequence > last).length;
    return { confirmed: this.#confirmed, outside };
  }
}
