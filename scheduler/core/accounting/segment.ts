/**
 * What is accounted for: a VM over a time in which nothing that counts has changed. Times are milliseconds since 1970,
 * a segment lasts from `fromMs` to just before `toMs`.
 */
import type { Price } from '../tenancy/model.js';

/** Where a VM is, as it was when it was placed there. */
export interface Place {
  host: string;
  site: string;
  country: string;
  partner: string;
}

/** Who owes whom how much for what uses an agreement. Never changed: new terms are another object. */
export interface Terms {
  agreement: string;
  /** `partners/{partner}`. */
  creditor: string;
  /** `partners/{partner}`, or `administrations/{administration}` that is no partner's own. */
  debtor: string;
  price: Price;
}

/** What a VM takes of its host. One that was displaced or parked has its disk there and nothing more. */
export interface Use {
  uid: string;
  administration: string;
  /** The VM's id in its administration. */
  vm: string;
  place: Place;
  /** Null when it is free: on a site of its own partner, or of one that is open. */
  terms: Terms | null;
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  /** It was ordered to be stopped. */
  stopped: boolean;
}

export interface Segment extends Use {
  fromMs: number;
  toMs: number;
}

export interface Span {
  fromMs: number;
  toMs: number;
}

/** The terms under which something is owed; null when nobody owes it, or would owe it to itself. */
export function owedUnder({ terms }: Use): Terms | null {
  return terms === null || terms.creditor === terms.debtor ? null : terms;
}
