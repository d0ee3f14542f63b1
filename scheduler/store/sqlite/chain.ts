/** The journal's hash chain: each batch's hash covers its own content and the hash before it. */
import { createHash } from 'node:crypto';

/** What the first batch is chained to. */
export const chainStart: Buffer = Buffer.alloc(32);

export function chainHash(
  before: Uint8Array,
  first: number,
  last: number,
  body: string | Uint8Array,
): Buffer {
  return createHash('sha256').update(before).update(`${first} ${last}\n`).update(body).digest();
}
