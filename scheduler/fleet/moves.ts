/**
 * VMs on their way between hosts, and hosts that are drained. What is decided is decided in `core/moves`; here it is begun
 * again and again until it is done, a few VMs at a time, and what takes too long is given up.
 */
import type { Logger } from 'pino';
import { boundTogether } from '../core/elsewhere/together.js';
import type { Host, MoveMode, MovePhase, Vm } from '../core/model.js';
import { cannotGoLive, isThere } from '../core/moves/obstacles.js';
import { byImportance } from '../core/priority.js';
import { backlogLimit, type Committed, type Engine } from '../engine.js';
import { Retries } from './retries.js';

/** VMs that leave one host at a time, and all hosts of a site. */
const mostOfHost = 2;
const mostOfSite = 10;
/** VMs that are tried in one sweep, two of which make a second. */
const triesPerSweep = 4;
/** A VM that could not leave is tried again after the first of these, and later ever more rarely. */
const againMs = { first: 15_000, most: 300_000 };
/** So often a VM was not handed over before it is stopped for it, if it may be. */
const liveAttempts = 2;
/** How long a phase of a move may take; those that are not named end by themselves. */
const phaseMs: Partial<Record<MovePhase, number>> = { getting_ready: 60_000, handing_over: 1_800_000 };

export interface MovesOptions {
  engine: Engine;
  log: Logger;
  uptimeMs(): number;
  newId(): string;
}

export class Moves {
  readonly #options: MovesOptions;
  readonly #drained = new Set<string>();
  /** When a VM that moves came into its phase, as far as was seen here. */
  readonly #phases = new Map<string, { phase: MovePhase; sinceMs: number }>();
  readonly #again: Retries;
  /** How often each VM of a drained host that was tried was to be handed over while it runs. */
  readonly #liveAttempts = new Map<string, number>();
  /** Drained hosts whose deadline has passed. */
  readonly #late = new Set<string>();

  constructor(options: MovesOptions) {
    this.#options = options;
    this.#again = new Retries(againMs, options.uptimeMs);
  }

