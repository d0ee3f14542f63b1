/**
 * Hosts that are lost: they are fenced by the agents of other hosts of their sites (PROTOCOL F1, F2), and what may leave those
 * that are off is started elsewhere, at a pace (F3). What is decided is decided in `core/elsewhere`; here it is begun again and
 * again until it is done, so that nothing of it is lost with a process, a stream or a wish that could not be granted yet.
 */
import type { Logger } from 'pino';
import type { FenceResult__Output } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { Epoch, Host } from '../core/model.js';
import {
  evacuees,
  hasStopping,
  isLeft,
  isMassFailure,
  isOutage,
  lossesBySite,
  needsFence,
  paceOf,
  type SiteLosses,
} from '../core/elsewhere/evacuation.js';
import { cutText } from '../core/text.js';
import { backlogLimit, type Committed, type Engine } from '../engine.js';
import { findFencer } from './fencers.js';
import { endOf } from './leases.js';
import { Retries } from './retries.js';
import type { AgentSession } from './session.js';

/** An agent tries all the methods that it has within this; else another is asked. */
const orderMs = 180_000;
/** A fence that could not be done is tried again after the first of these, and later ever more rarely. */
const fenceAgainMs = { first: 10_000, most: 600_000 };
/** From this version of the link on agents know of withdrawals; those of before end the stream over it. */
const withdrawalVersion = 2;
/** Whether an outage of a site has ended is looked at again. */
const outageAgainMs = 5000;
/** A VM that no host can take is tried again. */
const placeAgainMs = { first: 15_000, most: 300_000 };
/** Beside two of its time-outs, what a watchdog is waited for: its driver counts in whole seconds (PROTOCOL F1). */
const watchdogMarginMs = 2000;
/** Of a lease: for so long others that fell silent together with a lost host may still be taken to be there. */
const silentPart = 0.4;
/** VMs that may leave the hosts of a site in one sweep, two of which make a second. */
const usualPace = 20;
const fastestPace = 200;
/** While a site has lost many hosts at once, one VM leaves them in this time. */
const slowMs = 10_000;
/** Hosts that are looked at in one sweep. */
const hostsPerSweep = 500;

export interface ElsewhereOptions {
  engine: Engine;
  sessions: ReadonlyMap<string, AgentSession>;
  leaseMs: number;
  /** The longest that another leader may have granted (L4). */
  longestLeaseMs: number;
  log: Logger;
  uptimeMs(): number;
  newId(): string;
  /** As it is on disk. */
  epoch(): Epoch;
}

interface Ordered {
  /** A UUID; both are empty while nobody was asked. */
  order: string;
  fencer: string;
}

export class Elsewhere {
  readonly #options: ElsewhereOptions;
  /** Hosts that are lost, fenced, or to be fenced. */
  readonly #gone = new Set<string>();
  /** Of these the ones that an order stands against, and which: few, where a hundred thousand are gone. */
  readonly #ordered = new Map<string, Ordered>();
  /**
   * Since when no lease of a lost host counts any more; later than now where an earlier leader may have granted one (L4).
   * `stateMs` tells which loss it was: what happened since the last one may not be on disk yet.
   */
  readonly #lapsed = new Map<string, { stateMs: number; atMs: number }>();
  /** When the order that stands was first seen here, by its id. */
  readonly #begunMs = new Map<string, number>();
  /** Orders that stand no more, and since when, by their ids. */
  readonly #withdrawn = new Map<string, { fencer: string; atMs: number }>();
  /** When a host's fence, and a VM's way elsewhere, is tried next. */
  readonly #fenceAgain: Retries;
  readonly #placeAgain: Retries;
  /** As it was found in the sweep that goes on; null until somebody asks. */
  #losses: ReadonlyMap<string, SiteLosses> | null = null;
  /** When a VM last left a host of a site that has lost many. */
  readonly #slowedMs = new Map<string, number>();

