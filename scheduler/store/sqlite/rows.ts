/** A row of the journal, one group commit, and whether it follows the one before it. */
import { chainHash, commitmentsOf, hashBytes, rowHash } from './chain.js';

export interface JournalRow {
  first: number;
  last: number;
  at_ms: number;
  body: Buffer;
  hash: Buffer;
  /** One for each line; null in rows of older versions. */
  salts: Buffer | null;
  /** The commitments of lines whose content was erased, by index, as JSON; null when there are none. */
  erased: string | null;
}

/** What a statement selects for a row. */
export const rowColumns = 'first, last, at_ms, CAST(body AS BLOB) AS body, hash, salts, erased';

/**
 * The commitments of a row that has salts. Of what was erased nothing but the commitment is left.
 *
 * @throws Error when salts and lines do not match.
 */
export function commitmentsOfRow(body: Buffer, salts: Buffer, erased: string | null): Buffer {
  const commitments = commitmentsOf(body, salts);
  for (const [index, commitment] of erasedIn(erased)) commitments.set(commitment, index * hashBytes);
  return commitments;
}

export function erasedIn(erased: string | null): Map<number, Buffer> {
  const entries = Object.entries(JSON.parse(erased ?? '{}') as Record<string, string>);
  return new Map(entries.map(([index, commitment]) => [Number(index), Buffer.from(commitment, 'base64')]));
}

/** Whether a row is the one after another, or after where the journal begins, and as it was written. */
export function follows(before: Pick<JournalRow, 'last' | 'hash'>, row: JournalRow): boolean {
  if (row.first !== before.last + 1) return false;
  return hashOf(before.hash, row)?.equals(row.hash) === true;
}

/** Null when the row is not as any scheduler would have written it. */
function hashOf(before: Buffer, { first, last, at_ms, body, salts, erased }: JournalRow): Buffer | null {
  if (salts === null) {
    // The chain covers the body, and the body says when it was written.
    const lastLine = body.subarray(body.lastIndexOf('\n') + 1);
    return lastLine.indexOf(`[${at_ms},`) === 0 ? chainHash(before, first, last, body) : null;
  }
  try {
    const commitments = commitmentsOfRow(body, salts, erased);
    return rowHash(before, first, last, at_ms, commitments);
  } catch {
    return null;
  }
}

/** Why the journal does not hold, in words that go on after "is damaged:". */
export function brokenChain({ first, last }: Pick<JournalRow, 'first' | 'last'>): string {
  return `the journal does not hold together at sequences ${first} to ${last} (table journal, row ${last})`;
}
