/**
 * The agents that are connected: their sessions, their leases, and what happens when either ends. Desired states go
 * out after every commit that touched a VM; observations come in as commands.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Hello__Output } from '../../proto/gen/secovia/v1/Hello.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import type { FenceResult__Output } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import type { Shown } from '../core/access/certificates.js';
import { usualOperationLimitMs } from '../core/decide-operation.js';
import { certificateRefusal, hostRefusal } from '../core/decide-enrolment.js';
import { isLeft } from '../core/elsewhere/evacuation.js';
import { hostUri } from '../core/access/uris.js';
import type { CommandOf, CommandType, ReplyOf } from '../core/commands.js';
import type { Epoch, Host } from '../core/model.js';
import { refuse, type Refusal } from '../core/refusal.js';
import type { Committed, Engine, Outcome } from '../engine.js';
import type { Checkpoints } from './checkpoints.js';
import { Elsewhere } from './elsewhere.js';
import { fenceTargetsIn } from './fencers.js';
import { Leases } from './leases.js';
import { Moves } from './moves.js';
import { Overdue } from './overdue.js';
import { capacityIn, inventoryIn, observationIn, reportIn } from './observations.js';
import { AgentSession, type LinkStream } from './session.js';

/** The link's version that this scheduler speaks; agents one below or above are welcome. */
export const protocolVersion = 2;

/** What a planned stop grants, so that no host runs out of its lease while the scheduler is exchanged (L3). */
export const plannedStopLeaseMs = 600_000;

const linkMethod = 'secovia.v1.AgentService/Link';

const bootIdForm = /^[A-Za-z0-9-]{1,64}$/;
const reportIntervalMs = 30_000;
const sweepMs = 500;
/** Hosts that are found to be lost in one turn; each writes to the journal. */
const lapsesAtOnce = 100;

export interface FleetOptions {
  engine: Engine;
  checkpoints: Checkpoints;
  leaseMs: number;
  /** Left out means `usualOperationLimitMs`. */
  operationLimitMs?: number;
  log: Logger;
  /** Milliseconds since some moment, from a clock that nobody sets. */
  uptimeMs(): number;
  /** A UUID for an order that goes to an agent. */
  newId?(): string;
}

export class Fleet {
  readonly #engine: Engine;
  readonly #checkpoints: Checkpoints;
  readonly #leaseMs: number;
  /** That a leader may have granted (L4). */
  readonly #longestLeaseMs: number;
  readonly #log: Logger;
  readonly #uptimeMs: () => number;
  readonly #sessions = new Map<string, AgentSession>();
  readonly #leases = new Leases();
  readonly #elsewhere: Elsewhere;
  readonly #moves: Moves;
  readonly #overdue: Overdue;
  /** Hosts in quarantine, as it is on disk. */
  readonly #quarantined = new Set<string>();
  /** Sites in recovery, as it is on disk: before that its end is nobody's to act upon (PROTOCOL S1). */
  #recovering: readonly string[] = [];
  /** Of this leadership, as it is on disk: an agent that has seen a newer one would refuse whoever starts next (S1). */
  #epoch: Epoch;
  #endSweep = () => {};
  /** More leases have ended than were acted upon. */
  #lapsing = false;
  #stopped = false;