  start(): void {
    for (const host of this.#options.engine.state.hosts.values()) this.#note(host);
  }

  committed({ touched }: Committed): void {
    for (const host of touched.written.host.values()) this.#note(host);
  }

  /** To be called twice a second. */
  sweep(): void {
    const { engine } = this.#options;
    if (engine.backlog > backlogLimit / 2) return;
    const bySite = new Map<string, number>();
    for (const vm of [...engine.state.moving.vms]) {
      const site = engine.state.hosts.get(vm.host ?? '')?.site ?? '';
      // What waits for a host that is gone takes nobody's turn.
      if (isThere(engine.state, vm.host ?? '')) bySite.set(site, (bySite.get(site) ?? 0) + 1);
      this.#attend(vm);
    }
    for (const uid of this.#phases.keys()) {
      if (engine.state.vms.get(uid)?.move === undefined) this.#phases.delete(uid);
    }
    let tries = triesPerSweep;
    for (const id of [...this.#drained]) {
      if (tries <= 0) break;
      // The next sweep goes on behind it.
      this.#drained.delete(id);
      this.#drained.add(id);
      tries -= this.#drain(id, bySite, tries);
    }
    for (const uid of this.#liveAttempts.keys()) {
      const host = engine.state.vms.get(uid)?.host ?? '';
      if (!this.#drained.has(host)) this.#forget(uid);
    }
  }

  #attend(vm: Vm): void {
    const { engine, log, uptimeMs } = this.#options;
    const { uid, move } = vm;
    if (move === undefined) return;
    const seen = this.#phases.get(uid);
    if (seen?.phase !== move.phase) this.#phases.set(uid, { phase: move.phase, sinceMs: uptimeMs() });
    else {
      const limitMs = phaseMs[move.phase] ?? Number.POSITIVE_INFINITY;
      if (uptimeMs() - seen.sinceMs > limitMs) {
        const message = `${move.peer} has not had it within ${limitMs / 60_000} min`;
        log.warn({ vm: uid, host: vm.host, peer: move.peer, phase: move.phase }, 'a move takes too long');
        engine.run({ type: 'vm.move_give_up', uid, message });
        return;
      }
    }
    engine.run({ type: 'vm.move_settle', uid });
  }

  /** How many of its VMs it has tried to move, each of which may take a look at all hosts. */
  #drain(id: string, bySite: Map<string, number>, most: number): number {
    const { engine } = this.#options;
    const { state } = engine;
    const host = state.hosts.get(id);
    if (host?.drain?.state !== 'active' || !isThere(state, id)) return 0;
    this.#noteDeadline(host);
    let moving = 0;
    const due: Vm[] = [];
    for (const vm of state.vmsOfHost(id)) {
      if (vm.move !== undefined) moving += 1;
      else if (this.#again.isDue(vm.uid)) due.push(vm);
    }
    due.sort(byImportance);
    let tried = 0;
    for (const vm of due) {
      if (tried === most || moving >= mostOfHost || (bySite.get(host.site) ?? 0) >= mostOfSite) break;
      // It has left with one that has to be where it is.
      if (vm.move !== undefined) continue;
      tried += 1;
      const left = this.#begin(host, vm);
      moving += left;
      bySite.set(host.site, (bySite.get(host.site) ?? 0) + left);
    }
    return tried;
  }

  /** From its deadline on more may be done to its VMs, and that does not wait. */
  #noteDeadline({ id, drain }: Host): void {
    const isLate = this.#options.engine.now() >= (drain?.deadlineMs ?? Infinity);
    if (!isLate) this.#late.delete(id);
    else if (!this.#late.has(id)) {
      this.#late.add(id);
      this.#tryAtOnce(id);
    }
  }

  /** How many VMs are on their way now: it and those that have to be where it is, or none. */
  #begin(host: Host, vm: Vm): number {
    const { engine, newId } = this.#options;
    const { uid } = vm;
    const live = this.#liveAttempts.get(uid) ?? 0;
    // It is tried again when it is still there then.
    this.#again.pause(uid);
    this.#liveAttempts.set(uid, live);
    const mayStop = vm.policy.onDrain !== 'live_only' || this.#late.has(host.id);
    const modes: MoveMode[] = [];
    if (!mayStop || (live < liveAttempts && cannotGoLive(engine.state, vm) === null)) modes.push('live');
    if (mayStop) modes.push('cold');
    for (const mode of modes) {
      const isLast = mode === modes.at(-1);
      const operations = boundTogether(engine.state, vm, host).map(() => newId());
      const outcome = engine.run({ type: 'vm.drain', uid, mode, isLast, operations });
      if (outcome.refusal || !outcome.reply.moved) continue;
      const { others } = outcome.reply;
      for (const other of others) this.#again.pause(other.uid);
      for (const one of [vm, ...others]) this.#leaves(host, one);
      return 1 + others.length;
    }
    return 0;
  }

  #leaves({ id }: Host, { uid, move }: Vm): void {
    this.#options.log.info(
      { vm: uid, from: id, peer: move?.peer, mode: move?.mode },
      'a VM leaves a drained host',
    );
    if (move?.mode === 'live') this.#liveAttempts.set(uid, (this.#liveAttempts.get(uid) ?? 0) + 1);
  }

  #note({ id, drain }: Host): void {
    if (drain === undefined) {
      this.#late.delete(id);
      if (this.#drained.delete(id)) this.#tryAtOnce(id);
      return;
    }
    if (drain.state === 'active' && !this.#drained.has(id)) this.#tryAtOnce(id);
    if (drain.state === 'active') this.#drained.add(id);
    else this.#drained.delete(id);
  }

  /** A wish that is new does not wait for what was tried for an earlier one. */
  #tryAtOnce(id: string): void {
    for (const { uid } of this.#options.engine.state.vmsOfHost(id)) this.#forget(uid);
  }

  #forget(uid: string): void {
    this.#again.forget(uid);
    this.#liveAttempts.delete(uid);
  }
}
