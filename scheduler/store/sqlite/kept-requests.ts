/**
 * The answers that one batch keeps, as few rows: thousands of calls a second would be as many inserts otherwise. Row
 * numbers within a batch follow one another.
 */
import type { KeptRequest, LoadedRequest } from '../store.js';
import { keptSum } from './sums.js';

/**
 * Who calls again, as all callers of a batch may, has the row of its answer read and summed, which the event loop waits for: of a
 * batch of thousands in one row that were 40 ms.
 */
export const answersOfRow = 64;

/** The key in `meta` of the row below which no answer is kept any more. */
export const forgottenBefore = 'requests_forgotten_before';

/** Caller, method, request id, hash of what was asked, when, and where its answer ends in the row's bytes. */
type Entry = [caller: string, method: string, id: string, hash: string, atMs: number, replyEnd: number];

export interface KeptRow {
  first: number;
  last: number;
  entries: string;
  replies: Buffer;
  entries_sum: number | null;
  replies_sum: number | null;
}

/** Whether what a row's answers were answers to is as it was written. */
export function hasEntriesOf({ first, last, entries, entries_sum }: Omit<KeptRow, 'replies'>): boolean {
  return entries_sum === keptSum(first, last, entries);
}

/** Whether the answers are, too. */
export function isWhole(kept: KeptRow): boolean {
  return hasEntriesOf(kept) && kept.replies_sum === keptSum(kept.first, kept.last, kept.replies);
}

/** What is wrong with a row, in words that go on after "is damaged:". */
export function brokenKept({ first, last }: Pick<KeptRow, 'first' | 'last'>): string {
  return `the kept answers ${first} to ${last} are not as they were written (table request, the checksum of row ${first} differs)`;
}

/** The entries of these requests, whose answers stand one after the other. */
export function keptEntries(requests: readonly KeptRequest[]): string {
  const entries: Entry[] = [];
  const first = requests[0]?.row ?? 0;
  let end = 0;
  for (const { row, caller, method, id, hash, reply, atMs } of requests) {
    if (row !== first + entries.length) throw new Error(`kept requests are out of order at row ${row}`);
    end += reply.length;
    entries.push([caller, method, id, hash, atMs, end]);
  }
  return JSON.stringify(entries);
}

export function* requestsIn(kept: Pick<KeptRow, 'first' | 'entries'>): Iterable<LoadedRequest> {
  const entries = JSON.parse(kept.entries) as Entry[];
  for (const [index, [caller, method, id, hash, atMs]] of entries.entries()) {
    yield { row: kept.first + index, caller, method, id, hash, atMs };
  }
}

/** The answer of one row, or null when it is not among these. */
export function replyIn(kept: Pick<KeptRow, 'first' | 'entries' | 'replies'>, row: number): Buffer | null {
  const entries = JSON.parse(kept.entries) as Entry[];
  const end = entries[row - kept.first]?.[5];
  if (end === undefined) return null;
  return Buffer.from(kept.replies.subarray(entries[row - kept.first - 1]?.[5] ?? 0, end));
}
