/**
 * An agent's process on a simulated machine: the real core (ledger, converger, link) with simulated hands, as `shell.ts`
 * has real ones. Throwing it away is a crash.
 */
import type { Checkpoint__Output } from '../../proto/gen/secovia/v1/Checkpoint.js';
import type { Effect, EffectResult } from '../../agent/converge/effects.js';
import type { Epoch } from '../../agent/converge/epoch.js';
import { Ledger } from '../../agent/converge/ledger.js';
import { AgentCore, type CoreOutput } from '../../agent/core.js';
import type { LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { FenceOrder, FenceVerdict } from '../../agent/fencing/fence.js';
import type { HypervisorEvent } from '../../agent/hypervisor/hypervisor.js';
import type { LinkStream, StreamListener } from '../../agent/link/transport.js';
import type { HeldLease } from '../../agent/watchdog/guard.js';
import { verifyCheckpoint } from './checkpoint-key.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import { StateWriter } from './state-file.js';
import { Life, type Timeline } from './timeline.js';

const intervals = {
  /** Three times the agent's own: libvirt's events tell of nearly everything. */
  listMs: 15_000,
  volumesMs: 120_000,
  checkpointMs: 60_000,
};
/** As the agent has it: it looks first, so that the scheduler does not hear "unknown" of every VM. */
const firstLookMs = 2_000;
const shortestTimerMs = 5;

export interface AgentParts {
  machine: Machine;
  timeline: Timeline;
  random: Random;
  connect(agent: Life, listener: StreamListener): LinkStream & { vanish(): void };
  /** It asks for something. */
  onEffect(effect: Effect): void;
  /** It has done something that somebody of this epoch has said. */
  onObeyed(agent: AgentProcess, what: string, epoch: Epoch): void;
  /** It has obeyed a word that showed this checkpoint of the journal. */
  onShown(agent: AgentProcess, checkpoint: Checkpoint__Output): void;
  /** The answer to what it has asked for has been taken in. */
  onAnswered(agent: AgentProcess, effect: Effect, result: EffectResult): void;
  onLeased(endsAt: number): void;
  /** It is to power a host off. */
  onFence(order: FenceOrder, stands: () => boolean, answered: (verdict: FenceVerdict) => void): void;
}

/** Before any time passes. One that goes beyond hangs, and nobody would ever hear of it. */
const mostRounds = 10_000;

export class AgentProcess {
  readonly life: Life;
  readonly core: AgentCore;
  /** Since when it knows which VMs are its own; null for one whose file was lost, until the scheduler has said so. */
  knowsSinceMs: number | null;
  readonly #parts: AgentParts;
  readonly #writer: StateWriter;
  readonly #cancels = new Map<number, () => void>();
  #stream: (LinkStream & { vanish(): void }) | null = null;
  #settling = false;
  #alarmMs = Number.POSITIVE_INFINITY;
  #available = false;
  /** The order to fence that it has begun to carry out last. */
  #fencing: string | null = null;
  /** Images that were fetched. */
  readonly #images: Set<string>;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { machine, timeline, random } = parts;
    this.life = new Life(timeline);
    const { host, machineId, bootId } = machine;
    const content = machine.stateFile.read();
    const ledger = new Ledger(bootId, content);
    this.knowsSinceMs = content === undefined ? null : timeline.nowMs;
    this.core = new AgentCore(
      {
        identity: { host, machineId, bootId, instance: random.uuid() },
        ledger,
        random: () => random.unit(),
        poolDirectories: ['/srv'],
        fencing: Object.fromEntries([...machine.neighbours().keys()].map((id) => [id, [fenceMethod]])),
        verifyCheckpoint,
        watchdogTimeoutS: machine.watchdogTimeoutS,
        inheritsWatchdog: content === undefined && machine.watchdog.isArmed,
        heldLease: machine.leaseFile?.bootId === bootId ? machine.leaseFile.held : null,
      },
      machine.clock.now(),
    );
    this.#writer = new StateWriter(machine.stateFile, ledger, this.life, random);
    this.#images = machine.images;
    this.core.surveyed(machine.inventory());
    this.core.fenceTargetsSeen(
      [...machine.neighbours()].map(([id, guid]) => ({
        host: id,
        methods: ['fence_sim'],
        guid,
        problem: '',
      })),
      machine.clock.now(),
    );
    if (machine.libvirt.isUp && !machine.libvirt.isHung) {
      this.life.after(random.whole(20, 200), () => this.tell({ kind: 'available' }));
    }
    this.life.every(intervals.listMs, () => this.#list());
    this.life.every(intervals.volumesMs, () =>
      this.#do(() => this.core.volumesListed(machine.fake.listVolumes())),
    );
    this.life.every(intervals.checkpointMs, () => this.#writeLedger());
    this.#firstContact(timeline.nowMs + firstLookMs);
  }

  /** libvirt says something. */
  tell(event: HypervisorEvent): void {
    if (event.kind === 'available') {
      this.#available = true;
      this.#list();
    } else if (event.kind === 'unavailable') this.#available = false;
    else if (!this.#available) return;
    this.#do(() => this.core.hypervisorEvent(event, this.#now()));
  }

  /** Killed: the kernel ends its connection. */
  kill(): void {
    this.#writer.crash();
    this.life.end();
    this.#stream?.close();
  }

  /** Its machine is gone. */
  vanish(): void {
    this.#writer.crash();
    this.life.end();
    this.#stream?.vanish();
  }

  /** A planned stop; `ended` is called when it is over. */
  leave(ended: () => void): void {
    this.#do(() => this.core.leave('the agent is stopping', this.#now()));
    const end = () => {
      this.life.end();
      this.#stream?.close();
      ended();
    };
    if (this.#writer.behind) this.#writer.persist(this.core.ledger.version, end);
    else this.life.after(1, end);
  }

  #now() {
    return this.#parts.machine.clock.now();
  }

  #do(work: () => void): void {
    work();
    this.#settle();
  }

  #firstContact(untilMs: number): void {
    const { timeline } = this.#parts;
    const known = this.core.converger.observations().every(({ state }) => state !== 'unknown');
    if (timeline.nowMs >= untilMs || (this.#available && known)) {
      this.#do(() => this.core.startLink(this.#now()));
    } else this.life.after(50, () => this.#firstContact(untilMs));
  }

  #list(): void {
    const { libvirt, fake } = this.#parts.machine;
    if (this.#available && libvirt.isUp && !libvirt.isHung) {
      this.#do(() => this.core.listed(fake.list(), this.#now()));
    }
  }

  #settle(): void {
    if (this.#settling || !this.life.alive) return;
    this.#settling = true;
    let rounds = 0;
    for (let outputs = this.core.takeOutputs(); outputs.length > 0; outputs = this.core.takeOutputs()) {
      for (const output of outputs) this.#carryOut(output);
      rounds += 1;
      if (rounds > mostRounds)
        throw new Error(`the agent has done ${mostRounds} things at once, and goes on`);
    }
    this.#settling = false;
    this.#setAlarm();
  }

  #setAlarm(): void {
    const wakeAt = this.core.nextWakeAt();
    if (wakeAt === null) return;
    const { timeline, machine } = this.#parts;
    const atMs = timeline.nowMs + Math.max(shortestTimerMs, machine.clock.until(wakeAt));
    if (atMs >= this.#alarmMs) return;
    this.#alarmMs = atMs;
    timeline.at(atMs, this.life, () => {
      if (this.#alarmMs !== atMs) return;
      this.#alarmMs = Number.POSITIVE_INFINITY;
      this.#do(() => this.core.tick(this.#now()));
    });
  }

  #carryOut(output: CoreOutput): void {
    switch (output.kind) {
      case 'perform':
        this.#perform(output);
        return;
      case 'cancel':
        this.#cancels.get(output.ticket)?.();
        return;
      case 'connect':
        this.#connect();
        return;
      case 'disconnect':
        this.#stream?.close();
        this.#stream = null;
        return;
      case 'send':
        this.#stream?.send(output.request);
        return;
      case 'linked':
        this.#writeLedger();
        return;
      case 'lease':
        this.#keepLease(output.held);
        return;
      case 'armWatchdog': {
        const { timeoutS, leaseEndsAt } = output;
        this.#parts.machine.watchdog.arm(timeoutS, leaseEndsAt + timeoutS * 1000);
        this.core.watchdogArmed(this.#now());
        return;
      }
      case 'releaseWatchdog':
        this.#parts.machine.watchdog.release();
        return;
      case 'fence':
        this.#fencing = output.order.id;
        this.#parts.onFence(
          output.order,
          () => this.core.fences.stands(output.order),
          (verdict) => {
            if (this.life.alive) this.#do(() => this.core.fenced(output.order, verdict, this.#now()));
          },
        );
        return;
      default:
        return;
    }
  }

  #perform({ ticket, effect }: Extract<CoreOutput, { kind: 'perform' }>): void {
    const { machine, random, onEffect, onAnswered } = this.#parts;
    onEffect(effect);
    const answered = (result: EffectResult) => {
      this.core.performed(ticket, result, this.#now());
      this.#settle();
      onAnswered(this, effect, result);
    };
    let isOver = false;
    const end = (result: EffectResult) => {
      if (isOver) return;
      isOver = true;
      this.#cancels.delete(ticket);
      answered(result);
    };
    const callOff = () =>
      this.life.after(1, () => end({ ok: false, fault: { kind: 'cancelled', message: 'called off' } }));
    if (effect.kind === 'persist') {
      this.#cancels.set(ticket, callOff);
      this.#writer.persist(effect.version, (written) => {
        end(written ? done : { ok: false, fault: { kind: 'noSpace', message: 'the disk is full' } });
      });
    } else if (effect.kind === 'fetchImage') {
      const { image } = effect;
      const takesMs = this.#images.has(image.sha256) ? 5 : random.delay(500, 4000);
      this.#cancels.set(ticket, callOff);
      this.life.after(takesMs, () => {
        this.#images.add(image.sha256);
        end({ ok: true, value: { path: `/images/${image.sha256}`, virtualSizeMib: image.virtualSizeMib } });
      });
    } else {
      if (effect.kind === 'migrate') {
        this.#cancels.set(ticket, () => {
          if (machine.libvirt.isUp && !machine.libvirt.isHung) machine.fake.abortMigration(effect.uid);
        });
      }
      machine.libvirt.perform(effect, this.life, (result) => {
        this.#cancels.delete(ticket);
        answered(result);
      });
    }
  }

  #connect(): void {
    this.#stream?.close();
    const tell = (work: () => void) => {
      if (this.life.alive && this.#stream === stream) this.#do(work);
    };
    const stream = this.#parts.connect(this.life, {
      opened: () => tell(() => this.core.opened(this.#now())),
      received: (response) => tell(() => this.#receive(response)),
      writable: () => tell(() => this.core.writable(this.#now())),
      ended: (reason, refused) => tell(() => this.core.ended(reason, this.#now(), refused)),
    });
    this.#stream = stream;
  }

  #receive(response: LinkResponse__Output): void {
    const words = response.desired ? [response.desired] : (response.desiredSet?.desired ?? []);
    const { ledger } = this.core;
    const before = words.map(({ uid }) => ledger.permit(uid));
    const { state, leaseGrantedAt, leaseExpiresAt } = this.core.linkStatus();
    this.#fencing = null;
    this.core.received(response, this.#now());
    if (response.desiredSynced) this.knowsSinceMs ??= this.#parts.timeline.nowMs;
    const obeys = (what: string, epoch: Epoch | null | undefined) => {
      if (epoch) this.#parts.onObeyed(this, what, epoch);
    };
    const { welcome, leaseGrant } = response;
    const after = this.core.linkStatus();
    const isWelcomed = state !== 'linked' && after.state === 'linked';
    const isGranted = after.leaseGrantedAt !== leaseGrantedAt || after.leaseExpiresAt !== leaseExpiresAt;
    if (isWelcomed) obeys('the Welcome', welcome?.epoch);
    if (isGranted) obeys('a lease', leaseGrant?.epoch);
    this.#settle();
    const shown = (isWelcomed && welcome?.checkpoint) || (isGranted && leaseGrant?.checkpoint);
    if (shown) this.#parts.onShown(this, shown);
    if (this.#fencing !== null && this.#fencing === response.fenceOrder?.id)
      obeys('an order to fence', response.fenceOrder.epoch);
    words.forEach(({ uid, epoch }, index) => {
      if (ledger.permit(uid) !== before[index]) obeys(`the word about VM ${uid}`, epoch);
    });
  }

  /** As the shell has it: the file is never ahead of the ledger, and tells of no longer lease. */
  #keepLease(held: HeldLease): void {
    const { machine, onLeased } = this.#parts;
    onLeased(held.endsAt);
    if (this.core.guard.isArmed) machine.watchdog.extend(held.endsAt + held.watchdogS * 1000);
    const isBehind = this.#writer.essentialsBehind;
    if (isBehind) this.#writeLedger();
    const isBeyond = (machine.leaseFile?.held.endsAt ?? 0) > held.endsAt;
    if (!isBehind || isBeyond) machine.leaseFile = { bootId: machine.bootId, held };
  }

  #writeLedger(): void {
    if (this.#writer.behind) this.#writer.persist(this.core.ledger.version, () => {});
  }
}

const fenceMethod = { program: 'fence_sim', options: {}, timeoutSeconds: 60 };

const done: EffectResult = { ok: true, value: null };
