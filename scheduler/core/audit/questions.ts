/** What can be asked of the record of decisions, and what comes back: plain data, which goes from thread to thread. */
import type { Refusal } from '../refusal.js';
import type { Change } from '../changes.js';
import type { PlacementReason } from './circumstances.js';
import type { By } from './line.js';

/** How much of the record somebody may see. */
export type Visibility =
  | { kind: 'everything' }
  /** What concerns a partner: its numbered decisions, and of them what is not of others. */
  | { kind: 'partner'; partner: string }
  /** What is about these administrations, without the hosts that others own. */
  | { kind: 'administrations'; administrations: string[] }
  | { kind: 'nothing' };

export interface ListQuestion {
  kind: 'list';
  visibility: Visibility;
  /** The newest decision that may be listed. */
  from: number;
  /** The oldest. */
  to: number;
  size: number;
  /** As the core's filters have it; it has been checked. */
  filter: string;
  /** Uids of VMs, by the names that the filter may have for them. */
  vms: Record<string, string>;
}

export interface ExportQuestion {
  kind: 'export';
  federation: string;
  /** SHA-256 of the public key, SPKI in DER, hexadecimal. */
  key: string;
  /** Whose decisions are shown; null for everything. */
  partner: string | null;
  first: number;
  last: number;
}

/** A change among those of a decision. */
export interface Place {
  sequence: number;
  /** From 0. */
  position: number;
}

/** What events are asked for. */
export type EventsOf =
  | { kind: 'everything' }
  | { kind: 'vm'; uid: string }
  | { kind: 'hosts'; site: string | null; hosts: string[] }
  | { kind: 'administrations'; administrations: string[] };

/** Events: the changes that people who run hosts and VMs want to hear of, one by one. */
export interface EventsQuestion {
  kind: 'events';
  visibility: Visibility;
  of: EventsOf;
  order: 'newest' | 'oldest';
  /** The first that may be told. */
  from: Place;
  /** The last decision that may be told: the oldest or the newest, as the order has it. */
  to: number;
  size: number;
  /** As the core's filters have it; it has been checked. */
  filter: string;
}

export type AuditQuestion = ListQuestion | ExportQuestion | EventsQuestion;

/** A change as the journal has it, with how things were before and why a host was chosen, where it says so. */
export type RecordedChange = Change & { before?: Record<string, unknown>; why?: PlacementReason };

export interface ListedEntry {
  sequence: number;
  atMs: number;
  by: By;
  changes: RecordedChange[];
  /** Names of the resources that were changed; of a VM whose name the journal has not said yet, `vms/UID`. */
  resources: string[];
  /** Names of VMs by uid, as far as they are known. */
  vms: Record<string, string>;
}

export interface ListedEvent extends Place {
  atMs: number;
  by: By;
  change: RecordedChange;
  /** The host that it happened on, if one is named that the reader may know. */
  host: string | null;
  /** Names of VMs by uid, as far as they are known. */
  vms: Record<string, string>;
}

export type AuditTold =
  /** As many events as were asked for, or as may be read in one go; `next` is where to go on, null when nothing is left. */
  | { events: ListedEvent[]; next: Place | null }
  /** `next` is where to go on; null when nothing is left. */
  | { entries: ListedEntry[]; next: number | null }
  | { piece: Uint8Array }
  /** The export is whole but for its last line: where it ends, and the SHA-256 of all its bytes, hexadecimal. */
  | { end: { sequence: number; hash: Uint8Array; digest: string } };

export type AuditPiece = AuditTold | { refusal: Refusal };
