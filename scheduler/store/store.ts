/**
 * Where decisions become durable. A batch is written whole or not at all, in order, and only by the leader whose
 * epoch the store knows: a scheduler that has been replaced cannot write any more.
 */
import type { Epoch } from '../core/model.js';
import type { Refusal } from '../core/refusal.js';
import type { EntityKind } from '../core/touched.js';

/** A call by its caller, method and request id, with what it asked and what it was first answered. */
export interface KeptRequest {
  /** Rises with every request that is kept; where the store finds it again. */
  row: number;
  caller: string;
  method: string;
  id: string;
  /** Hash of the call's bytes: tells a repetition from a second use. */
  hash: string;
  reply: Uint8Array;
  atMs: number;
}

/** Where an entity is kept: VMs and operations by their `createdSequence`, the others by kind and key. */
export interface EntityRow {
  kind: EntityKind;
  key: string;
  row: number;
}

/** Kinds with a table of their own, in the order of creation. */
export function isKeptByRow(kind: EntityKind): kind is 'vm' | 'operation' {
  return kind === 'vm' || kind === 'operation';
}

/** An entity as it is to be saved. */
export interface EntityPut extends EntityRow {
  body: string;
  /** Which piece of the journal is the same text, where one is: most of what is saved is what a decision has just made. */
  piece?: number;
}

export interface Batch {
  epoch: Epoch;
  /** Sequences of the decisions in it. */
  first: number;
  last: number;
  atMs: number;
  /** Pieces of a text, to be put one after the other: one line a decision, as `core/audit/line.ts` has it. */
  journal: string[];
  puts: EntityPut[];
  deletes: EntityRow[];
  requests: KeptRequest[];
  /** Requests of lower rows are forgotten. */
  forgetRequestsBefore: number;
}

/** Where the journal stands: the hash covers every batch up to `sequence`. */
export interface JournalHead {
  sequence: number;
  hash: Buffer;
}

export interface LoadedRequest {
  row: number;
  caller: string;
  method: string;
  id: string;
  hash: string;
  atMs: number;
}

export interface LoadHandlers {
  /** One body at a time: the entities as they were at some sequence. */
  onEntity(kind: EntityKind, body: string): void;
  /** Then each line that the journal has after that sequence. */
  onDecision(line: string): void;
  onRequest(request: LoadedRequest): void;
}

export interface Store {
  /** Reads everything, once, at the start. */
  load(handlers: LoadHandlers): Promise<JournalHead & { lastMs: number }>;
  /**
   * Resolves when the batch is on disk. One at a time. A rejection means that it is not known whether it is: the
   * process must stop and read the store again (PROTOCOL S2).
   */
  commit(batch: Batch): Promise<JournalHead>;
  /** The answer that is kept in this row, if it still is. */
  reply(row: number): Buffer | null;
  /** The journal's hash at exactly this sequence, or null when no batch ended there. */
  hashAt(sequence: number): Buffer | null;
  /**
   * The number of the incarnation that decided at this sequence, where nothing more is known of it because its batch is in a
   * file of the archive that is not here; else null.
   */
  archivedIncarnationAt(sequence: number): number | null;
  /** Keeps where the journal stood, for whoever verifies it later. Those that stand where one is kept already add nothing. */
  keepCheckpoint(checkpoint: SignedCheckpoint): void;
  close(): Promise<void>;
}

/** The journal's hash at a sequence, in words that the scheduler cannot take back. */
export interface SignedCheckpoint extends JournalHead {
  incarnation: number;
  /** Ed25519. */
  signature: Buffer;
  atMs: number;
}

/** A part of the journal. */
export interface JournalPiece {
  /** Sequences of its decisions. */
  first: number;
  last: number;
  /** Their lines, UTF-8. */
  text: Buffer;
}

/** What accounting had come to after a decision, so that nothing before has to be read. */
export interface Opening {
  sequence: number;
  /** When that was decided; no decision before is later. */
  atMs: number;
  /** As `core/accounting/opening.ts` has it. */
  text: Iterable<string>;
}

/** Reads the journal from beside the store that writes it, and on another thread: it may take seconds. */
export interface Journal {
  /**
   * From after this sequence (the first decision: 0) to the batch that ends at the other, in pieces of whole batches.
   *
   * @throws StoreError where decisions are missing.
   * @throws JournalArchived where they are in a file that is not here.
   */
  pieces(upTo: number, after?: number): Iterable<JournalPiece>;
  /**
   * The latest that is not after this moment; null when there is none.
   *
   * @throws JournalArchived when it is in a file that is not here.
   */
  openingAt(atMs: number): Opening | null;
  /** The end of the batch that has this decision; the journal's beginning when it has none. */
  headWith(sequence: number): JournalHead;
  close(): void;
}

/** A group commit as the chain has it. */
export interface ChainRow {
  first: number;
  last: number;
  atMs: number;
  /** Covers this row and all before it. */
  hash: Buffer;
  /** The commitments to its decisions, 32 bytes each; null in rows of older versions, whose hash covers their text. */
  commitments: Buffer | null;
  /** Its decisions' lines. Of those that were erased, what is kept of them is not what was committed to. */
  lines: ChainLine[];
}

export interface ChainLine {
  text: Buffer;
  /** What shows that a decision is the one that was committed to: one part, or several; null when it was erased. */
  parts: { salt: Buffer; text: Buffer }[] | null;
}

/**
 * Reads the journal as it is chained, from beside the store that writes it, and on another thread. Whatever is asked for in a file
 * of the archive that is not here throws JournalArchived.
 */
export interface Chain {
  /** Whether a decision is in such a file. */
  isMissing(sequence: number): boolean;
  /** From the row that has this decision to the row that has the other, a row at a time. */
  rows(first: number, last: number): Iterable<ChainRow>;
  /** Rows that end before this sequence, or have it, the newest first. */
  rowsBackwards(from: number): Iterable<ChainRow>;
  /** The last sequence of the row that has this decision, and the hash there; of the newest row when there is none. */
  headWith(sequence: number): JournalHead;
  /** The end of the last row before this sequence. */
  headBefore(sequence: number): JournalHead;
  /** The first decision of a row with commitments; null when there is none. */
  firstCommitted(): number | null;
  /** Those that were kept, in order. */
  checkpoints(first: number, last: number): SignedCheckpoint[];
  close(): void;
}

/** Decisions that were asked for are in a file of the archive that is not here. */
export class JournalArchived extends Error {
  override readonly name = 'JournalArchived';

  /** What is said to whoever asked. */
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

/** The store cannot be used, and a human must look; the message says at what. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
