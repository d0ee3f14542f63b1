/** What accounting has come to at a place of the journal: all that is needed to read on from there. */
import type { AgreementAccount } from './agreements.js';
import { Homes } from './homes.js';
import type { Place } from './segment.js';

/** A VM as the journal has it so far. */
export interface CountedVm {
  uid: string;
  administration: string;
  vm: string;
  /** Ordered. */
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  stopped: boolean;
  /** Displaced or parked: it has given up its vCPUs and its memory. */
  gaveUp: boolean;
  place: Place | null;
  account: AgreementAccount | null;
  /** When what counts was last changed. */
  sinceMs: number;
}

export interface Ledger {
  readonly homes: Homes;
  /** Agreements that there are, by id. A VM may still be under one that is gone. */
  readonly accounts: Map<string, AgreementAccount>;
  readonly sites: Map<string, { country: string; partner: string }>;
  readonly siteOfHost: Map<string, string>;
  readonly vms: Map<string, CountedVm>;
  /** Every administration that there ever was. */
  readonly everSeen: Set<string>;
  /** The time of the latest change. */
  lastMs: number;
}

/** Before the first decision. */
export function emptyLedger(): Ledger {
  return {
    homes: new Homes(),
    accounts: new Map(),
    sites: new Map(),
    siteOfHost: new Map(),
    vms: new Map(),
    everSeen: new Set(),
    lastMs: 0,
  };
}
