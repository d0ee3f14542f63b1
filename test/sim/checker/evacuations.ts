/**
 * VMs that are started elsewhere because their host is off: those that may (F1, F4), and not all at once (F3); and hosts that are
 * powered off for it.
 */
import type { Change } from '../../../scheduler/core/changes.js';
import type { Host, Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import { leaseMs } from '../scheduler-process.js';
import type { Violate } from './violation.js';

/** Off with its host, or by the watchdog rule, which is proof of what stops with the lease alone (L2). */
export function isProvenOff(
  host: Host | undefined,
  { policy, observedGeneration, stopSince = 0 }: Vm,
): boolean {
  if (host?.state === 'fenced') return true;
  const isStopped = host?.state === 'lost' && host.stopProof !== undefined;
  return isStopped && policy.onLeaseLoss === 'stop' && observedGeneration >= stopSince;
}

type FenceChange = Extract<Change, { type: 'host.fence' }>;

/** Whether a host is to be powered off without an operator's wish. Asked before the change. */
export function isByItself({ hosts }: State, { id, fence }: FenceChange): boolean {
  const isOrder = fence?.state === 'ordered' && fence.fencer !== null;
  const before = hosts.get(id)?.fence;
  return isOrder && hosts.has(id) && before?.state !== 'ordered' && before?.wanted !== true;
}

/**
 * F3: while many hosts of a site are not heard of none is powered off by itself. Of those that are cut off together some have
 * asked for a lease up to a third of it after the others: they are missed later.
 */
export function judgeFence(
  { hosts }: State,
  { id }: FenceChange,
  silentMs: (host: string) => number,
  violate: Violate,
): void {
  const host = hosts.get(id) as Host;
  const ofSite = hostsOf(hosts, host.site);
  const unheard = ofSite.filter(({ state }) => state === 'suspect' || state === 'lost').length;
  if (isMany(unheard, ofSite))
    violate(
      'F3',
      `${id} is powered off, and ${unheard} hosts of ${ofSite.length} of its site are not heard of`,
    );
  const leastMs = Math.max(leaseMs, silentMs(id) - leaseMs / 3);
  const silent = ofSite.filter(
    (one) => one.state !== 'fenced' && one.state !== 'quarantined' && silentMs(one.id) > leastMs,
  ).length;
  if (isMany(silent, ofSite))
    violate(
      'F3',
      `${id} is powered off, and ${silent} hosts of ${ofSite.length} of its site fell silent with it`,
    );
}

export function judgeEvacuation(state: State, vm: Vm, from: string, violate: Violate): void {
  const { id, policy, spec, observedGeneration, restartSince = 0 } = vm;
  if (policy.onHostLoss !== 'restart')
    violate('F1', `VM ${id} is started on ${vm.host} because ${from} is off, and nobody has asked for that`);
  if (observedGeneration < restartSince)
    violate('F1', `VM ${id} is started on ${vm.host}, and ${from} has not heard that it may be`);
  if (spec.pool === '' && !policy.rebuildable)
    violate('F4', `VM ${id} is started on ${vm.host}, and its only disk is on ${from}`);
  const host = state.hosts.get(from);
  const proof = host?.state === 'fenced' ? host.fence : host?.stopProof;
  if (host !== undefined && isOneOfMany(state, host) && proof?.pace === undefined)
    violate('F3', `VM ${id} leaves ${from} at the pace of a single loss, and many were lost with it`);
}

/** F3: one decision a site in ten seconds, while it has lost many hosts and nobody has said that all may leave. */
export class SlowPace {
  /** When VMs last left a host of each site slowly. */
  readonly #left = new Map<string, Decided>();

  /** Another scheduler leads, which knows nothing of the pace of the one before. */
  begin(): void {
    this.#left.clear();
  }

  /** Those of one decision have to be together. The journal's time may lag on purpose, and a slow disk makes up for a pause. */
  judge({ id, site, state, fence, stopProof }: Host, at: Decided, violate: Violate): void {
    const pace = (state === 'fenced' ? fence : stopProof)?.pace;
    if (pace !== 'slow') return;
    const before = this.#left.get(site);
    this.#left.set(site, at);
    if (before === undefined || before.sequence === at.sequence) return;
    const pauseMs = Math.max(at.atMs - before.atMs, at.durableMs - before.durableMs);
    if (pauseMs < leastPauseMs)
      violate('F3', `VMs leave ${id} ${Math.round(pauseMs)} ms after others, and site ${site} has lost many`);
  }
}

/** A decision: its time, and the true time at which it was durable. */
interface Decided {
  sequence: number;
  atMs: number;
  durableMs: number;
}

/** Ten seconds by a clock that is half a percent wrong. */
const leastPauseMs = 9_900;

/** Three hosts of a site, and a fifth of them. */
function isMany(count: number, ofSite: readonly Host[]): boolean {
  return count >= 3 && count * 5 >= ofSite.length;
}

/** So many that were lost within one lease, it among them. */
function isOneOfMany({ hosts }: State, { site, lostMs }: Host): boolean {
  if (lostMs === undefined) return false;
  const ofSite = hostsOf(hosts, site);
  const losses = ofSite.flatMap((host) => host.lostMs ?? []);
  return losses.some((first) => {
    const together = losses.filter((at) => at >= first && at <= first + leaseMs).length;
    const isAmong = lostMs >= first && lostMs <= first + leaseMs;
    return isAmong && isMany(together, ofSite);
  });
}

/** The hosts of a site, but those that never were or are no more. */
function hostsOf(hosts: State['hosts'], id: string): Host[] {
  return [...hosts.values()].filter(
    ({ site, state }) => site === id && state !== 'retired' && state !== 'joined',
  );
}
