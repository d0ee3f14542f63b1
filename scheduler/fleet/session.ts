/**
 * One agent's stream. What its host should hold goes out as levels: VMs that have changed are noted, and sent as
 * they are when the wire has room and what is sent is durable. A slow agent makes the scheduler remember ids, never
 * messages.
 */
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import type { LeaseGrant } from '../../proto/gen/secovia/v1/LeaseGrant.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Welcome } from '../../proto/gen/secovia/v1/Welcome.js';
import type { Shown } from '../core/access/certificates.js';
import type { HostReport } from '../core/commands.js';
import { leftoverOf } from '../core/elsewhere/leftovers.js';
import type { Epoch, Host } from '../core/model.js';
import type { Engine } from '../engine.js';
import { awaitedMessage, type DesiredOfHost, desiredMessage, leftoverMessage } from './desired.js';
import type { FenceTarget } from './fencers.js';

/** What a session needs of its stream. */
export interface LinkStream {
  /** False when the wire has no room; 'drain' says when it has again. */
  write(message: LinkResponse): boolean;
  once(event: 'drain', listener: () => void): unknown;
  end(): void;
}

/** A VM has fewer generations than this, so that term and generation make one number. */
const generationsPerTerm = 2 ** 25;

/** VMs in one message to the agent. */
const chunk = 200;

export class AgentSession {
  /** The id of the newest lease request. */
  leaseId = 0;
  /** Of the link, as its agent speaks it. */
  version = 0;
  /** What proves which host this is; null where there is no TLS. */
  shown: Shown | null = null;
  /** The hosts that its agent can power off. */
  fenceTargets: readonly FenceTarget[] = [];
  ended = false;
  readonly #dirty = new Set<string>();
  /** Term and generation last sent of each VM: what has not changed since needs no words (PROTOCOL S4). */
  readonly #sent = new Map<string, number>();
  /** Nothing is desired of an agent before its Welcome, and the first whole set comes right after it. */
  #welcomed = false;
  #pumping = false;
  #synced = false;
  /** The wire has no room. */
  #blocked = false;
  /** What waits for it to have room. */
  readonly #waiting: (() => void)[] = [];
  /** The newest grant that the wire had no room for; older ones are worth nothing. */
  #waitingGrant: LeaseGrant | null = null;

  constructor(
    readonly host: string,
    readonly bootId: string,
    readonly instance: string,
    private readonly engine: Engine,
    private readonly stream: LinkStream,
    /** The agent's newest words about its machine. */
    public report: HostReport,
  ) {}

  /** Notes a VM whose desired state the agent may have to hear. */
  mark(uid: string): void {
    this.#dirty.add(uid);
    if (this.#welcomed) this.#pump();
  }

  /** The VM is gone, and what was said of it with it: a stream lasts for months. */
  forget(uid: string): void {
    this.#sent.delete(uid);
  }

  /** Of so many VMs it is known what was said. */
  get remembered(): number {
    return this.#sent.size;
  }

  /** Welcomes the agent, sends everything of its host, and says when that is done. */
  welcome(welcome: Welcome): void {
    this.send({ welcome });
    this.#welcomed = true;
    const { state } = this.engine;
    for (const vm of state.vmsOfHost(this.host)) this.#dirty.add(vm.uid);
    for (const vm of state.moving.withPeer(this.host)) this.#dirty.add(vm.uid);
    for (const { uid } of state.hosts.get(this.host)?.leftovers ?? []) this.#dirty.add(uid);
    this.#pump();
  }

  send(message: LinkResponse): void {
    if (!this.ended) this.#put(message);
  }

  /** Sends a lease, as soon as the wire has room. */
  grant(leaseGrant: LeaseGrant): void {
    if (this.#blocked) this.#waitingGrant = leaseGrant;
    else this.send({ leaseGrant });
  }

  /** Says that there is no lease. A wire without room has other words on it, and any word shows that the scheduler is there. */
  withhold(id: number): void {
    if (!this.#blocked) this.send({ leaseWithheld: { id } });
  }

  /** Ends the stream, with a reason for the agent: it hears it when it is durable, and nothing else any more. */
  reject(reason: string, message: string, retryable: boolean): void {
    if (this.ended) return;
    this.ended = true;
    this.#waiting.length = 0;
    this.engine.whenReadable(() => {
      this.stream.write({ rejected: { reason, message, retryable } });
      this.stream.end();
    });
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#waitingGrant !== null) this.stream.write({ leaseGrant: this.#waitingGrant });
    this.#waiting.length = 0;
    this.stream.end();
  }

  /** Sends what there is to hear, a part after the other: each when it is durable, and when the wire has room. */
  #pump(): void {
    if (this.#pumping || this.ended) return;
    this.#pumping = true;
    // Not at once: what is noted together goes together.
    this.engine.timers.soon(() => {
      const next = this.ended ? null : this.#takeNext();
      if (next === null) this.#pumping = false;
      else this.engine.whenReadable(() => this.#deliver(next.desired, next.synced ? next.epoch : null));
    });
  }

  /** `synced`: the whole set was said, under this epoch. */
  #deliver(desired: Desired[], synced: Epoch | null): void {
    if (desired.length > 0) this.#whenRoom(() => this.send({ desiredSet: { desired } }));
    if (synced !== null) this.#whenRoom(() => this.send({ desiredSynced: { epoch: synced } }));
    this.#whenRoom(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** What the agent has to hear next; `synced` when that is everything. Null when there is nothing. */
  #takeNext(): { desired: Desired[]; synced: boolean; epoch: Epoch } | null {
    const { state } = this.engine;
    const { epoch } = state.federation;
    const host = state.hosts.get(this.host);
    // In recovery nothing is started or deleted (PROTOCOL E2); what was noted is sent when it ends.
    if (host === undefined || state.federation.recoveringSites.includes(host.site)) return null;
    const desired: Desired[] = [];
    for (const uid of this.#dirty) {
      if (desired.length === chunk) return { desired, synced: false, epoch };
      this.#dirty.delete(uid);
      const message = this.#desiredOf(host, uid);
      if (message === null) {
        this.#sent.delete(uid);
        continue;
      }
      const version = message.term * generationsPerTerm + message.generation;
      if (this.#sent.get(uid) === version) continue;
      this.#sent.set(uid, version);
      desired.push(message);
    }
    const synced = !this.#synced;
    this.#synced = true;
    return desired.length > 0 || synced ? { desired, synced, epoch } : null;
  }

  /** What the host should hold of a VM: its own, one that is to arrive, or nothing of one that lives elsewhere. */
  #desiredOf(host: Host, uid: string): DesiredOfHost | null {
    const { state } = this.engine;
    const vm = state.vms.get(uid);
    if (vm?.host === this.host) return desiredMessage(state, vm);
    if (vm?.move?.peer === this.host) return awaitedMessage(state, vm, vm.move);
    const leftover = leftoverOf(host, uid);
    return leftover === undefined ? null : leftoverMessage(state, leftover);
  }

  /** In the order in which it was asked for. */
  #whenRoom(work: () => void): void {
    if (this.#waiting.length === 0 && !this.#blocked) work();
    else this.#waiting.push(work);
  }

  #put(message: LinkResponse): void {
    if (this.stream.write(message) || this.#blocked) return;
    this.#blocked = true;
    this.stream.once('drain', () => this.#unblock());
  }

  #unblock(): void {
    this.#blocked = false;
    const leaseGrant = this.#waitingGrant;
    this.#waitingGrant = null;
    if (leaseGrant !== null) this.send({ leaseGrant });
    while (!this.#blocked) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      work();
    }
  }
}
