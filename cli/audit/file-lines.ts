/** A file as lines, a few at a time in memory, with the digest of what is before each. */
import { createHash, type Hash } from 'node:crypto';

/** A row of very many decisions is one line; what is longer is no export. */
const longestLine = 256 * 2 ** 20;
const newline = 0x0a;

export interface FileLine {
  bytes: Buffer;
  /** The file ends within it: nothing ends the line. */
  isCut: boolean;
  /** SHA-256 of all bytes of the file before it, hexadecimal. */
  digestBefore(): string;
}

export class LineTooLong extends Error {}

/** @throws LineTooLong */
export async function* fileLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<FileLine> {
  const digest = createHash('sha256');
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const each of pieces) {
    let piece = Buffer.from(each.buffer, each.byteOffset, each.byteLength);
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline)) {
      const bytes = Buffer.concat([...rest, piece.subarray(0, end)]);
      yield lineOf(bytes, false, digest);
      digest.update(bytes).update('\n');
      rest = [];
      restBytes = 0;
      piece = piece.subarray(end + 1);
    }
    if (piece.length === 0) continue;
    rest.push(Buffer.from(piece));
    restBytes += piece.length;
    if (restBytes > longestLine)
      throw new LineTooLong('a line of the file is longer than any scheduler writes');
  }
  if (restBytes > 0) yield lineOf(Buffer.concat(rest), true, digest);
}

function lineOf(bytes: Buffer, isCut: boolean, digest: Hash): FileLine {
  return { bytes, isCut, digestBefore: () => digest.copy().digest('hex') };
}
