/**
 * The journal's hash chain: each row's hash covers the hash before it and what is in the row. A row has its decisions as
 * commitments, SHA-256 over a random salt and the decision's line, so that one decision can be shown and checked without
 * the others, and none can be guessed. Rows of older versions have no salts, and their hash covers their text.
 */
import { createHash, hash } from 'node:crypto';

/** What the first batch is chained to. */
export const chainStart: Buffer = Buffer.alloc(32);

export const saltBytes = 16;
export const hashBytes = 32;

const newline = 0x0a;
const tab = 0x09;

/** A row without salts. */
export function chainHash(
  before: Uint8Array,
  first: number,
  last: number,
  body: string | Uint8Array,
): Buffer {
  return createHash('sha256').update(before).update(`${first} ${last}\n`).update(body).digest();
}

/** A row with salts; its commitments stand one after the other. */
export function rowHash(
  before: Uint8Array,
  first: number,
  last: number,
  atMs: number,
  commitments: Uint8Array,
): Buffer {
  return createHash('sha256')
    .update(before)
    .update(`${first} ${last} ${atMs}\n`)
    .update(commitments)
    .digest();
}

/**
 * The commitments of a row's lines. `salts` has one for each.
 *
 * @throws Error when it has too few or too many.
 */
export function commitmentsOf(body: Uint8Array, salts: Uint8Array): Buffer {
  const commitments = Buffer.allocUnsafe((salts.length / saltBytes) * hashBytes);
  // Each line stands after its salt, so that both are hashed as one; the largest line fits.
  const salted = Buffer.allocUnsafe(saltBytes + body.length);
  let index = 0;
  for (let start = 0; start <= body.length; index += 1) {
    const found = body.indexOf(newline, start);
    const end = found === -1 ? body.length : found;
    const salt = salts.subarray(index * saltBytes, (index + 1) * saltBytes);
    if (salt.length < saltBytes) throw new Error('a row has fewer salts than lines');
    salted.set(salt);
    salted.set(body.subarray(start, end), saltBytes);
    const line = salted.subarray(0, saltBytes + end - start);
    const commitment = line.indexOf(tab, saltBytes) === -1 ? sha256(line) : commitmentOfParts(line);
    commitments.set(commitment, index * hashBytes);
    start = end + 1;
  }
  if (index * saltBytes !== salts.length) throw new Error('a row has more salts than lines');
  return commitments;
}

/** What stands before the commitments of a line's parts when they are hashed. */
const partsMark = Buffer.from('secovia parts\n');

/** A line that can be shown in parts commits to each of them, under a salt of its own that follows from the line's. */
function commitmentOfParts(salted: Buffer): Buffer {
  const parts = partsOf(salted.subarray(0, saltBytes), salted.subarray(saltBytes));
  return sha256(
    Buffer.concat([partsMark, ...parts.map(({ salt, text }) => sha256(Buffer.concat([salt, text])))]),
  );
}

/** The parts of a line, with their salts. A line without tabs is a single part, under its own salt. */
export function partsOf(salt: Buffer, line: Buffer): { salt: Buffer; text: Buffer }[] {
  if (!line.includes(tab)) return [{ salt, text: line }];
  const parts: { salt: Buffer; text: Buffer }[] = [];
  for (let start = 0; start <= line.length; ) {
    const found = line.indexOf(tab, start);
    const end = found === -1 ? line.length : found;
    const own = sha256(Buffer.concat([salt, Buffer.from(`part ${parts.length}`)]));
    parts.push({ salt: own.subarray(0, saltBytes), text: line.subarray(start, end) });
    start = end + 1;
  }
  return parts;
}

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
