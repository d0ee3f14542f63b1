/**
 * What tenancy has to say to the VMs of one administration and data class, worked out once and kept until a rule, an
 * agreement, a partner, a site or the tree changes: the sites where they may be at all, and what is counted where they go.
 */
import type { AgreementMeter, PartnerMeter } from './partners.js';
import type { Meter } from './tree.js';

/** Another partner's sites, with the agreements under which they may be used, in order. */
export interface Foreign {
  provider: PartnerMeter;
  sites: readonly string[];
  agreements: readonly AgreementMeter[];
}

/** A quota that holds on some sites. */
export interface ScopedMeter {
  meter: Meter;
  sites: readonly string[];
}

export interface Admission {
  /** Null when all sites are. */
  lawful: ReadonlySet<string> | null;
  /** Null when all sites are. */
  served: ReadonlySet<string> | null;
  /** Stands for the sites where they may be; empty for all of them. Two that differ never have the same. */
  key: string;
  /** Quotas that hold everywhere, from the administration upwards. */
  everywhere: readonly Meter[];
  scoped: readonly ScopedMeter[];
  foreign: readonly Foreign[];
}
