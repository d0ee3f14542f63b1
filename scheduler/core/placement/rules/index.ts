/** The hard rules in the order in which they are asked. The first that excludes a host is the one that is named. */
import type { Host } from '../../model.js';
import type { State } from '../../state.js';
import type { PlacementRequest } from '../request.js';
import { architecture } from './architecture.js';
import { connected } from './connected.js';
import { cordoned } from './cordoned.js';
import { dedicated } from './dedicated.js';
import { location } from './location.js';
import { excludedHosts } from './excluded-hosts.js';
import { overclaimed } from './overclaimed.js';
import { mountsPool } from './mounts-pool.js';
import { recovering } from './recovering.js';
import { refusedBefore } from './refused-before.js';
import { residency } from './residency.js';
import { service } from './service.js';
import { forbiddenTraits, requiredTraits } from './traits.js';

export type RuleCode =
  | 'HOST_NOT_CONNECTED'
  | 'CORDONED'
  | 'HOLDS_TOO_MUCH'
  | 'SITE_RECOVERING'
  | 'NOT_ALLOWED_THERE'
  | 'NOT_LAWFUL'
  | 'NO_AGREEMENT'
  | 'DEDICATED_TO_OTHERS'
  | 'LACKS_TRAIT'
  | 'FORBIDDEN_TRAIT'
  | 'EXCLUDED_BY_REQUEST'
  | 'REFUSED_BEFORE'
  | 'OTHER_ARCHITECTURE'
  | 'POOL_NOT_MOUNTED';

/**
 * What a rule reads besides the state.
 * - `host`: the host alone, never the request. A host that it excludes is not on offer to anybody.
 * - `profile`: the request, and of the host only what its profile says. It is asked once for all hosts of a profile.
 * - `name`: the request, and of the host only its name, for the few hosts that a request singles out.
 */
export type Rule =
  | { code: RuleCode; reads: 'host'; excludes(state: State, host: Host): boolean }
  | {
      code: RuleCode;
      reads: 'profile';
      excludes(state: State, host: ProfileOfHost, request: PlacementRequest): boolean;
    }
  | {
      code: RuleCode;
      reads: 'name';
      excludes(state: State, host: Named, request: PlacementRequest): boolean;
    };

/** What rules may read of a host if they are asked once for all hosts that are alike in it. */
export interface ProfileOfHost {
  site: string;
  architecture: string;
  /** The administration whose subtree alone may use it; null means anybody. */
  dedicatedTo: string | null;
  /** What an operator has given it, and `cpu:` with each feature of its CPU. */
  traits: ReadonlySet<string>;
  /** The shared storage pools that it mounts, sorted. */
  pools: readonly string[];
  /** No rule: hosts with GPUs are taken last by VMs that need none. */
  hasGpus: boolean;
}

export interface Named {
  id: string;
}

export const rules: readonly Rule[] = [
  connected,
  cordoned,
  overclaimed,
  recovering,
  location,
  residency,
  service,
  dedicated,
  requiredTraits,
  forbiddenTraits,
  excludedHosts,
  refusedBefore,
  architecture,
  mountsPool,
];
