/** How the journal's chain is made, as whoever verifies it has to know. */
import { createHash } from 'node:crypto';
import type { Part } from './lines.js';

export function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

/** SHA-256 over the hash before, the row's sequences and time, and its commitments. */
export function rowHash(
  before: Uint8Array,
  first: number,
  last: number,
  atMs: number,
  commitments: Uint8Array,
): Buffer {
  return sha256(before, `${first} ${last} ${atMs}\n`, commitments);
}

/** Of a row from before there were commitments: over its text. */
export function oldRowHash(before: Uint8Array, first: number, last: number, body: string): Buffer {
  return sha256(before, `${first} ${last}\n`, body);
}

/** A decision: SHA-256 over its salt and its text. */
export function commitmentOf(salt: string, text: string): Buffer {
  return sha256(bytesOf(salt), text);
}

/** A decision in parts: over the commitments of all of them. */
export function commitmentOfParts(parts: readonly Part[]): Buffer {
  const each = parts.map((part) =>
    typeof part === 'string' ? bytesOf(part) : commitmentOf(part[0], part[1]),
  );
  return sha256('secovia parts\n', Buffer.concat(each));
}

/** What is signed of a point of the chain. */
export function checkpointText(incarnation: number, sequence: number, hash: Uint8Array): Buffer {
  const hex = Buffer.from(hash).toString('hex');
  return Buffer.from(`secovia-checkpoint-v1\n${incarnation}\n${sequence}\n${hex}\n`);
}

/** What is signed of a file. */
export function exportText(digest: string): Buffer {
  return Buffer.from(`secovia-audit-export-v1\n${digest}\n`);
}

function sha256(...pieces: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
