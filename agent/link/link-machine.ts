/**
 * The agent's one stream to the scheduler, as a state machine without I/O: when to connect, what to say and in
 * what order, whom to obey. The adapter (grpc-transport.ts) moves messages; a simulator can stand in for it.
 *
 * The guests never depend on this stream: whatever happens here, they run on.
 */
import type { Desired__Output } from '../../proto/gen/secovia/v1/Desired.js';
import type { FenceOrder__Output } from '../../proto/gen/secovia/v1/FenceOrder.js';
import type { FenceResult } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Rejected__Output } from '../../proto/gen/secovia/v1/Rejected.js';
import type { Report } from '../../proto/gen/secovia/v1/Report.js';
import type { Welcome__Output } from '../../proto/gen/secovia/v1/Welcome.js';
import { type Checkpoint, type Epoch, judgeEpoch } from '../converge/epoch.js';
import type { VmObservation } from '../converge/observation.js';
import { oneLine } from '../converge/one-line.js';
import { Lease } from './lease.js';
import { Outbox } from './outbox.js';
import { observationMessage, protocolVersion, readCheckpoint, readEpoch } from './wire.js';

export type LinkOutput =
  | { kind: 'connect' }
  | { kind: 'disconnect'; reason: string }
  | { kind: 'send'; request: LinkRequest }
  /** The stream is open: compose a Hello, and hand it to `greet`. */
  | { kind: 'hello' }
  | { kind: 'linked' }
  | { kind: 'unlinked'; reason: string }
  | { kind: 'epoch'; epoch: Epoch }
  | { kind: 'checkpoint'; checkpoint: Checkpoint }
  | { kind: 'desired'; desired: Desired__Output }
  | { kind: 'synced' }
  /** The lease ends then, on the clock of `now`. */
  | { kind: 'lease'; endsAt: number }
  | { kind: 'fenceOrder'; order: FenceOrder__Output }
  | { kind: 'fenceWithdrawal'; id: string }
  | { kind: 'reportDue' }
  | { kind: 'problem'; message: string };

export type LinkState = 'idle' | 'waiting' | 'connecting' | 'greeting' | 'linked' | 'rejected' | 'left';

export interface LinkStatus {
  state: LinkState;
  /** When the state began, on the clock of `now`. */
  since: number;
  leaseExpiresAt: number | null;
  leaseGrantedAt: number | null;
  /** Why it is not linked, in words; empty when it is. */
  reason: string;
  waiting: number;
}

export interface LinkOptions {
  /** The highest epoch that the ledger holds. */
  highestEpoch(): Epoch | null;
  /** Uniform in [0, 1). */
  random(): number;
  /** The end of the lease that an earlier process of this boot was granted. */
  heldUntil?: number | null;
}

/** Longer than the transport tries. */
const connectTimeoutMs = 22_000;
const welcomeTimeoutMs = 10_000;
const backoff = { quickMs: 200, firstMs: 500, longestMs: 30_000, rejectedMs: 60_000 };
/** A link that held this long was a good one: the next loss is followed by a quick try again. */
const steadyAfterMs = 10_000;
const shortestSilenceMs = 15_000;
/** What the scheduler may make of the intervals: beyond it a lost connection would not be noticed. */
const longestIntervalMs = 600_000;
const longestReason = 500;

