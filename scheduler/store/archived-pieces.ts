/** What is answered piece by piece from the journal, where a part of it may be in a file that is not here. */
import type { Refusal } from '../core/refusal.js';
import { JournalArchived } from './store.js';

/** The pieces; from where on they cannot be read, the refusal as the last one. */
export function* untilArchived<T>(pieces: Iterable<T>): Generator<T | { refusal: Refusal }> {
  try {
    yield* pieces;
  } catch (error) {
    if (!(error instanceof JournalArchived)) throw error;
    yield { refusal: error.refusal };
  }
}
