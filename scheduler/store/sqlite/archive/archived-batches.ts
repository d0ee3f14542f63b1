/** What can be said of batches that are not in the store any more: all of it where their file is there, and a little else. */
import type Database from 'better-sqlite3';
import { isThere, openSegment } from './segment-file.js';
import { type Base, baseOf, incarnationIn, type Segment, segmentWith } from './segments.js';

export class ArchivedBatches {
  /** Where the store's own begin. */
  readonly base: Base;

  constructor(
    private readonly storeFile: string,
    private readonly segments: readonly Segment[],
  ) {
    this.base = baseOf(segments);
  }

  has(sequence: number): boolean {
    return segmentWith(this.segments, sequence) !== undefined;
  }

  /** The hash at exactly this sequence; null when no batch ended there, or its file is not there. */
  hashAt(sequence: number): Buffer | null {
    const segment = segmentWith(this.segments, sequence);
    if (segment?.last === sequence) return segment.hash;
    if (segment === undefined || !isThere(this.storeFile, segment)) return null;
    const db = openSegment(this.storeFile, this.segments, segment);
    try {
      return hashIn(db, sequence);
    } finally {
      db.close();
    }
  }

  /** Who decided at a sequence whose file is not there; else null. */
  incarnationAt(sequence: number): number | null {
    const segment = segmentWith(this.segments, sequence);
    if (segment === undefined || segment.last === sequence || isThere(this.storeFile, segment)) return null;
    return incarnationIn(segment, sequence);
  }
}

/** The hash of the row that ends at a sequence, in a file's own journal. */
export function hashIn(db: Database.Database, sequence: number): Buffer | null {
  return (
    db.prepare<[number], Buffer>('SELECT hash FROM journal WHERE last = ?').pluck().get(sequence) ?? null
  );
}