  constructor(options: ElsewhereOptions) {
    this.#options = options;
    this.#fenceAgain = new Retries(fenceAgainMs, options.uptimeMs);
    this.#placeAgain = new Retries(placeAgainMs, options.uptimeMs);
  }

  start(): void {
    for (const host of this.#options.engine.state.hosts.values()) {
      if (host.state === 'lost') this.#assume(host);
      this.#note(host);
    }
  }

  committed({ touched }: Committed): void {
    for (const host of touched.written.host.values()) this.#note(host);
  }

  /** An agent is there again: the orders that stand are said again, and those that do not. */
  welcomed(session: AgentSession): void {
    const { engine } = this.#options;
    this.#withdraw(session);
    for (const id of this.#ordered.keys()) {
      const { fence } = this.#host(id);
      if (fence?.state !== 'ordered' || fence.fencer !== session.host) continue;
      engine.whenDurable(engine.state.sequence, () => this.#send(session, id));
    }
  }

  /** What an agent has done about an order. */
  fenced(session: AgentSession, result: FenceResult__Output): void {
    const { engine, log } = this.#options;
    for (const id of this.#ordered.keys()) {
      const { fence } = this.#host(id);
      if (fence?.order !== result.id || fence.state !== 'ordered' || fence.fencer !== session.host) continue;
      this.#begunMs.delete(result.id);
      this.#ordered.delete(id);
      const off = result.outcome === 'FENCE_OUTCOME_OFF';
      const message = cutText(`${session.host}${said(result)}`, 300);
      log.info({ host: id, fencer: session.host, outcome: result.outcome, message }, 'a fence has ended');
      engine.run({ type: 'host.fence_end', id, order: result.id, off, message });
      if (!off) this.#fenceAgain.pause(id);
      return;
    }
  }

  /** To be called twice a second. */
  sweep(): void {
    const { engine } = this.#options;
    if (engine.backlog > backlogLimit / 2) return;
    this.#losses = null;
    const left = new Map<string, number>();
    for (const id of [...this.#gone].slice(0, hostsPerSweep)) {
      // The next sweep goes on behind it.
      this.#gone.delete(id);
      const host = this.#host(id);
      if (!isGone(host)) continue;
      this.#gone.add(id);
      if (engine.state.federation.recoveringSites.includes(host.site)) {
        // Of what was granted before its end nothing is known.
        if (host.state === 'lost') this.#assume(host);
        continue;
      }
      if (host.state !== 'fenced') {
        this.#awaitWatchdog(host);
        this.#fence(host);
      }
      if (isLeft(host)) this.#evacuate(host, left);
    }
  }

  /** The watchdog rule: the last grant, 1.01 of a lease, two time-outs and a margin (F1). */
  #awaitWatchdog(host: Host): void {
    const { engine, log, uptimeMs } = this.#options;
    if (host.state !== 'lost' || host.stopProof !== undefined || !hasStopping(engine.state, host)) return;
    const lapsedMs = this.#lapsedMs(host);
    const takesMs = 2000 * (host.watchdog?.timeoutS ?? 0) + watchdogMarginMs;
    if (uptimeMs() - lapsedMs < takesMs) return;
    if (engine.run({ type: 'host.stop_proven', id: host.id }).refusal) return;
    log.warn(
      { host: host.id },
      'its VMs that stop with the lease have stopped, or its watchdog has reset it',
    );
  }

  #fence(host: Host): void {
    const { engine, log, newId, sessions } = this.#options;
    const { id, fence } = host;
    if (fence?.state === 'ordered' && fence.order !== '') {
      this.#awaitAnswer(host, fence.order);
      return;
    }
    if (!this.#fenceAgain.isDue(id)) return;
    // The VM that waited when it was tried first may be gone since.
    if (!needsFence(engine.state, host)) return;
    if (fence === undefined && this.#mayBeOneOfMany(host)) return;
    // What an operator wanted before it, and could not be done, waits for their word as well.
    if (fence?.state !== 'ordered' && isOutage(this.#lossesOf(host))) {
      const message = `many hosts of site ${host.site} are not heard of, and none is powered off for that by itself; an operator decides: secovia host fence ${id}`;
      engine.run({ type: 'host.fence_end', id, order: '', off: false, message });
      this.#fenceAgain.pauseOnce(id, outageAgainMs);
      return;
    }
    const found = findFencer(engine.state, host, sessions);
    if (typeof found === 'string') {
      engine.run({ type: 'host.fence_end', id, order: '', off: false, message: found });
      this.#fenceAgain.pause(id);
      return;
    }
    const order = newId();
    const outcome = engine.run({ type: 'host.fence_order', id, order, fencer: found.host });
    if (outcome.refusal) return;
    // Its fencer may be welcomed in the very turn in which this becomes durable.
    this.#ordered.set(id, { order, fencer: found.host });
    log.warn({ host: id, fencer: found.host }, 'a lost host is to be powered off');
    this.#begunMs.set(order, this.#options.uptimeMs());
    engine.whenDurable(outcome.sequence, () => this.#send(found, id));
  }

  /** Leases are renewed at a third: of hosts that are cut off together the last one lapses so much later than the first (F3). */
  #mayBeOneOfMany({ lostMs = 0 }: Host): boolean {
    const { engine, leaseMs } = this.#options;
    return engine.now() - lostMs < leaseMs * silentPart;
  }

  /** One that does not answer may have died over it: another is asked. */
  #awaitAnswer({ id, fence }: Host, order: string): void {
    const { engine, uptimeMs } = this.#options;
    const begunMs = this.#begunMs.get(order);
    if (begunMs === undefined) this.#begunMs.set(order, uptimeMs());
    else if (uptimeMs() - begunMs > orderMs) {
      const message = `${fence?.fencer ?? ''} has not said within ${orderMs / 60_000} minutes what came of it`;
      engine.run({ type: 'host.fence_end', id, order, off: false, message });
      this.#begunMs.delete(order);
    }
  }

  #send(session: AgentSession, id: string): void {
    const host = this.#host(id);
    const { fence, inventory } = host;
    if (!isGone(host) || fence?.state !== 'ordered' || fence.fencer !== session.host) return;
    const epoch = this.#options.epoch();
    const controllerGuid = String(inventory?.['controllerGuid'] ?? '');
    session.send({ fenceOrder: { id: fence.order, host: `hosts/${id}`, epoch, controllerGuid } });
  }

  /** `left` counts the VMs that have left hosts of a site in this sweep. */
  #evacuate(host: Host, left: Map<string, number>): void {
    const { engine, log, leaseMs } = this.#options;
    const { id, site } = host;
    const vms = evacuees(engine.state, host).filter(({ uid }) => this.#placeAgain.isDue(uid));
    if (vms.length === 0) return;
    if (paceOf(host) === undefined && isMassFailure(this.#lossesOf(host), host.lostMs ?? 0, leaseMs)) {
      log.warn({ host: id, site }, 'many hosts of a site were lost together: their VMs restart slowly');
      engine.run({ type: 'host.slow', id });
    }
    for (const vm of vms) {
      // It has left with one that has to be where it is.
      if (vm.host !== id) continue;
      if (!this.#mayLeave(host, left)) return;
      const outcome = engine.run({ type: 'vm.evacuate', uid: vm.uid });
      if (outcome.refusal || !outcome.reply.moved) {
        this.#placeAgain.pause(vm.uid);
        continue;
      }
      this.#slowedMs.set(site, this.#options.uptimeMs());
      for (const { uid, host } of [vm, ...outcome.reply.others]) {
        this.#placeAgain.forget(uid);
        left.set(site, (left.get(site) ?? 0) + 1);
        log.info({ vm: uid, from: id, host }, 'a VM restarts elsewhere');
      }
    }
  }

  #mayLeave(host: Host, left: ReadonlyMap<string, number>): boolean {
    const { site } = host;
    const pace = paceOf(host);
    if (pace === 'slow') {
      return this.#options.uptimeMs() - (this.#slowedMs.get(site) ?? Number.NEGATIVE_INFINITY) >= slowMs;
    }
    return (left.get(site) ?? 0) < (pace === 'now' ? fastestPace : usualPace);
  }

  #note(host: Host): void {
    if (host.state !== 'lost') this.#lapsed.delete(host.id);
    else this.#lapsedMs(host);
    this.#noteOrder(host);
    if (isGone(host)) this.#gone.add(host.id);
    else if (this.#gone.delete(host.id)) this.#forget(host);
    // An operator's wish does not wait.
    if (host.fence?.state === 'ordered' && host.fence.order === '') this.#fenceAgain.forget(host.id);
    if (paceOf(host) === 'now') this.#letGo(host);
  }

  /** An order that stands no more is withdrawn: its fencer may be about to power off a host that is well again. */
  #noteOrder(host: Host): void {
    const { id, fence } = host;
    const before = this.#ordered.get(id);
    const stands = isGone(host) && fence?.state === 'ordered';
    const now = stands ? { order: fence.order, fencer: fence.fencer ?? '' } : null;
    if (now === null) this.#ordered.delete(id);
    else this.#ordered.set(id, now);
    if (before === undefined || before.order === '' || before.order === now?.order) return;
    this.#begunMs.delete(before.order);
    this.#withdrawn.set(before.order, { fencer: before.fencer, atMs: this.#options.uptimeMs() });
    const session = this.#options.sessions.get(before.fencer);
    if (session !== undefined) this.#withdraw(session);
  }

  /** Says to a fencer which orders stand no more; again to one that comes back, until it would not carry them out by itself. */
  #withdraw(session: AgentSession): void {
    for (const [id, { fencer, atMs }] of this.#withdrawn) {
      if (this.#options.uptimeMs() - atMs > orderMs) this.#withdrawn.delete(id);
      else if (fencer === session.host && session.version >= withdrawalVersion)
        session.send({ fenceWithdrawal: { id, epoch: this.#options.epoch() } });
    }
  }

  /** Of one that was lost since this was asked last: now. */
  #lapsedMs({ id, stateMs }: Host): number {
    const noted = this.#lapsed.get(id);
    if (noted?.stateMs === stateMs) return noted.atMs;
    const atMs = this.#options.uptimeMs();
    this.#lapsed.set(id, { stateMs, atMs });
    return atMs;
  }

  /** Another leader may have granted it the longest lease that there is until now. */
  #assume({ id, stateMs }: Host): void {
    const { longestLeaseMs, uptimeMs } = this.#options;
    this.#lapsed.set(id, { stateMs, atMs: endOf(longestLeaseMs, uptimeMs()) });
  }

  #forget(host: Host): void {
    this.#fenceAgain.forget(host.id);
    this.#letGo(host);
  }

  /** What its VMs waited for is no reason any more. */
  #letGo({ id }: Host): void {
    for (const { uid } of this.#options.engine.state.vmsOfHost(id)) this.#placeAgain.forget(uid);
  }

  #lossesOf({ site }: Host): SiteLosses {
    this.#losses ??= lossesBySite(this.#options.engine.state);
    return this.#losses.get(site) ?? { all: 0, unheard: 0, lostMs: [] };
  }

  #host(id: string): Host {
    return this.#options.engine.state.hosts.get(id) as Host;
  }
}

function isGone({ state, fence }: Host): boolean {
  return state === 'lost' || state === 'fenced' || (state === 'suspect' && fence?.state === 'ordered');
}

function said({ outcome, method, message }: FenceResult__Output): string {
  const by = method === '' ? '' : ` by ${method}`;
  const words: Partial<Record<FenceResult__Output['outcome'], string>> = {
    FENCE_OUTCOME_OFF: ' has read it back as off',
    FENCE_OUTCOME_UNMATCHED: ' has found another management controller than the host said it has',
  };
  return `${words[outcome] ?? ' could not do it'}${by}${message === '' ? '' : `: ${message}`}`;
}