export class LinkMachine {
  readonly #options: LinkOptions;
  readonly #outbox = new Outbox();
  readonly #lease: Lease;
  #state: LinkState = 'idle';
  #since = 0;
  #reason = 'not connected yet';
  #wakeAt: number | null = null;
  #attempts = 0;
  #writable = false;
  #welcome: Welcome__Output | null = null;
  #nextLeaseAt = 0;
  #nextReportAt = 0;
  #heardAt = 0;
  #outputs: LinkOutput[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#lease = new Lease(options.heldUntil ?? null);
  }

  takeOutputs(): LinkOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  start(now: number): void {
    if (this.#state === 'idle') this.#connect(now);
  }

  /** The transport has a stream that takes messages. */
  opened(now: number): void {
    if (this.#state !== 'connecting') return;
    this.#writable = true;
    this.#enter('greeting', now, 'waiting for the scheduler to answer');
    this.#wakeAt = now + welcomeTimeoutMs;
    this.#out({ kind: 'hello' });
  }

  /** Sends the Hello that carries these observations. */
  greet(hello: LinkRequest, observations: VmObservation[]): void {
    if (this.#state !== 'greeting') return;
    this.#outbox.greeted(observations);
    this.#lease.forgetAsked();
    this.#out({ kind: 'send', request: hello });
  }

  received(response: LinkResponse__Output, now: number): void {
    if (this.#state !== 'greeting' && this.#state !== 'linked') return;
    this.#heardAt = now;
    if (response.message === 'rejected' && response.rejected) {
      this.#rejected(response.rejected, now);
      return;
    }
    if (this.#state === 'greeting') {
      if (response.message !== 'welcome' || !response.welcome) {
        this.#drop(`the scheduler sent ${response.message} before Welcome`, now);
        return;
      }
      this.#welcomed(response.welcome, now);
      return;
    }
    this.#obey(response, now);
    this.#flush();
  }

  /** The stream is over; one that was refused is not tried again soon. */
  ended(why: string, now: number, refused = false): void {
    const reason = oneLine(why, longestReason);
    if (this.#state !== 'connecting' && this.#state !== 'greeting' && this.#state !== 'linked') return;
    if (!refused) this.#retry(reason, now);
    else {
      this.#out({ kind: 'problem', message: `the scheduler refuses this agent: ${reason}` });
      this.#refused(reason, now);
    }
  }

  /** There is something new to show: whoever waits to try again does it now. */
  tryAgain(now: number): void {
    if (this.#state === 'waiting' || this.#state === 'rejected') this.#connect(now);
  }

  writable(): void {
    this.#writable = true;
    this.#flush();
  }

  /** The transport's buffer is full: nothing is sent until it is writable again. */
  congested(): void {
    this.#writable = false;
  }

  observe(observation: VmObservation, again = false): void {
    if (this.#state !== 'linked' && this.#state !== 'greeting') return;
    this.#outbox.addObservation(observation, again);
    this.#flush();
  }

  report(report: Report): void {
    if (this.#state !== 'linked') return;
    this.#outbox.addReport(report);
    this.#flush();
  }

  /** Sent when there is a stream, now or later. */
  answerFence(result: FenceResult): void {
    this.#outbox.addFenceResult(result);
    this.#flush();
  }

  /** Says goodbye and stays away; the guests run on. */
  leave(reason: string, now: number): void {
    if (this.#state === 'linked') this.#out({ kind: 'send', request: { goodbye: { reason } } });
    if (this.#state !== 'idle' && this.#state !== 'waiting') this.#out({ kind: 'disconnect', reason });
    this.#enter('left', now, reason);
    this.#wakeAt = null;
  }

  tick(now: number): void {
    const due = this.nextWakeAt();
    if (due === null || now < due) return;
    switch (this.#state) {
      case 'waiting':
      case 'rejected':
        this.#connect(now);
        return;
      case 'connecting':
        this.#drop('the scheduler cannot be reached in time', now);
        return;
      case 'greeting':
        this.#drop('the scheduler did not answer Hello in time', now);
        return;
      case 'linked':
        this.#linkedTick(now);
        return;
      case 'idle':
      case 'left':
        return;
    }
  }

  nextWakeAt(): number | null {
    if (this.#state !== 'linked') return this.#wakeAt;
    return Math.min(this.#nextLeaseAt, this.#nextReportAt, this.#heardAt + this.#longestSilenceMs());
  }

  /** On the clock of `now`; null when no lease was ever held in this boot. */
  get leaseEndsAt(): number | null {
    return this.#lease.expiresAt;
  }

  status(): LinkStatus {
    return {
      state: this.#state,
      since: this.#since,
      leaseExpiresAt: this.#lease.expiresAt,
      leaseGrantedAt: this.#lease.grantedAt,
      reason: this.#reason,
      waiting: this.#outbox.size,
    };
  }

  #out(output: LinkOutput): void {
    this.#outputs.push(output);
  }

  #enter(state: LinkState, now: number, reason: string): void {
    if (this.#state === 'linked' && state !== 'linked') this.#out({ kind: 'unlinked', reason });
    this.#state = state;
    this.#since = now;
    this.#reason = reason;
  }

  #connect(now: number): void {
    this.#writable = false;
    this.#enter('connecting', now, this.#reason);
    this.#wakeAt = now + connectTimeoutMs;
    this.#out({ kind: 'connect' });
  }

  #drop(reason: string, now: number): void {
    this.#out({ kind: 'disconnect', reason });
    this.#retry(reason, now);
  }

  #retry(reason: string, now: number): void {
    if (this.#state === 'linked' && now - this.#since >= steadyAfterMs) this.#attempts = 0;
    this.#enter('waiting', now, reason);
    const longest = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(this.#attempts - 1, 10));
    const pause =
      this.#attempts === 0
        ? this.#options.random() * backoff.quickMs
        : longest * (0.5 + this.#options.random() / 2);
    this.#attempts++;
    this.#wakeAt = now + pause;
  }

  #rejected(rejected: Rejected__Output, now: number): void {
    const reason = oneLine(`${rejected.reason}: ${rejected.message}`, longestReason);
    this.#out({ kind: 'problem', message: `the scheduler rejects this agent: ${reason}` });
    if (rejected.retryable) {
      this.#drop(reason, now);
      return;
    }
    this.#out({ kind: 'disconnect', reason });
    this.#refused(reason, now);
  }

  #refused(reason: string, now: number): void {
    this.#enter('rejected', now, reason);
    this.#wakeAt = now + backoff.rejectedMs * (0.9 + this.#options.random() / 5);
  }

  /** E1. Returns false when whoever speaks must not be obeyed. */
  #mayObey(epoch: Epoch | null, what: string): boolean {
    if (epoch === null) {
      this.#out({ kind: 'problem', message: `${what} came without an epoch and is ignored` });
      return false;
    }
    const verdict = judgeEpoch(this.#options.highestEpoch(), epoch);
    if (verdict === 'newer') this.#out({ kind: 'epoch', epoch });
    if (verdict === 'same' || verdict === 'newer') return true;
    const numbers = `${epoch.incarnation}.${epoch.counter}`;
    const why =
      verdict === 'older'
        ? `is of epoch ${numbers}, older than one that was seen before`
        : `is of epoch ${numbers}, which another scheduler process has used: its database may be a copy`;
    this.#out({ kind: 'problem', message: `${what} ${why}; it is ignored` });
    return false;
  }

  #welcomed(welcome: Welcome__Output, now: number): void {
    if (Math.abs(welcome.protocolVersion - protocolVersion) > 1) {
      const theirs = welcome.protocolVersion;
      this.#drop(`the scheduler speaks version ${theirs} of the link, this agent ${protocolVersion}`, now);
      return;
    }
    if (!this.#mayObey(readEpoch(welcome.epoch), 'the scheduler')) {
      this.#drop('the scheduler is not the one in charge any more', now);
      return;
    }
    this.#welcome = welcome;
    this.#keepCheckpoint(welcome.checkpoint);
    this.#enter('linked', now, '');
    this.#nextLeaseAt = now;
    this.#nextReportAt = now + this.#reportIntervalMs();
    this.#out({ kind: 'linked' });
    this.#linkedTick(now);
    this.#flush();
  }

  #obey(response: LinkResponse__Output, now: number): void {
    switch (response.message) {
      case 'desired':
        if (response.desired) this.#desired(response.desired);
        return;
      case 'desiredSet':
        for (const desired of response.desiredSet?.desired ?? []) this.#desired(desired);
        return;
      case 'desiredSynced':
        if (this.#mayObey(readEpoch(response.desiredSynced?.epoch ?? null), 'the end of the desired set')) {
          this.#out({ kind: 'synced' });
        }
        return;
      case 'fenceOrder': {
        const { fenceOrder: order } = response;
        if (!order) return;
        const what = `the order to fence ${oneLine(order.host, 80)}`;
        if (this.#mayObey(readEpoch(order.epoch), what)) this.#out({ kind: 'fenceOrder', order });
        return;
      }
      case 'fenceWithdrawal': {
        const { id = '', epoch = null } = response.fenceWithdrawal ?? {};
        if (this.#mayObey(readEpoch(epoch), 'the withdrawal of an order to fence'))
          this.#out({ kind: 'fenceWithdrawal', id });
        return;
      }
      case 'leaseGrant': {
        const { leaseGrant } = response;
        if (!leaseGrant || !this.#mayObey(readEpoch(leaseGrant.epoch), 'a lease')) return;
        const isAnswer = this.#lease.granted(leaseGrant.id, leaseGrant.leaseMs, now);
        const endsAt = this.#lease.expiresAt;
        if (isAnswer && endsAt !== null) this.#out({ kind: 'lease', endsAt });
        this.#keepCheckpoint(leaseGrant.checkpoint);
        return;
      }
      case 'leaseWithheld':
        // That it speaks is all there is to hear.
        return;
      case undefined:
        // Something of a later version, which this one does without.
        return;
      default:
        this.#drop(`the scheduler sent ${response.message} out of turn`, now);
    }
  }

  #desired(desired: Desired__Output): void {
    if (this.#mayObey(readEpoch(desired.epoch), `the word about VM ${oneLine(desired.uid, 36)}`)) {
      this.#out({ kind: 'desired', desired });
    }
  }

  #keepCheckpoint(message: Welcome__Output['checkpoint']): void {
    const checkpoint = readCheckpoint(message);
    if (checkpoint !== null) this.#out({ kind: 'checkpoint', checkpoint });
  }

  #linkedTick(now: number): void {
    if (now - this.#heardAt >= this.#longestSilenceMs()) {
      this.#drop('the scheduler has not said anything for too long', now);
      return;
    }
    if (now >= this.#nextLeaseAt) {
      this.#nextLeaseAt = now + this.#leaseIntervalMs();
      const leaseRequest = { id: this.#lease.ask(now), heldMs: this.#lease.heldMs(now) };
      this.#out({ kind: 'send', request: { leaseRequest } });
    }
    if (now >= this.#nextReportAt) {
      this.#nextReportAt = now + this.#reportIntervalMs();
      this.#out({ kind: 'reportDue' });
    }
  }

  #flush(): void {
    if (this.#state !== 'linked') return;
    while (this.#writable) {
      const next = this.#outbox.take();
      if (next === null) return;
      const request: LinkRequest =
        'observation' in next ? { observation: observationMessage(next.observation) } : next;
      this.#out({ kind: 'send', request });
    }
  }

  #leaseIntervalMs(): number {
    return Math.min(longestIntervalMs, Math.max(200, this.#welcome?.leaseIntervalMs ?? 0));
  }

  #reportIntervalMs(): number {
    return Math.min(longestIntervalMs, Math.max(1_000, this.#welcome?.reportIntervalMs ?? 0));
  }

  #longestSilenceMs(): number {
    return Math.max(shortestSilenceMs, 3 * this.#leaseIntervalMs());
  }
}
