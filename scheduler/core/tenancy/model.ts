/**
 * The entities of tenancy: who owns what, who may use how much of it, and where data may be. Plain data, as in
 * `../model.ts`; times are milliseconds since 1970.
 *
 * What begins or ends at a time does so by a journalled change (PROTOCOL E3): a record's `state` says where it stands,
 * and no decision compares a date with the clock.
 */
import type { Extras } from '../model.js';

/** An organisation that owns data centres. Unless it is open, its sites serve its own administrations, and those with an agreement. */
export interface Partner {
  id: string;
  title: string;
  country: string;
  /** The subtrees that are its own; when there are none, all administrations of its country are. */
  administrations: string[];
  /** Its sites serve everybody. */
  open: boolean;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** Where a limit holds: everywhere, in a country, or on a site. */
export type Scope =
  | { kind: 'everywhere' }
  | { kind: 'country'; country: string }
  | { kind: 'site'; site: string };

/** Upper bounds; what is left out has none. */
export interface Limits {
  vcpus?: number;
  memoryMib?: number;
  diskMib?: number;
  vms?: number;
  extras?: Extras;
}

/** What the VMs of an administration's subtree may hold together, in a scope. */
export interface Quota {
  administration: string;
  scope: Scope;
  limit: Limits;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** A part of one administration's limit that another has until it ends. */
export interface Loan {
  id: string;
  lender: string;
  borrower: string;
  scope: Scope;
  amount: Limits;
  untilMs: number;
  note: string;
  state: 'active' | 'recalled' | 'expired';
  endedMs: number;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** How sensitive the data of a VM are. */
export interface DataClass {
  id: string;
  title: string;
  /** The higher the more sensitive; above `internalLevel`, data stay in their own country unless a rule allows more. */
  level: number;
  /** Came with the federation, and cannot be deleted. */
  builtIn: boolean;
  createdMs: number;
}

/** Countries and jurisdictions; a site is among them when its country is, or one of its jurisdictions. */
export interface Places {
  countries: string[];
  jurisdictions: string[];
}

/**
 * Where the data of one class of an administration's subtree may be. Of the rules in force, those of the highest priority
 * that say something about a site decide. A rule forbids what it names as forbidden; when it names allowed places, it
 * allows these and forbids all others; otherwise it says nothing about other places. Among rules of one priority what is
 * forbidden by name comes first, then what is allowed by name.
 */
export interface ResidencyRule {
  id: string;
  dataClass: string;
  /** The subtree that it is about; null for all administrations. */
  administration: string | null;
  allowed: Places;
  forbidden: Places;
  legalBasis: string;
  priority: number;
  fromMs: number;
  /** Null for one without an end. */
  untilMs: number | null;
  /** Until then a VM that it has put in breach may start again in place; null means at no time. */
  startUntilMs: number | null;
  state: 'planned' | 'in_force' | 'expired';
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** Prices an hour, in millionths of the currency's main unit. */
export interface Price {
  /** ISO 4217. */
  currency: string;
  vcpuMicros: number;
  memoryGibMicros: number;
  diskGibMicros: number;
  /** Of the price of vCPUs and memory while the VM is desired stopped, 0 to 100; disks are always paid in full. */
  stoppedPercent: number;
}

/** Who benefits: the own administrations of another partner, or a subtree. */
export type Beneficiary =
  | { kind: 'partner'; partner: string }
  | { kind: 'administration'; administration: string };

/** What a partner lets a beneficiary use of its sites. */
export interface Agreement {
  id: string;
  title: string;
  partner: string;
  beneficiary: Beneficiary;
  /** What may be used under it at most. */
  limit: Limits;
  /** As `limit`, as a share of what the partner's hosts offer, 1 to 100; null for none. Both bind. */
  limitPercent: number | null;
  /** What VMs of others leave to the partner's own administrations, under all its agreements together. */
  reserve: Limits;
  price: Price;
  fromMs: number;
  untilMs: number | null;
  /** How long VMs may stay where they are when it expires or is recalled. */
  noticeDays: number;
  /**
   * `in_force` takes new VMs. In `notice` nothing new is placed under it, and what is there has until `noticeUntilMs`.
   * After that it has `ended`, and VMs that are still there are in breach.
   */
  state: 'planned' | 'in_force' | 'notice' | 'ended';
  noticeUntilMs: number | null;
  recalled: boolean;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/**
 * VMs that are where they may not be any more, as one record: those of one administration and data class on one site, or
 * those under an agreement that has ended. Which VMs they are follows from the state.
 */
export interface Breach {
  /** `residency ADMINISTRATION CLASS SITE` or `agreement ID`. */
  id: string;
  code: 'NOT_LAWFUL' | 'AGREEMENT_ENDED' | 'NO_AGREEMENT';
  administration: string | null;
  dataClass: string | null;
  site: string | null;
  /** The rule or the agreement; null when it is the lack of one. */
  because: string | null;
  sinceMs: number;
  /** Until then the VMs may start again in place. */
  startUntilMs: number | null;
}
