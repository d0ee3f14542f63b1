/** A rule that was broken: its name in PROTOCOL.md, or one of those that every deployment takes for granted. */
export type RuleName =
  | 'O1'
  | 'O2'
  | 'O3'
  | 'O4'
  | 'O5'
  | 'O6'
  | 'O7'
  | 'F1'
  | 'F2'
  | 'F3'
  | 'F4'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'E1'
  | 'E2'
  | 'E3'
  | 'E4'
  | 'S1'
  | 'S2'
  | 'S3'
  | 'S4'
  /** No VM runs on two hosts. */
  | 'ONE COPY'
  /** No host, pool, quota or agreement is over its limit, and no VM is where it may not be. */
  | 'LIMITS'
  /** What was acknowledged is there. */
  | 'ACKNOWLEDGED'
  /** An operation that has succeeded has done what it was to do. */
  | 'OPERATIONS'
  /** The journal replays to the same state. */
  | 'REPLAY'
  /** After the faults are over everything comes to rest. */
  | 'CONVERGENCE'
  /** Something threw. */
  | 'BUG';

export interface Violation {
  rule: RuleName;
  message: string;
  /** When, in simulated milliseconds, and at which event. */
  atMs: number;
  step: number;
}

export type Violate = (rule: RuleName, message: string) => void;