  constructor(options: FleetOptions) {
    const { engine, checkpoints, leaseMs, log, uptimeMs, newId = randomUUID } = options;
    const { operationLimitMs = usualOperationLimitMs } = options;
    this.#engine = engine;
    this.#checkpoints = checkpoints;
    this.#leaseMs = leaseMs;
    this.#log = log;
    this.#uptimeMs = uptimeMs;
    this.#epoch = engine.state.federation.epoch;
    const sessions = this.#sessions;
    const epoch = () => this.#epoch;
    const longestLeaseMs = Math.max(plannedStopLeaseMs, leaseMs);
    this.#longestLeaseMs = longestLeaseMs;
    this.#elsewhere = new Elsewhere({
      engine,
      sessions,
      leaseMs,
      longestLeaseMs,
      log,
      uptimeMs,
      newId,
      epoch,
    });
    this.#moves = new Moves({ engine, log, uptimeMs, newId });
    this.#overdue = new Overdue({ engine, log, operationLimitMs, uptimeMs });
  }

  /** Begins to lead the agents. */
  start(): void {
    const { state } = this.#engine;
    for (const host of state.hosts.values()) {
      if (host.state === 'quarantined') this.#quarantined.add(host.id);
      // One that is lost may have been granted one that the journal does not tell of: it was back, or an agent that was frozen.
      if (host.state === 'suspect' || host.state === 'quarantined' || host.state === 'lost') {
        this.#leases.assume(host.id, this.#longestLeaseMs, this.#uptimeMs());
      }
    }
    this.#recovering = state.federation.recoveringSites;
    this.#epoch = state.federation.epoch;
    this.#elsewhere.start();
    this.#moves.start();
    this.#engine.onCommitted((committed) => this.#onCommitted(committed));
    this.#endSweep = this.#engine.timers.every(sweepMs, () => {
      this.#lapse();
      this.#elsewhere.sweep();
      this.#moves.sweep();
      this.#overdue.sweep();
    });
  }

  /** A planned stop: longer leases first, then the streams end. */
  stop(): void {
    this.#endSweep();
    this.#stopped = true;
    for (const session of this.#sessions.values()) {
      const host = this.#engine.state.hosts.get(session.host);
      const mayHold = host !== undefined && !isLeft(host) && !this.#isRecovering(host);
      if (session.leaseId > 0 && mayHold) this.#grant(session, plannedStopLeaseMs);
      session.end();
    }
    this.#sessions.clear();
  }

  /** When a host's lease ends, in milliseconds since 1970 as the wall clock now has it; 0 when it has none. */
  leaseEndMs = (host: string): number => {
    const endMs = this.#leases.endMs(host);
    return endMs === 0 ? 0 : Math.round(this.#engine.now() + endMs - this.#uptimeMs());
  };

  /** Agents that are connected. */
  get connected(): number {
    return this.#sessions.size;
  }

  /** Leases that hosts hold, and of these those that end within half of their length: agents renew at a third. */
  leaseCounts(): { held: number; ending: number } {
    return this.#leases.count(this.#uptimeMs(), this.#leaseMs / 2);
  }

  /**
   * Takes an agent's stream in, or says why not. `shown` is null where there is no TLS.
   */
  hello(
    stream: LinkStream,
    host: string,
    hello: Hello__Output,
    shown: Shown | null = null,
  ): AgentSession | Refusal {
    const unproven = this.#unproven(host, shown);
    if (unproven) return unproven;
    if (Math.abs(hello.protocolVersion - protocolVersion) > 1) {
      return refuse(
        'precondition',
        'VERSION',
        `this scheduler speaks version ${protocolVersion} of the agent link, the agent ${hello.protocolVersion}; install matching versions`,
      );
    }
    if (!bootIdForm.test(hello.bootId)) {
      return refuse('invalid', 'INVALID_HELLO', 'boot_id must be 1 to 64 letters, digits and hyphens');
    }
    const inventory = hello.inventory === null ? null : inventoryIn(hello.inventory);
    if (hello.inventory === null || inventory === null) {
      return refuse('invalid', 'INVALID_HELLO', 'inventory must be there, and below 256 KiB as JSON');
    }
    const report = reportIn(hello.report);
    const outcome = this.#runBy(host, {
      type: 'host.hello',
      id: host,
      machineId: hello.machineId,
      bootId: hello.bootId,
      inventory,
      capacity: capacityIn(hello.inventory),
      report,
      shown,
      journalBehind: this.#checkpoints.journalBehind(hello.checkpoint),
    });
    if (outcome.refusal) return outcome.refusal;
    this.#noteEpoch(outcome.sequence);
    if (outcome.reply.bootIds.at(-1) !== hello.bootId) {
      return refuse(
        'precondition',
        'CLONE',
        `an earlier boot of host "${host}" spoke again: two machines share its identity; retire it and join them apart`,
      );
    }
    this.#expectLease(outcome.reply);
    const before = this.#sessions.get(host);
    const session = new AgentSession(host, hello.bootId, hello.instance, this.#engine, stream, report);
    session.version = hello.protocolVersion;
    session.shown = shown;
    session.fenceTargets = fenceTargetsIn(hello.report);
    this.#sessions.set(host, session);
    before?.reject('REPLACED', 'a newer stream of the same host took over', true);
    for (const seen of hello.observations) this.observe(session, seen);
    this.#log.info({ host, bootId: hello.bootId }, 'agent connected');
    this.#engine.whenReadable(() => this.#welcome(session));
    return session;
  }

  /** A journal that stands behind what an agent has seen goes on under a new incarnation (PROTOCOL E2). */
  #noteEpoch(sequence: number): void {
    const { epoch } = this.#engine.state.federation;
    if (epoch === this.#epoch) return;
    this.#engine.whenDurable(sequence, () => {
      this.#epoch = epoch;
    });
  }

  /** The stream has ended, for whatever reason. */
  gone(session: AgentSession, reason: string): void {
    session.end();
    if (this.#sessions.get(session.host) !== session) return;
    this.#sessions.delete(session.host);
    this.#engine.run({ type: 'host.disconnected', id: session.host, reason });
    this.#log.info({ host: session.host, reason }, 'agent gone');
  }

  observe(session: AgentSession, message: Observation__Output): void {
    const observation = observationIn(message);
    if (observation === null) {
      this.#log.warn(
        { host: session.host, state: message.state },
        'an agent says a state that is not known here',
      );
      return;
    }
    this.#runBy(session.host, { type: 'host.observe', id: session.host, observation });
  }

  report(session: AgentSession, message: Report__Output): void {
    session.report = reportIn(message);
    session.fenceTargets = fenceTargetsIn(message);
    const inventory = message.inventory === null ? null : inventoryIn(message.inventory);
    this.#runBy(session.host, {
      type: 'host.report',
      id: session.host,
      report: session.report,
      inventory,
      capacity: message.inventory === null ? null : capacityIn(message.inventory),
    });
    const host = this.#engine.state.hosts.get(session.host);
    if (host && this.#leases.endMs(host.id) === 0) this.#expectLease(host);
  }

  /** What has come of an order to power another host off. */
  fenced(session: AgentSession, result: FenceResult__Output): void {
    this.#elsewhere.fenced(session, result);
  }

  /** Whether a host's agent speaks with the scheduler now, as far as that is known. */
  isHeard = (host: string): boolean =>
    this.#sessions.has(host) && this.#leases.endMs(host) > this.#uptimeMs();

  /** `heldMs` is what the agent holds, as it counts; null from one too old to say. */
  lease(session: AgentSession, id: number, heldMs: number | null = null): void {
    const { state } = this.#engine;
    const host = state.hosts.get(session.host);
    if (host === undefined) return;
    const unproven = this.#unproven(host.id, session.shown);
    if (unproven) {
      // With a newer certificate it may come back at once.
      this.#cut(session, unproven, unproven.reason === 'CERTIFICATE_REFUSED');
      return;
    }
    if (isLeft(host)) {
      this.#cutLeft(host.id);
      return;
    }
    if (heldMs !== null && heldMs >= 0) this.#leases.held(host.id, heldMs, this.#uptimeMs());
    if (this.#isRecovering(host)) session.withhold(id);
    else {
      session.leaseId = id;
      this.#grant(session, this.#leaseMs);
    }
    // Silent until its lease had ended, and back on the same stream: an agent that was frozen. Or it was quarantined.
    const { report } = session;
    if (host.state === 'lost' || (host.state === 'suspect' && report.libvirtAvailable)) {
      this.#runBy(host.id, { type: 'host.report', id: host.id, report, inventory: null, capacity: null });
    }
  }

  /** Why a stream is not, or not any more, that of a host; null when it is. */
  #unproven(id: string, shown: Shown | null): Refusal | null {
    const { state } = this.#engine;
    const host = state.hosts.get(id);
    const refusal = hostRefusal(host, id);
    if (refusal || host === undefined || shown === null) return refusal;
    return certificateRefusal(state, host, shown, this.#engine.now());
  }

  /** Ends a stream whatever the agent does. */
  #cut(session: AgentSession, { reason, message }: Refusal, retryable: boolean): void {
    session.reject(reason, message, retryable);
    this.gone(session, message);
  }

  /** What follows from an agent's word is by that word. */
  #runBy<T extends CommandType>(host: string, command: CommandOf<T>): Outcome<ReplyOf<T>> {
    const identity = hostUri(this.#engine.state.federation.name, host);
    const actor = { identity, onBehalf: '', method: linkMethod, requestId: '' };
    return this.#engine.actingFor(actor, () => this.#engine.run(command));
  }

  #grant(session: AgentSession, leaseMs: number): void {
    const uptimeMs = this.#uptimeMs();
    this.#leases.grant(session.host, leaseMs, uptimeMs);
    session.grant({
      id: session.leaseId,
      leaseMs,
      epoch: this.#epoch,
      checkpoint: this.#checkpoints.newest(uptimeMs),
    });
  }

  /** Who is heard of holds no lease yet, but is ready; if it does not ask for one soon it is lost. */
  #expectLease(host: Host): void {
    if (!this.#isRecovering(host)) this.#leases.grant(host.id, this.#leaseMs, this.#uptimeMs());
  }

  /** Its lease ended while nothing followed from that: if nobody hears of it now, it is lost. */
  #awaitOrLose(host: Host): void {
    const isHere = host.state === 'ready' || host.state === 'suspect';
    if (isHere && this.#leases.endMs(host.id) === 0) this.#expectLease(host);
  }

  /** There are no renewals in recovery (PROTOCOL E2). */
  #isRecovering(host: Host | undefined): boolean {
    if (host === undefined) return false;
    const { recoveringSites } = this.#engine.state.federation;
    return recoveringSites.includes(host.site) || this.#recovering.includes(host.site);
  }

  #welcome(session: AgentSession): void {
    session.welcome({
      epoch: this.#epoch,
      leaseMs: this.#leaseMs,
      leaseIntervalMs: Math.floor(this.#leaseMs / 3),
      reportIntervalMs,
      protocolVersion,
      checkpoint: this.#checkpoints.newest(this.#uptimeMs()),
    });
    this.#elsewhere.welcomed(session);
  }

  #onCommitted(committed: Committed): void {
    const { touched } = committed;
    this.#elsewhere.committed(committed);
    this.#moves.committed(committed);
    for (const vm of touched.written.vm.values()) {
      if (vm.host !== null) this.#sessions.get(vm.host)?.mark(vm.uid);
      if (vm.move !== undefined) this.#sessions.get(vm.move.peer)?.mark(vm.uid);
    }
    for (const { host, uid } of touched.removed.vm.values())
      if (host !== null) this.#sessions.get(host)?.forget(uid);
    for (const host of touched.written.host.values()) {
      if (isLeft(host)) this.#cutLeft(host.id);
      if (host.state === 'quarantined') this.#quarantined.add(host.id);
      else if (this.#quarantined.delete(host.id)) {
        this.#greetReleased(host.id);
        this.#awaitOrLose(host);
      }
      for (const { uid } of host.leftovers ?? []) this.#sessions.get(host.id)?.mark(uid);
      const refusal = hostRefusal(host, host.id);
      if (refusal === null) continue;
      if (host.state === 'retired') this.#leases.forget(host.id);
      const session = this.#sessions.get(host.id);
      if (session !== undefined) this.#cut(session, refusal, false);
    }
    if (touched.written.federation.size === 0) return;
    const { recoveringSites } = this.#engine.state.federation;
    // It may be further by now than what was committed.
    this.#engine.whenReadable(() => this.#greetRecovered(recoveringSites));
  }

  /** Not all that it said meanwhile was believed, and it would not repeat that. */
  #greetReleased(id: string): void {
    const reason = 'its quarantine has ended; say hello again';
    this.#sessions.get(id)?.reject('RELEASED', reason, true);
  }

  /**
   * What its stream still brings is from before it was off, or what stops with its lease was: a lease on it would be one for
   * words that may have been overtaken (PROTOCOL L2). Its agent says hello, and is told everything anew.
   */
  #cutLeft(id: string): void {
    this.#leases.forget(id);
    const session = this.#sessions.get(id);
    if (session !== undefined)
      this.#cut(session, refuse('aborted', 'FENCED', 'the host was taken to be off; say hello again'), true);
  }

  /**
   * When recovery ends, the agents of the site say everything anew: what they saw meanwhile was not acted upon, and
   * they would not repeat it.
   */
  #greetRecovered(recovering: readonly string[]): void {
    const { state } = this.#engine;
    const ended = this.#recovering.filter((site) => !recovering.includes(site));
    this.#recovering = recovering;
    if (ended.length === 0) return;
    for (const host of state.hosts.values()) if (ended.includes(host.site)) this.#awaitOrLose(host);
    for (const [id, session] of this.#sessions) {
      if (!ended.includes(state.hosts.get(id)?.site ?? '')) continue;
      session.reject('RECOVERED', 'the recovery of its site has ended; say hello again', true);
    }
  }

  /** When all hosts fall silent at once, a few in each turn: whoever calls meanwhile is answered. */
  #lapse(): void {
    const lapsed = this.#leases.takeLapsed(this.#uptimeMs(), lapsesAtOnce);
    for (const id of lapsed) {
      this.#engine.run({
        type: 'host.lapsed',
        id,
        reason: 'its lease has ended without a word from its agent',
      });
    }
    if (lapsed.length < lapsesAtOnce || this.#lapsing) return;
    this.#lapsing = true;
    this.#engine.timers.turn(() => {
      this.#lapsing = false;
      if (!this.#stopped) this.#lapse();
    });
  }
}
