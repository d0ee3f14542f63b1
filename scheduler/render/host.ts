/** A host as a message: what was decided about it, and when its lease ends. */
import type { Host as HostMessage } from '../../proto/gen/secovia/v1/Host.js';
import type { Orphan as OrphanMessage } from '../../proto/gen/secovia/v1/Orphan.js';
import type { HostState__Output as HostStateName } from '../../proto/gen/secovia/v1/HostState.js';
import { restartsElsewhere } from '../core/elsewhere/evacuation.js';
import { etagOf } from '../core/etag.js';
import type { Host, HostState, Orphan } from '../core/model.js';
import type { State } from '../core/state.js';
import { hostCellsMessage } from './host-cells.js';
import { certificateMessage } from './certificates.js';
import { drainMessage } from './moves.js';
import { nameOf } from './names.js';
import { resourcesMessage, timestamp } from './basics.js';

export const hostStateNames: Record<HostState, HostStateName> = {
  joined: 'HOST_STATE_JOINED',
  ready: 'HOST_STATE_READY',
  suspect: 'HOST_STATE_SUSPECT',
  lost: 'HOST_STATE_LOST',
  retired: 'HOST_STATE_RETIRED',
  quarantined: 'HOST_STATE_QUARANTINED',
  fenced: 'HOST_STATE_FENCED',
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
    orphanVms: (host.orphanVms ?? []).map(orphanMessage),
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
    fence: fenceMessage(host),
    waitingVms: waitingVms(state, host),
    leftoverVms: host.leftovers?.length ?? 0,
    drain: drainMessage(state, host),
    watchdog: watchdogMessage(host),
    ...hostCellsMessage(host, state.hostTable.claimsOnCells(host.id)),
  };
}

const fenceStates = {
  ordered: 'HOST_FENCE_STATE_ORDERED',
  failed: 'HOST_FENCE_STATE_FAILED',
  off: 'HOST_FENCE_STATE_OFF',
} as const;

function fenceMessage({ fence }: Host): HostMessage['fence'] {
  if (fence === undefined) return null;
  const { state, sinceMs, fencer, attempts, message, pace } = fence;
  const slowed =
    'many hosts of its site were lost together, so its VMs restart elsewhere slowly; at once with: secovia host evacuate';
  return {
    state: fenceStates[state],
    stateTime: timestamp(sinceMs),
    fencer: fencer === null ? '' : nameOf('host', fencer),
    attempts,
    message: pace === 'slow' ? `${message}; ${slowed}` : message,
  };
}

function watchdogMessage({ watchdog, stopProof }: Host): HostMessage['watchdog'] {
  if (watchdog === undefined) return null;
  const { armed, timeoutS, problem } = watchdog;
  return {
    armed,
    timeout: { seconds: timeoutS, nanos: 0 },
    problem,
    stopProvenTime: stopProof === undefined ? null : timestamp(stopProof.sinceMs),
  };
}

function waitingVms(state: State, { id, state: stands }: Host): number {
  if (stands !== 'lost' && stands !== 'fenced') return 0;
  let waiting = 0;
  for (const vm of state.vmsOfHost(id)) if (restartsElsewhere(vm)) waiting += 1;
  return waiting;
}

function orphanMessage(orphan: Orphan): OrphanMessage {
  const { uid, kind, vmName, running, size, poolPath, imageDigest, term, generation, rebootCount, problem } =
    orphan;
  return {
    uid,
    kind: kind === 'domain' ? 'ORPHAN_KIND_DOMAIN' : 'ORPHAN_KIND_DISK',
    vmName,
    running,
    resources: resourcesMessage({ ...size, vms: 0 }, orphan.extras),
    hugepageSizeKib: orphan.hugepageKib ?? 0,
    numaCells: orphan.numaCells ?? [],
    dedicatedCpus: orphan.numa?.dedicatedCpus ?? false,
    storagePoolPath: poolPath,
    imageDigest,
    term,
    generation,
    rebootCount,
    problem,
  };
}
