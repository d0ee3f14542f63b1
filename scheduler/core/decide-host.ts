/** Decisions about hosts: joining, what their agents say of the machine, leases that end, and operators' words. */
import { withCertificate } from './access/certificates.js';
import type { Change } from './changes.js';
import type { CommandOf, HostReport } from './commands.js';
import type { Decision } from './decide.js';
import { decideObservation } from './decide-observation.js';
import { staleEtag } from './etag.js';
import { type HostEvent, nextHostState } from './lifecycle/host.js';
import type { Host, HostCapacity } from './model.js';
import { notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';

const nothing: HostCapacity = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

export function joinHost(state: State, command: CommandOf<'host.join'>, nowMs: number): Decision<Host> {
  if (!state.sites.has(command.site)) return { refusal: notFound('site', command.site) };
  if (state.federation.recoveringSites.includes(command.site)) {
    return {
      refusal: refuse(
        'precondition',
        'SITE_RECOVERING',
        `site "${command.site}" is in recovery; no host joins`,
      ),
    };
  }
  const known = state.hosts.get(command.id);
  if (known !== undefined && known.state !== 'retired') {
    const same = known.site === command.site && known.machineId === command.machineId;
    if (same && known.rack === command.rack) return { changes: [], reply: () => known };
    return {
      refusal: refuse(
        'already_exists',
        'HOST_EXISTS',
        same
          ? `host "${command.id}" has already joined in rack "${known.rack}"; retire it before it joins anew`
          : `host "${command.id}" is already taken by another machine, on site "${known.site}"; choose another name, or retire that host first`,
        { site: known.site },
      ),
    };
  }
  const host: Host = {
    id: command.id,
    site: command.site,
    rack: command.rack,
    machineId: command.machineId,
    state: 'joined',
    stateMs: nowMs,
    stateReason: 'its agent has not connected yet',
    cordoned: false,
    capacity: nothing,
    traits: [],
    dedicatedTo: null,
    vcpuOvercommitPercent: null,
    inventory: null,
    libvirtAvailable: false,
    foreignDomains: 0,
    orphans: [],
    bootIds: [],
    connectedMs: 0,
    revision: (known?.revision ?? 0) + 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'host.joined', host }], reply: () => host };
}

export function helloHost(state: State, command: CommandOf<'host.hello'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  const rejected = rejectHello(host, command);
  if (rejected || host === undefined) return { refusal: rejected ?? notFound('host', command.id) };
  const changes: Change[] = [];
  if (host.bootIds.slice(0, -1).includes(command.bootId)) {
    // A boot that was over speaks again: two machines use one identity (PROTOCOL E4).
    changes.push(
      ...move(host, 'cloned', 'an earlier boot of this host spoke again: two machines share its identity'),
    );
    return { changes, reply: () => host };
  }
  if (command.journalBehind !== null) changes.push(...recover(state, host, command.journalBehind));
  changes.push({ type: 'host.connected', id: host.id, bootId: command.bootId });
  changes.push(...inventoryChange(host, command.inventory, command.capacity));
  changes.push(...reportChange(host, command.report));
  changes.push(...stateByLibvirt(host, command.report));
  return { changes, reply: () => host };
}

/**
 * The journal has lost what an agent has seen: it was restored, and takes a new incarnation (PROTOCOL E2). Without
 * that, checkpoints of the lost past would go on to count as the newest, and no recovery could ever be ended.
 */
function recover(state: State, host: Host, behind: { reason: string; incarnation: number }): Change[] {
  const { epoch, name, recoveringSites } = state.federation;
  const changes: Change[] = [];
  if (behind.incarnation >= epoch.incarnation) {
    const next = { incarnation: behind.incarnation + 1, counter: 1, instance: epoch.instance };
    changes.push({ type: 'federation.opened', epoch: next, name });
  }
  if (!recoveringSites.includes(host.site)) {
    changes.push({ type: 'recovery.entered', sites: [host.site], reason: behind.reason });
  }
  return changes;
}

function rejectHello(host: Host | undefined, command: CommandOf<'host.hello'>): Refusal | null {
  if (host === undefined) return notFound('host', command.id);
  if (host.state === 'retired') {
    return refuse('precondition', 'HOST_RETIRED', `host "${host.id}" was retired; join it again to use it`);
  }
  if (host.machineId !== command.machineId) {
    return refuse(
      'precondition',
      'OTHER_MACHINE',
      `host "${host.id}" joined as another machine (machine-id differs); join this one under a name of its own`,
    );
  }
  return null;
}

export function reportHost(state: State, command: CommandOf<'host.report'>): Decision<null> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const changes = [...reportChange(host, command.report), ...stateByLibvirt(host, command.report)];
  if (command.inventory !== null && command.capacity !== null) {
    changes.push(...inventoryChange(host, command.inventory, command.capacity));
  }
  return { changes, reply: () => null };
}

