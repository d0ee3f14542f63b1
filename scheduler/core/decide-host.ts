/** Decisions about hosts: what their agents say of the machine, leases that end, and operators' words. */
import type { Change } from './changes.js';
import type { CommandOf, HostReport } from './commands.js';
import type { Decision } from './decide.js';
import { hostRefusal, revokedOnRetiring, shownChange } from './decide-enrolment.js';
import { decideObservation } from './decide-observation.js';
import { mayUsePools, unmountedChanges } from './decide-pool.js';
import { areMoving, lostWithHost } from './elsewhere/destroyed.js';
import { letRunWithAll } from './elsewhere/held-back.js';
import { isDomain } from './elsewhere/orphan-shape.js';
import { staleEtag } from './etag.js';
import { type HostEvent, nextHostState } from './lifecycle/host.js';
import type { Host, HostCapacity } from './model.js';
import { isDrained } from './moves/decide-drain.js';
import { notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';

export function helloHost(state: State, command: CommandOf<'host.hello'>, nowMs: number): Decision<Host> {
  const host = state.hosts.get(command.id);
  const rejected = rejectHello(host, command);
  if (rejected || host === undefined) return { refusal: rejected ?? notFound('host', command.id) };
  const changes: Change[] = [];
  if (host.bootIds.slice(0, -1).includes(command.bootId)) {
    // A boot that was over speaks again: two machines use one identity (PROTOCOL E4).
    changes.push(
      ...move(host, 'cloned', 'an earlier boot of this host spoke again: two machines share its identity'),
      ...withoutFence(host),
    );
    return { changes, reply: () => host };
  }
  if (command.journalBehind !== null) changes.push(...recover(state, host, command.journalBehind));
  changes.push({ type: 'host.connected', id: host.id, bootId: command.bootId });
  changes.push(...shownChange(host, command.shown, nowMs));
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
  const refusal = hostRefusal(host, command.id);
  if (refusal || host === undefined) return refusal;
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
  const changes = reportChange(host, command.report);
  // What its VMs were taken for may have been acted upon: only a new hello, which asks for everything anew, ends that.
  if (host.stopProof === undefined) {
    const next = stateByLibvirt(host, command.report);
    // Whoever speaks and is well is not to be powered off for what was.
    const isReady = next.some((change) => change.type === 'host.state' && change.state === 'ready');
    changes.push(...next, ...(isReady ? withoutFence(host) : []));
  }
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
  const drained = cordoned ? null : isDrained(host);
  if (drained) return { refusal: drained };
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

export function retireHost(state: State, command: CommandOf<'host.retire'>, nowMs: number): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const stale = staleEtag(command.etag, host.revision);
  if (stale) return { refusal: stale };
  if (host.state === 'retired') return { changes: [], reply: () => host };
  // It runs on when nobody leads that host any more.
  const mayRun = host.orphans.some(isDomain) || host.leftovers?.some((left) => left.mayRun === true);
  if (host.state !== 'fenced' && mayRun) return { refusal: hasOrphans(host) };
  const isDestroyed = command.destroyed === true;
  const lost = isDestroyed ? lostWithHost(state, host, nowMs) : [];
  if (!Array.isArray(lost)) return { refusal: lost };
  const unproven = isDestroyed ? null : mayUsePools(state, host);
  if (unproven) return { refusal: unproven };
  const vms = state.moving.withPeer(host.id).size + (isDestroyed ? 0 : state.vmCountOfHost(host.id));
  if (vms > 0) return { refusal: isDestroyed ? areMoving(host, vms) : isInUse(host, vms) };
  const why = isDestroyed ? 'it is gone for good, says an operator' : 'retired by an operator';
  return {
    changes: [
      ...lost,
      ...unmountedChanges(state, host),
      ...revokedOnRetiring(host),
      ...move(host, 'retired', why),
      ...letRunWithAll(state, host, 'retired'),
    ],
    reply: () => host,
  };
}

function isInUse({ id, state }: Host, vms: number): Refusal {
  const away =
    state === 'fenced'
      ? `if it is gone for good, with what it had: secovia host retire ${id} --destroyed`
      : 'delete or move them first';
  const message = `host "${id}" still has ${vms} VMs, or they are on their way there; ${away}`;
  return refuse('precondition', 'HOST_IN_USE', message, { vms: String(vms) });
}

function hasOrphans({ id }: Host): Refusal {
  return refuse(
    'precondition',
    'HOST_HAS_ORPHANS',
    `host "${id}" has, or may have, domains of VMs that are not its own, which would run on; adopt or remove them first, and wait until they are gone (secovia host show ${id}), or confirm that it is off (secovia host fence-confirm ${id})`,
  );
}

export function quarantineHost(state: State, command: CommandOf<'host.quarantine'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const changes = move(host, 'cloned', command.reason);
  // It may be on, whatever was proven of it.
  if (changes.length > 0) changes.push(...withoutFence(host));
  return { changes, reply: () => host };
}

function withoutFence({ id, fence }: Host): Change[] {
  return fence === undefined ? [] : [{ type: 'host.fence', id, fence: null }];
}

/** After a human has looked: it is as if its stream had just been lost, until its agent speaks again. */
export function releaseHost(state: State, command: CommandOf<'host.release'>): Decision<Host> {
  const host = state.hosts.get(command.id);
  if (host === undefined) return { refusal: notFound('host', command.id) };
  const changes = move(host, 'released', 'released from quarantine by an operator');
  // The machine that is the right one may be the one that had spoken first.
  if (changes.length > 0) changes.push({ type: 'host.boots_forgotten', id: host.id });
  return { changes, reply: () => host };
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
  const { libvirtAvailable, foreignDomains, watchdog } = report;
  const { orphans, orphanVms } = orphansAfter(host, report);
  const same =
    host.libvirtAvailable === libvirtAvailable &&
    host.foreignDomains === foreignDomains &&
    host.orphans.length === orphans.length &&
    host.orphans.every((orphan, index) => orphan === orphans[index]) &&
    JSON.stringify(host.orphanVms) === JSON.stringify(orphanVms) &&
    JSON.stringify(host.watchdog) === JSON.stringify(watchdog);
  if (same) return [];
  const facts = {
    libvirtAvailable,
    foreignDomains,
    orphans,
    ...(orphanVms === undefined ? {} : { orphanVms }),
    ...(watchdog === undefined ? {} : { watchdog }),
  };
  return [{ type: 'host.reported', id: host.id, ...facts }];
}

/**
 * A domain that was told of is not gone because an agent that has just begun, or whose libvirt is silent, does not name it: nobody
 * starts a second copy of it meanwhile (`elsewhere/second-copy.ts`).
 */
function orphansAfter(host: Host, report: HostReport): Pick<HostReport, 'orphans' | 'orphanVms'> {
  const { orphans, orphanVms, orphansIncomplete = false, libvirtAvailable } = report;
  const kept = host.orphans.filter((orphan) => isDomain(orphan) && !orphans.includes(orphan));
  if (kept.length === 0 || (libvirtAvailable && !orphansIncomplete)) {
    return orphanVms === undefined ? { orphans } : { orphans, orphanVms };
  }
  const told = new Set(orphanVms?.map(({ uid }) => uid));
  const read = (host.orphanVms ?? []).filter(
    ({ uid }) => !told.has(uid) && kept.some((orphan) => orphan.endsWith(uid)),
  );
  const all = [...read, ...(orphanVms ?? [])];
  return { orphans: [...kept, ...orphans], ...(all.length === 0 ? {} : { orphanVms: all }) };
}

/** The same inventory may give another capacity when another version of the scheduler reads it. */
function inventoryChange(host: Host, inventory: Record<string, unknown>, capacity: HostCapacity): Change[] {
  const same =
    JSON.stringify(host.inventory) === JSON.stringify(inventory) &&
    JSON.stringify(host.capacity) === JSON.stringify(capacity);
  if (same) return [];
  return [{ type: 'host.inventory', id: host.id, inventory, capacity }];
}
