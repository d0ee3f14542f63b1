/** A host as a message: what was decided about it, and when its lease ends. */
import type { Host as HostMessage } from '../../proto/gen/secovia/v1/Host.js';
import type { HostState__Output as HostStateName } from '../../proto/gen/secovia/v1/HostState.js';
import { etagOf } from '../core/etag.js';
import type { Host, HostState } from '../core/model.js';
import type { State } from '../core/state.js';
import { hostCellsMessage } from './host-cells.js';
import { certificateMessage } from './certificates.js';
import { nameOf } from './names.js';
import { resourcesMessage, timestamp } from './basics.js';

export const hostStateNames: Record<HostState, HostStateName> = {
  joined: 'HOST_STATE_JOINED',
  ready: 'HOST_STATE_READY',
  suspect: 'HOST_STATE_SUSPECT',
  lost: 'HOST_STATE_LOST',
  retired: 'HOST_STATE_RETIRED',
  quarantined: 'HOST_STATE_QUARANTINED',
};

/** When the lease of a host ends, in milliseconds since 1970; 0 when it has none. Leases are not in the state. */
export type LeaseReader = (host: string) => number;

export function hostMessage(state: State, host: Host, leaseEndMs: LeaseReader): HostMessage {
  return {
    name: nameOf('host', host.id),
    site: nameOf('site', host.site),
    rack: host.rack,
    state: hostStateNames[host.state],
    stateTime: timestamp(host.stateMs),
    stateReason: host.stateReason,
    cordoned: host.cordoned,
    capacity: resourcesMessage(state.hostTable.capacity(host), host.capacity.extras),
    claimed: resourcesMessage(state.hostTable.claimed(host.id), state.hostTable.claimedExtras(host.id)),
    inventory: host.inventory,
    foreignDomains: host.foreignDomains,
    orphans: host.orphans,
    connectTime: timestamp(host.connectedMs),
    leaseExpireTime: timestamp(leaseEndMs(host.id)),
    etag: etagOf(host.revision),
    createTime: timestamp(host.createdMs),
    updateTime: timestamp(host.updatedMs),
    traits: host.traits,
    dedicatedTo: host.dedicatedTo === null ? '' : nameOf('administration', host.dedicatedTo),
    vcpuOvercommitPercent: host.vcpuOvercommitPercent ?? 0,
    certificates: (host.certificates ?? []).map(certificateMessage),
    revoked: host.revoked ?? false,
    ...hostCellsMessage(host, state.hostTable.claimsOnCells(host.id)),
  };
}
