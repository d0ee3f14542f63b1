/**
 * The whole agent without its hands: ledger, converger and link put together, synchronous and deterministic. What
 * happens comes in as calls with the time, what is to be done goes out as data. The daemon (shell.ts) gives it
 * hands on a real host; a simulator can run a thousand of them.
 */
import type { Desired__Output } from '../proto/gen/secovia/v1/Desired.js';
import type { HostInventory } from '../proto/gen/secovia/v1/HostInventory.js';
import type { LinkRequest } from '../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../proto/gen/secovia/v1/LinkResponse.js';
import type { FenceTarget } from '../proto/gen/secovia/v1/FenceTarget.js';
import type { Report } from '../proto/gen/secovia/v1/Report.js';
import { Converger, type ConvergerOutput, type Instant } from './converge/converger.js';
import { readDesired } from './converge/desired.js';
import type { EffectResult } from './converge/effects.js';
import { type Checkpoint, contradicts, isNewerCheckpoint } from './converge/epoch.js';
import type { Ledger } from './converge/ledger.js';
import { FenceDesk, type FenceResult } from './fencing/desk.js';
import type { FenceOrder, FenceVerdict } from './fencing/fence.js';
import type { FenceMethod, FenceTargets } from './fencing/method.js';
import type { FenceTargetState } from './fencing/target-watch.js';
import type { HypervisorEvent, DomainSummary } from './hypervisor/hypervisor.js';
import { LinkMachine, type LinkOutput, type LinkStatus } from './link/link-machine.js';
import {
  checkpointMessage,
  epochMessage,
  fenceResultMessage,
  fenceTargetMessage,
  observationMessage,
  orphanMessage,
  protocolVersion,
  readFenceOrder,
} from './link/wire.js';
import { type FoundVolume, type OrphanAccount, Orphans } from './orphans.js';
import { Troubles } from './status/troubles.js';
import { type GuardOutput, type HeldLease, LeaseGuard } from './watchdog/guard.js';

export interface AgentIdentity {
  /** The last part of `hosts/{host}`. */
  host: string;
  machineId: string;
  bootId: string;
  /** A UUID of this process. */
  instance: string;
}

/** What the operating system measures, for people. */
export interface HostMetrics {
  memoryUsedMib: number;
  cpuPercent: number;
  diskAvailableMib: number;
}

export interface CoreOptions {
  identity: AgentIdentity;
  ledger: Ledger;
  /** Uniform in [0, 1). */
  random(): number;
  /** Where shared pools may be. */
  poolDirectories: readonly string[];
  /** Whom this host can power off. */
  fencing: FenceTargets;
  /** Whether the federation's key signed it (E2). */
  verifyCheckpoint(checkpoint: Checkpoint): boolean;
  /** Seconds from the last pet of the host's watchdog to its reset; null where none is used. */
  watchdogTimeoutS?: number | null;
  /** The lease that an earlier process of this boot was granted. */
  heldLease?: HeldLease | null;
  /** An earlier process of this boot has armed the watchdog, and what it had written down of VMs is lost. */
  inheritsWatchdog?: boolean;
}

/** Outputs of the link that the core does not deal with itself, and those of the converger. */
export type CoreOutput =
  | Extract<LinkOutput, { kind: 'connect' | 'disconnect' | 'send' | 'linked' | 'unlinked' | 'reportDue' }>
  | Extract<ConvergerOutput, { kind: 'perform' | 'cancel' }>
  | { kind: 'fence'; order: FenceOrder; methods: readonly FenceMethod[] }
  /** For the next process of this boot, and for the thread that pets the watchdog. */
  | { kind: 'lease'; held: HeldLease }
  /** To be answered with `watchdogArmed` or `watchdogFailed`. */
  | GuardOutput
  | { kind: 'trouble'; message: string };

/** No host runs as many; whoever sends more is no scheduler, and must not fill the memory. */
const mostVms = 10_000;

