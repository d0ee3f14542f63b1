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

export interface Rule {
  code: RuleCode;
  excludes(state: State, host: Host, request: PlacementRequest): boolean;
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
