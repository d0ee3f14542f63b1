/** The hard rules in the order in which they are asked. The first that excludes a host is the one that is named. */
import type { Host } from '../../model.js';
import type { State } from '../../state.js';
import type { PlacementRequest } from '../placement.js';
import { architecture } from './architecture.js';
import { connected } from './connected.js';
import { cordoned } from './cordoned.js';
import { location } from './location.js';
import { excludedHosts } from './excluded-hosts.js';
import { mountsPool } from './mounts-pool.js';
import { recovering } from './recovering.js';
import { refusedBefore } from './refused-before.js';

export type RuleCode =
  | 'HOST_NOT_CONNECTED'
  | 'CORDONED'
  | 'SITE_RECOVERING'
  | 'NOT_ALLOWED_THERE'
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
  /** The shared storage pools that it mounts, sorted. */
  pools: readonly string[];
}

export interface Named {
  id: string;
}

export const rules: readonly Rule[] = [
  connected,
  cordoned,
  recovering,
  location,
  excludedHosts,
  refusedBefore,
  architecture,
  mountsPool,
];
