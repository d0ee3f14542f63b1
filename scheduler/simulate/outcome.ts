/** What a step came to, as plain data: it is printed, given as JSON, and held against what was expected. */
import type { ResourceCode } from '../core/placement/amounts.js';
import type { ExclusionCode } from '../core/placement/explanation.js';
import type { Breach } from '../core/tenancy/model.js';

export interface PlacedVm {
  name: string;
  /** `none` for one that was refused while others of its step were placed. */
  host: string;
}

export function vmsByHost(vms: readonly PlacedVm[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { host } of vms) counts[host] = (counts[host] ?? 0) + 1;
  return counts;
}

/** Why hosts cannot take a VM. */
export interface Exclusions {
  /** How many hosts each reason excludes first. */
  excluded: Partial<Record<ExclusionCode, number>>;
  /** How many it alone excludes; only those with any. */
  sole: Partial<Record<ExclusionCode, number>>;
  /** What would make it fit: a field, and after `=` its value, unless it is to be left out. */
  suggestion: string;
  /** Some host is only not connected now. */
  temporary: boolean;
}

export interface Score {
  host: string;
  softViolations: number;
  priceTier: number;
  sitePreference: number;
  sparedForGpus: boolean;
  /** The cells that it would get. */
  numaCells: number[];
}

/** A VM that is where it may not be any more. */
export interface BreachingVm {
  name: string;
  /** Where it is. */
  host: string;
  reason: Breach['code'];
  /** The rule or the agreement; null when it is the lack of one. */
  because: string | null;
  /** Where it would move; `none` when it can go nowhere, and then why. */
  to: string;
  noHost: string | null;
}

export type Outcome =
  /** `refused` says why of those that have no host. */
  | { kind: 'placed'; vms: PlacedVm[]; refused: { name: string; message: string }[] }
  /** `why` is known when one VM was asked for and hosts were looked at. */
  | {
      kind: 'refused';
      reason: string;
      message: string;
      excluded: Partial<Record<ExclusionCode, number>>;
      /** The quotas and agreements that say no, as the contract names them. */
      exceeded: string[];
      why: Exclusions | null;
    }
  /** No host has the VM any more, because of this fault. */
  | { kind: 'unplaced'; message: string }
  | ({
      kind: 'explained';
      chosen: Score | null;
      runnerUp: Score | null;
      hosts: number;
      eligible: number;
      misses: Partial<Record<ResourceCode, { hosts: number; missing: number }>>;
      /** By the extra that hosts have too few of. */
      extraMisses: Record<string, { hosts: number; missing: number }>;
      lackedExtras: Record<string, number>;
      /** VMs of a lower priority that would have to give up their room, and their host. */
      displaces: string[];
      displaceHost: string;
      exceeded: string[];
    } & Exclusions)
  | { kind: 'capacity'; vms: number; limited: boolean; bySite: Record<string, number> }
  | { kind: 'breaches'; vms: BreachingVm[] }
  | { kind: 'done'; message: string };