export class AgentCore {
  readonly ledger: Ledger;
  readonly converger: Converger;
  readonly troubles = new Troubles();
  readonly fences: FenceDesk;
  readonly #orphans: Orphans;
  readonly guard: LeaseGuard;
  readonly #options: CoreOptions;
  readonly #link: LinkMachine;
  /** VMs that the scheduler has mentioned since Welcome. */
  #mentioned = new Set<string>();
  /** It starts nothing any more. */
  #leaves = false;
  #libvirtAvailable = false;
  #libvirtError = 'not connected yet';
  #metrics: HostMetrics = { memoryUsedMib: 0, cpuPercent: 0, diskAvailableMib: 0 };
  #inventory: HostInventory | null = null;
  /** Of each host that this one can fence; also as they are reported, and as text. */
  #fences: { states: FenceTargetState[]; messages: FenceTarget[]; text: string } = {
    states: [],
    messages: [],
    text: '',
  };
  /** Of the last report that was made of them. */
  #lastFacts: readonly unknown[] = [];
  /** What is told of orphans, as of these versions. */
  #orphanFacts = { orphans: -1, ledger: -1, facts: '' };
  #now: Instant;
  #outputs: CoreOutput[] = [];

  constructor(options: CoreOptions, now: Instant) {
    this.#options = options;
    this.#now = now;
    this.ledger = options.ledger;
    this.converger = new Converger(options.ledger, now);
    this.#orphans = new Orphans(options.ledger);
    const { random } = options;
    this.fences = new FenceDesk(options.identity.host, options.fencing);
    const held = options.heldLease ?? null;
    this.guard = new LeaseGuard(options.watchdogTimeoutS ?? null, held, options.inheritsWatchdog);
    const heldUntil = held?.endsAt ?? null;
    this.#link = new LinkMachine({ highestEpoch: () => this.ledger.epoch, random, heldUntil });
    if (heldUntil === null || now.bootMs >= heldUntil) this.ledger.unconfirmStopped();
  }

  takeOutputs(): CoreOutput[] {
    this.#settle();
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  startLink(now: Instant): void {
    this.#now = now;
    this.#link.start(now.bootMs);
  }

  opened(now: Instant): void {
    this.#now = now;
    this.#link.opened(now.bootMs);
  }

  received(response: LinkResponse__Output, now: Instant): void {
    this.#now = now;
    this.#link.received(response, now.bootMs);
  }

  ended(reason: string, now: Instant, refused = false): void {
    this.#now = now;
    this.#link.ended(reason, now.bootMs, refused);
  }

  /** This host has another certificate. */
  certified(now: Instant): void {
    this.#now = now;
    this.#link.tryAgain(now.bootMs);
  }

  writable(now: Instant): void {
    this.#now = now;
    this.#link.writable();
  }

  congested(): void {
    this.#link.congested();
  }

  performed(ticket: number, result: EffectResult, now: Instant): void {
    this.#now = now;
    this.converger.performed(ticket, result, now);
  }

  progress(ticket: number, text: string, now: Instant): void {
    this.#now = now;
    this.converger.progress(ticket, text, now);
  }

  hypervisorEvent(event: HypervisorEvent, now: Instant): void {
    this.#now = now;
    switch (event.kind) {
      case 'available':
        this.#libvirtAvailable = true;
        this.#libvirtError = '';
        this.converger.available(now);
        return;
      case 'unavailable':
        if (this.#libvirtAvailable || event.error !== this.#libvirtError) {
          this.#trouble(`libvirt does not answer: ${event.error}`);
        }
        this.#libvirtAvailable = false;
        this.#libvirtError = event.error;
        this.converger.unavailable(now);
        return;
      case 'changed':
        this.converger.changed(event.uid, now);
        return;
      case 'rebooted':
        this.converger.rebooted(event.uid, now);
        return;
    }
  }

  listed(domains: DomainSummary[], now: Instant): void {
    this.#now = now;
    this.converger.listed(domains, now);
    this.#orphans.domainsListed(domains);
  }

  volumesListed(volumes: FoundVolume[]): void {
    this.#orphans.volumesListed(volumes);
  }

  /** Orphans that are to be looked at closely: those that nobody has looked at yet, or all. */
  orphansToDescribe(which: 'new' | 'all'): string[] {
    return this.#orphans.toDescribe(which);
  }

  orphanDescribed(uid: string, account: OrphanAccount): void {
    this.#orphans.described(uid, account);
  }

  measured(metrics: HostMetrics): void {
    this.#metrics = metrics;
  }

  /** A new inventory; sent when it differs from the last. */
  surveyed(inventory: HostInventory): void {
    const changed = JSON.stringify(this.#inventory) !== JSON.stringify(inventory);
    this.#inventory = inventory;
    if (changed) this.#link.report({ ...this.#report(), inventory });
  }

  /** What is known of the management controllers in the settings. */
  fenceTargetsSeen(states: FenceTargetState[], now: Instant): void {
    this.#now = now;
    const messages = states.map(fenceTargetMessage);
    this.#fences = { states, messages, text: JSON.stringify(messages) };
  }

  /** An order to fence was carried out, or could not be. */
  fenced(order: FenceOrder, verdict: FenceVerdict, now: Instant): void {
    this.#now = now;
    this.#answerFence(this.fences.done(order, verdict, now.wallMs));
  }

  watchdogArmed(now: Instant): void {
    this.#now = now;
    this.guard.armed();
  }

  watchdogFailed(problem: string, now: Instant): void {
    this.#now = now;
    this.#trouble(`the watchdog cannot be armed: ${problem}`);
    this.guard.failed(problem, now.bootMs);
  }

  tick(now: Instant): void {
    this.#now = now;
    this.converger.tick(now);
    this.#link.tick(now.bootMs);
    for (const uid of this.ledger.forget(now.wallMs)) this.converger.forget(uid);
  }

  leave(reason: string, now: Instant): void {
    this.#now = now;
    this.#leaves = true;
    this.#link.leave(reason, now.bootMs);
  }

  nextWakeAt(): number | null {
    const times = [this.converger.nextWakeAt(), this.#link.nextWakeAt(), this.guard.nextWakeAt()].filter(
      (time) => time !== null,
    );
    return times.length === 0 ? null : Math.min(...times);
  }

  linkStatus(): LinkStatus {
    return this.#link.status();
  }

  get inventory(): HostInventory | null {
    return this.#inventory;
  }

  get fenceTargets(): readonly FenceTargetState[] {
    return this.#fences.states;
  }

  get metrics(): HostMetrics {
    return this.#metrics;
  }

  orphans(): string[] {
    return this.#orphans.texts();
  }

  /** Carries outputs of one part over to the other until nothing moves any more. */
  #settle(): void {
    for (;;) {
      this.#guardLease();
      const fromConverger = this.converger.takeOutputs();
      for (const output of fromConverger) {
        if (output.kind === 'observe') {
          const { error, uid, state } = output.observation;
          if (error !== null && output.again !== true)
            this.#trouble(`VM ${uid} (${state}): ${error.message}`);
          this.#link.observe(output.observation, output.again);
        } else this.#outputs.push(output);
      }
      const fromLink = this.#link.takeOutputs();
      for (const output of fromLink) this.#linkOutput(output);
      this.#reportIfChanged();
      if (fromConverger.length === 0 && fromLink.length === 0) return;
    }
  }

  /** Brings the lease to what stops with it, and what these need to the watchdog (PROTOCOL.md L2). */
  #guardLease(): void {
    const endsAt = this.#link.leaseEndsAt;
    this.converger.leased(endsAt, this.guard.isReady, this.#now);
    if (this.guard.timeoutS === null) return;
    const needs = this.converger.guardNeeds();
    // One that it leaves armed bites soon, so it is not left so for what does not run.
    if (this.#leaves) needs.wanted = false;
    const outputs = this.guard.settle(needs, endsAt, this.#now.bootMs);
    if (outputs.length === 0) return;
    this.#outputs.push(...outputs);
    this.converger.leased(endsAt, this.guard.isReady, this.#now);
  }

  #linkOutput(output: LinkOutput): void {
    switch (output.kind) {
      case 'lease':
        this.#outputs.push({
          kind: 'lease',
          held: { endsAt: output.endsAt, watchdogS: this.guard.timeoutS ?? 0 },
        });
        return;
      case 'hello': {
        const observations = this.converger.observations();
        this.#link.greet(this.#hello(observations.map(observationMessage)), observations);
        return;
      }
      case 'epoch':
        this.ledger.raiseEpoch(output.epoch);
        return;
      case 'checkpoint':
        this.#keepCheckpoint(output.checkpoint);
        return;
      case 'desired':
        this.#desired(output.desired);
        return;
      case 'fenceOrder':
        this.#fenceOrder(readFenceOrder(output.order));
        return;
      case 'fenceWithdrawal':
        this.fences.withdraw(output.id);
        return;
      case 'synced':
        this.ledger.synced(this.#mentioned);
        this.guard.synced();
        this.#orphans.synced(this.#mentioned);
        return;
      case 'problem':
        this.#trouble(output.message);
        return;
      case 'linked':
        this.#mentioned = new Set();
        this.#orphans.linked();
        this.#lastFacts = [];
        // The scheduler may have let go of this host after its words on an earlier stream (L2). On one and the same it has not:
        // of a host of which it has taken VMs to have stopped it ends the stream, and grants nothing on it.
        if (this.converger.leaseStanding === 'ended') this.ledger.unconfirmStopped();
        this.#outputs.push(output);
        return;
      case 'reportDue':
        this.#link.report(this.#report());
        this.#outputs.push(output);
        return;
      default:
        this.#outputs.push(output);
    }
  }

  #desired(message: Desired__Output): void {
    let reading = readDesired(message, this.#options.poolDirectories);
    if (reading.ok && this.ledger.size >= mostVms && this.ledger.permit(reading.desired.uid) === undefined) {
      const { uid, term, generation } = reading.desired;
      reading = {
        ok: false,
        uid,
        term,
        generation,
        problem: `this host has ${mostVms} VMs and takes no more`,
      };
    }
    if (reading.ok) {
      this.#mentioned.add(reading.desired.uid);
      this.#orphans.claimed(reading.desired.uid);
      this.converger.desired(reading.desired, this.#now, reading.stay);
      return;
    }
    if (reading.uid !== '' && this.#mentioned.size < mostVms) this.#mentioned.add(reading.uid);
    this.#trouble(`the scheduler's word about VM ${reading.uid || '?'} is refused: ${reading.problem}`);
    if (reading.uid !== '') {
      this.converger.reject(reading.uid, reading.term, reading.generation, reading.problem, this.#now);
    }
  }

  #fenceOrder(order: FenceOrder): void {
    const ownGuid = this.#inventory?.controllerGuid ?? '';
    const ruling = this.fences.order(order, ownGuid, this.#now.wallMs);
    if (ruling.kind === 'carryOut') this.#outputs.push({ ...ruling, kind: 'fence' });
    else if (ruling.kind === 'answer') this.#answerFence(ruling.result);
    else if (ruling.kind === 'ignore') this.#trouble(ruling.problem);
  }

  #answerFence(result: FenceResult): void {
    if (result.outcome !== 'off') this.#trouble(`host ${result.host} was not fenced: ${result.message}`);
    this.#link.answerFence(fenceResultMessage(result));
  }

  /** E2. What is not signed by the federation's key, or contradicts what is kept, is not kept. */
  #keepCheckpoint(checkpoint: Checkpoint): void {
    const kept = this.ledger.checkpoint;
    if (contradicts(kept, checkpoint)) {
      this.#trouble(
        `the scheduler's journal has another past at sequence ${checkpoint.sequence} than this agent was told before`,
      );
      return;
    }
    if (!isNewerCheckpoint(kept, checkpoint)) return;
    if (!this.#options.verifyCheckpoint(checkpoint)) {
      this.#trouble(`the checkpoint at sequence ${checkpoint.sequence} is not signed by the federation`);
      return;
    }
    this.ledger.keepCheckpoint(checkpoint);
  }

  #hello(observations: ReturnType<typeof observationMessage>[]): LinkRequest {
    const { host, machineId, bootId, instance } = this.#options.identity;
    return {
      hello: {
        host: `hosts/${host}`,
        machineId,
        bootId,
        instance,
        protocolVersion,
        epoch: epochMessage(this.ledger.epoch),
        checkpoint: checkpointMessage(this.ledger.checkpoint),
        inventory: this.#inventory,
        observations,
        report: this.#report(),
      },
    };
  }

  #report(): Report {
    return {
      libvirtAvailable: this.#libvirtAvailable,
      libvirtError: this.#libvirtError,
      foreignDomains: this.converger.foreignDomains,
      ...this.#metrics,
      orphans: this.orphans(),
      orphanVms: this.#orphans.found().map(orphanMessage),
      orphansIncomplete: !this.#knowsAllOrphans,
      fenceTargets: this.#fences.messages,
      inventory: null,
      watchdog: this.guard.status,
    };
  }

  /** Facts are reported at once; what the operating system measures waits for the interval. Looked at after every step. */
  #reportIfChanged(): void {
    const watchdog = this.guard.status;
    const facts = [
      this.#libvirtAvailable,
      this.#libvirtError,
      this.converger.foreignDomains,
      this.#knowsAllOrphans,
      this.#factsOfOrphans(),
      this.#fences.text,
      watchdog?.armed,
      watchdog?.timeoutSeconds,
      watchdog?.problem,
    ];
    const last = this.#lastFacts;
    if (facts.every((fact, index) => fact === last[index])) return;
    this.#lastFacts = facts;
    this.#link.report(this.#report());
  }

  /** Whether a domain that is not told of is not there; until then what was told before may hold. */
  get #knowsAllOrphans(): boolean {
    return this.converger.isListed && this.#orphans.isSynced;
  }

  #factsOfOrphans(): string {
    const [orphans, ledger] = [this.#orphans.version, this.ledger.version];
    if (this.#orphanFacts.orphans !== orphans || this.#orphanFacts.ledger !== ledger) {
      const texts = this.orphans();
      const facts = texts.length === 0 ? '' : JSON.stringify([texts, this.#orphans.found()]);
      this.#orphanFacts = { orphans, ledger, facts };
    }
    return this.#orphanFacts.facts;
  }

  #trouble(message: string): void {
    if (this.troubles.add(message, this.#now.wallMs)) this.#outputs.push({ kind: 'trouble', message });
  }
}
