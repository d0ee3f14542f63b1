/**
 * What tenancy has to say to the VMs of one administration and data class, worked out once and kept until something
 * changes that it follows from: the sites where they may be at all, and what is counted where they go.
 */
import type { AgreementMeter, PartnerMeter } from './partners.js';
import type { Meter } from './tree.js';

/** Another partner's sites, with the agreements under which they may be used, in order. */
export interface Foreign {
  provider: PartnerMeter;
  sites: readonly string[];
  agreements: readonly AgreementMeter[];
}

/** Which sites serve an administration. */
export interface Service {
  /** Null when all sites do. */
  served: ReadonlySet<string> | null;
  foreign: readonly Foreign[];
}

/** Quotas with their rows in `Rooms`, so that those with room are passed by without a look at themselves. */
export interface Counted {
  meters: readonly Meter[];
  rows: readonly number[];
}

/** The quotas that an administration's VMs count in. */
export interface Counting {
  everywhere: Counted;
  /** Each with the sites on which it holds. */
  scoped: Counted;
  /** Those of them all in `Rooms`. */
  groups: readonly number[];
}

export interface Admission {
  /** Null when all sites are. */
  lawful: ReadonlySet<string> | null;
  service: Service;
  /** Stands for the sites where they may be; empty for all of them. Two that differ never have the same. */
  key: string;
  counting: Counting;
}