export function observeHost(state: State, command: CommandOf<'host.observe'>): Decision<null> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  return { changes: decideObservation(state, host, command.observation), reply: () => null };
}

export function disconnectHost(state: State, command: CommandOf<'host.disconnected'>): Decision<null> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  return { changes: move(host, 'disconnected', command.reason), reply: () => null };
}

export function lapseHost(state: State, command: CommandOf<'host.lapsed'>): Decision<null> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  return { changes: move(host, 'lapsed', command.reason), reply: () => null };
}

export function cordonHost(state: State, command: CommandOf<'host.cordon'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const { id, cordoned } = command;
  return {
    changes: host.cordoned === cordoned ? [] : [{ type: 'host.cordoned', id, cordoned }],
    reply: () => host,
  };
}

export function updateHost(state: State, command: CommandOf<'host.update'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const stale = staleEtag(command.etag, host.revision);
  if (stale) return { refusal: stale };
  const { dedicatedTo = host.dedicatedTo, vcpuOvercommitPercent = host.vcpuOvercommitPercent } = command;
  if (dedicatedTo !== null && !state.administrations.has(dedicatedTo)) {
    return { refusal: notFound('administration', dedicatedTo) };
  }
  const traits = [...(command.traits ?? host.traits)].sort();
  return {
    changes: [{ type: 'host.updated', id: host.id, traits, dedicatedTo, vcpuOvercommitPercent }],
    reply: () => host,
  };
}

export function retireHost(state: State, command: CommandOf<'host.retire'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const stale = staleEtag(command.etag, host.revision);
  if (stale) return { refusal: stale };
  if (host.state === 'retired') return { changes: [], reply: () => host };
  const vms = state.vmsOfHost(host.id).size;
  const pools = [...state.pools.values()].filter((pool) => pool.hosts.includes(host.id)).length;
  if (vms + pools > 0) {
    return {
      refusal: refuse(
        'precondition',
        'HOST_IN_USE',
        `host "${host.id}" still has ${vms} VMs and mounts ${pools} storage pools; delete or move them first`,
        { vms: String(vms), pools: String(pools) },
      ),
    };
  }
  return { changes: move(host, 'retired', 'retired by an operator'), reply: () => host };
}

export function quarantineHost(state: State, command: CommandOf<'host.quarantine'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  return { changes: move(host, 'cloned', command.reason), reply: () => host };
}

/** After a human has looked: it is as if its stream had just been lost, until its agent speaks again. */
export function releaseHost(state: State, command: CommandOf<'host.release'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  return { changes: move(host, 'released', 'released from quarantine by an operator'), reply: () => host };
}

/** Its certificates are refused from now on. What runs there runs on, and its lease is not renewed. */
export function revokeHost(state: State, command: CommandOf<'host.revoke'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  if (host.revoked) return { changes: [], reply: () => host };
  return {
    changes: [{ type: 'host.revoked', id: host.id, reason: command.reason }],
    reply: () => host,
  };
}

/** A new certificate beside those that it has. */
export function renewHost(state: State, command: CommandOf<'host.renew'>, nowMs: number): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const certificates = withCertificate(host.certificates ?? [], command.certificate, nowMs);
  const { keyHash } = command;
  return {
    changes: [{ type: 'host.certified', id: host.id, certificates, keyHash }],
    reply: () => host,
  };
}

/** The change that an event makes to a host's state, if it makes one. */
function move(host: Host, event: HostEvent, reason: string): Change[] {
  const next = nextHostState(host.state, event);
  if (next === null || (next === host.state && reason === host.stateReason)) return [];
  return [{ type: 'host.state', id: host.id, state: next, reason }];
}

function stateByLibvirt(host: Host, report: HostReport): Change[] {
  if (report.libvirtAvailable) return move(host, 'connected', '');
  return move(host, 'libvirt_lost', `libvirt does not answer: ${report.libvirtError || 'no reason given'}`);
}

function reportChange(host: Host, report: HostReport): Change[] {
  const { libvirtAvailable, foreignDomains, orphans } = report;
  const same =
    host.libvirtAvailable === libvirtAvailable &&
    host.foreignDomains === foreignDomains &&
    host.orphans.length === orphans.length &&
    host.orphans.every((orphan, index) => orphan === orphans[index]);
  if (same) return [];
  return [{ type: 'host.reported', id: host.id, libvirtAvailable, foreignDomains, orphans }];
}

/** The same inventory may give another capacity when another version of the scheduler reads it. */
function inventoryChange(host: Host, inventory: Record<string, unknown>, capacity: HostCapacity): Change[] {
  const same =
    JSON.stringify(host.inventory) === JSON.stringify(inventory) &&
    JSON.stringify(host.capacity) === JSON.stringify(capacity);
  if (same) return [];
  return [{ type: 'host.inventory', id: host.id, inventory, capacity }];
}
