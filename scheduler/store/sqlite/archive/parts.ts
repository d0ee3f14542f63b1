/**
 * The files that a journal is in: the segments of the archive, in order, and the store's own. Whoever reads asks for the part
 * that has a decision, and a part is opened when it is first read: one that is not there is in nobody's way before.
 */
import Database from 'better-sqlite3';
import { type JournalHead, StoreError } from '../../store.js';
import { isThere, openSegment } from './segment-file.js';
import { type Base, baseOf, headOf, type Segment, segmentsIn } from './segments.js';

export interface Part {
  /** Sequences of its decisions; those of the store's own have no end. */
  readonly first: number;
  readonly last: number;
  /** What its first row is chained to. */
  readonly before: JournalHead;
  /** Where it ends; null for the store's own, which goes on. */
  readonly end: JournalHead | null;
  isThere(): boolean;
  /**
   * Its file, to be read only.
   *
   * @throws JournalArchived when it is not there.
   */
  readonly db: Database.Database;
}

export class Parts {
  readonly #all: Part[];
  readonly #open: Database.Database[] = [];
  readonly segments: readonly Segment[];
  /** What the store itself has. */
  readonly live: Part;

  /** @throws StoreError when there is no such store. */
  constructor(file: string) {
    try {
      const db = new Database(file, { readonly: true, fileMustExist: true });
      this.#open.push(db);
      this.segments = segmentsIn(db);
      const base: Base = baseOf(this.segments);
      this.live = {
        first: base.last + 1,
        last: Number.POSITIVE_INFINITY,
        before: headOf(base),
        end: null,
        isThere: () => true,
        db,
      };
    } catch (error) {
      this.close();
      throw new StoreError(`cannot read ${file}: ${(error as Error).message}`);
    }
    this.#all = [...this.segments.map((segment) => this.#part(file, segment)), this.live];
  }

  #part(file: string, segment: Segment): Part {
    const { first, last, hash, before } = segment;
    let opened: Database.Database | undefined;
    const open = () => {
      opened = openSegment(file, this.segments, segment);
      this.#open.push(opened);
      return opened;
    };
    return {
      first,
      last,
      before: headOf({ last: first - 1, hash: before }),
      end: { sequence: last, hash },
      isThere: () => opened !== undefined || isThere(file, segment),
      get db() {
        return opened ?? open();
      },
    };
  }

  /** The one that has a decision, or would have it. */
  with(sequence: number): Part {
    return this.#all.find(({ last }) => sequence <= last) ?? this.live;
  }

  /** Those that have any of these decisions, in order. */
  between(first: number, last: number): Part[] {
    return this.#all.filter((part) => part.first <= last && part.last >= first);
  }

  close(): void {
    for (const db of this.#open) db.close();
  }
}
