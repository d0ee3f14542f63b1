/**
 * Which leadership of the scheduler may be obeyed (PROTOCOL.md E1), and which of two checkpoints is the newer one
 * (E2). Pure comparisons; the ledger keeps the results.
 */

/** Counts the leaderships of the scheduler: ordered by incarnation, then counter. */
export interface Epoch {
  incarnation: number;
  counter: number;
  /** A UUID of the scheduler's process. */
  instance: string;
}

/** Where the scheduler's journal stood, as it signed it. */
export interface Checkpoint {
  incarnation: number;
  sequence: number;
  hashHex: string;
  signatureBase64: string;
}

export type EpochVerdict =
  | 'newer'
  | 'same'
  | 'older'
  /** Equal numbers from another process: a copied database. */
  | 'clone';

/** What an offered epoch is, next to the highest that was seen. */
export function judgeEpoch(highest: Epoch | null, offered: Epoch): EpochVerdict {
  if (highest === null) return 'newer';
  const difference = offered.incarnation - highest.incarnation || offered.counter - highest.counter;
  if (difference !== 0) return difference > 0 ? 'newer' : 'older';
  return offered.instance === highest.instance ? 'same' : 'clone';
}

/** True when `offered` stands later in the journal than what is kept. */
export function isNewerCheckpoint(kept: Checkpoint | null, offered: Checkpoint): boolean {
  if (kept === null) return true;
  return (offered.incarnation - kept.incarnation || offered.sequence - kept.sequence) > 0;
}

/** True when the two name the same place in the journal and disagree about what is there. */
export function contradicts(kept: Checkpoint | null, offered: Checkpoint): boolean {
  return (
    kept !== null &&
    kept.incarnation === offered.incarnation &&
    kept.sequence === offered.sequence &&
    kept.hashHex !== offered.hashHex
  );
}

/** The bytes that the scheduler signs for a checkpoint. */
export function checkpointText(checkpoint: Checkpoint): string {
  const { incarnation, sequence, hashHex } = checkpoint;
  return `secovia-checkpoint-v1\n${incarnation}\n${sequence}\n${hashHex}\n`;
}
