/** What verifying an export has shown: what it has, and what is wrong with it. */

export type FaultCode =
  | 'MALFORMED'
  | 'VERSION'
  | 'KEY'
  | 'MISSING'
  | 'ORDER'
  | 'CHAIN'
  | 'CONTENT'
  | 'WITHHELD'
  | 'NOT_SHOWN'
  | 'CHECKPOINT'
  | 'SIGNATURE'
  | 'CUT_OFF'
  | 'WITNESS';

export interface Fault {
  code: FaultCode;
  /** The decision at which it was found; 0 where it is none. */
  sequence: number;
  /** The line of the file, from 1. */
  line: number;
  message: string;
}

export interface Verdict {
  federation: string;
  partner: string | null;
  first: number;
  last: number;
  shown: number;
  erased: number;
  checkpoints: number;
  /** Of the partner whose export it is. */
  numbers: { first: number; last: number } | null;
  /** Checkpoints of agents that the chain contains, and those of which it says nothing. */
  witnesses: { confirmed: number; outside: number };
  faults: Fault[];
}

/** More than this many add nothing. */
const mostFaults = 20;

/** Faults in the order in which they are found. */
export class Faults {
  readonly list: Fault[] = [];
  /** Lines that were taken. */
  lines = 0;

  add(code: FaultCode, sequence: number, message: string): void {
    if (this.list.length < mostFaults) this.list.push({ code, sequence, line: this.lines, message });
  }
}
