/**
 * One host in memory for the converger's tests: a fake hypervisor, a disk that keeps what was persisted, a clock
 * that jumps, and effects that are performed one by one, in whatever order a test likes. The agent can be killed
 * between any two of them. Every rule of PROTOCOL.md that a single host can break is watched all the time.
 */
import { Converger, type Instant } from '../../agent/converge/converger.js';
import type { StaySeen, VmDesired } from '../../agent/converge/desired.js';
import type { Effect, EffectResult, Fault } from '../../agent/converge/effects.js';
import { Ledger, type LedgerContent } from '../../agent/converge/ledger.js';
import type { VmObservation } from '../../agent/converge/observation.js';
import { type FakeMoveEnd, isSaidToHaveGone } from '../../agent/hypervisor/fake/fake-move.js';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';

interface Pending {
  ticket: number;
  uid: string;
  effect: Effect;
  cancelled: boolean;
}

const emptyDisk = (): LedgerContent => ({ epoch: null, checkpoint: null, permits: [] });

export class World {
  readonly host = new FakeHost();
  disk: LedgerContent = emptyDisk();
  /** Changes when the machine is booted. */
  boots = 1;
  ledger = new Ledger('boot 1');
  converger: Converger;
  pending: Pending[] = [];
  observations = new Map<string, VmObservation>();
  bootMs = 1_000;
  /** `define uid term`, `start uid term`, in order: the attempts, whether or not they worked. */
  attempts: string[] = [];
  /** What must never happen and did. */
  violations: string[] = [];
  /** Effects that fail, by kind; consumed one at a time. */
  faults = new Map<Effect['kind'], Fault[]>();
  imageSizeMib = 10;
  restarts = 0;
  /** Hand-overs that were begun and of which nobody has said yet how they end (`FakeHost.slowMoves`). */
  readonly #moving = new Map<string, Pending>();
  /** VMs of which the scheduler has spoken since the machine was booted. */
  readonly #heard = new Set<string>();
  /** VMs that another host has now, on a disk that this one sees too. */
  readonly elsewhere = new Set<string>();
  /** VMs that ran, with the term they ran under: gone later, they must never be made again under it (O2). */
  readonly ran = new Set<string>();

  constructor() {
    this.converger = this.#boot();
  }

  get now(): Instant {
    return { bootMs: this.bootMs, wallMs: 1_700_000_000_000 + this.bootMs };
  }

  /** The agent's process dies; what is on disk and what runs stay. */
  crash(): void {
    this.restarts++;
    this.converger = this.#boot();
  }

  /** The agent begins anew on this machine: what it had written down is lost. */
  loseFile(): void {
    this.disk = emptyDisk();
    this.crash();
  }

  desired(desired: VmDesired, stay?: StaySeen): string {
    const acceptance = this.converger.desired(desired, this.now, stay);
    if (acceptance !== 'stale') this.#heard.add(desired.uid);
    this.#collect();
    return acceptance;
  }

  /** The machine loses its power and is switched on again; libvirt itself starts what is foreign. */
  reboot(): void {
    this.host.onEvent = () => undefined;
    for (const { uid, power, ours } of this.host.list()) {
      if (ours && power.kind !== 'off') this.host.powerOff(uid, 'unknown');
    }
    this.boots++;
    this.#heard.clear();
    this.crash();
  }

  fail(kind: Effect['kind'], fault: Fault, times = 1): void {
    this.faults.set(kind, [...(this.faults.get(kind) ?? []), ...Array<Fault>(times).fill(fault)]);
  }

  /** Performs the effect at this place of the queue. With `lose` the agent dies before it hears the answer. */
  perform(index = 0, lose = false): void {
    const [next] = this.pending.splice(index % Math.max(1, this.pending.length), 1);
    if (next === undefined) return;
    if (next.effect.kind === 'migrate' && this.host.slowMoves && !next.cancelled) {
      this.#begin(next, next.effect);
      if (lose) this.crash();
      return;
    }
    const result = this.#run(next);
    if (lose) {
      this.crash();
      return;
    }
    this.converger.performed(next.ticket, result, this.now);
    this.#collect();
  }

  /** A hand-over that goes on ends; its agent hears of it, if it is the one that began it. */
  endMove(uid: string, how: FakeMoveEnd): void {
    this.host.endMove(uid, how);
    const waiting = this.#moving.get(uid);
    if (waiting === undefined) return;
    this.#moving.delete(uid);
    const fault: Fault = { kind: waiting.cancelled ? 'cancelled' : 'failed', message: 'the wire broke' };
    const result: EffectResult = isSaidToHaveGone(how) ? { ok: true, value: null } : { ok: false, fault };
    this.converger.performed(waiting.ticket, result, this.now);
    this.#collect();
  }

  advance(ms: number): void {
    this.bootMs += ms;
    this.converger.tick(this.now);
    this.#collect();
  }

  /** The full list of domains, as the shell polls it. */
  poll(): void {
    this.converger.listed(this.host.list(), this.now);
    this.#collect();
  }

  goAway(): void {
    this.converger.unavailable(this.now);
    this.#collect();
  }

  comeBack(): void {
    this.converger.available(this.now);
    this.#collect();
  }

  /** Performs everything, and lets time pass, until nothing happens any more or `ms` have passed. */
  settle(ms = 300_000): void {
    const until = this.bootMs + ms;
    for (let steps = 0; steps < 20_000; steps++) {
      if (this.pending.length > 0) {
        this.perform();
        continue;
      }
      const wakeAt = this.converger.nextWakeAt();
      if (wakeAt === null || wakeAt > until) return;
      this.advance(Math.max(1, wakeAt - this.bootMs));
    }
    throw new Error('the world does not come to rest');
  }

  /** Whether the hand-over that goes on was called off. */
  isCalledOff(uid: string): boolean {
    return this.#moving.get(uid)?.cancelled ?? false;
  }

  state(uid: string): string {
    return this.observations.get(uid)?.state ?? 'unseen';
  }

  #boot(): Converger {
    this.pending = [];
    this.#moving.clear();
    this.ledger = new Ledger(`boot ${this.boots}`, structuredClone(this.disk));
    const converger = new Converger(this.ledger, this.now);
    this.converger = converger;
    this.host.onEvent = (event) => {
      if (event.kind === 'changed') converger.changed(event.uid, this.now);
      if (event.kind === 'rebooted') converger.rebooted(event.uid, this.now);
      this.#collect();
    };
    converger.available(this.now);
    converger.listed(this.host.list(), this.now);
    this.#collect();
    return converger;
  }

  #collect(): void {
    for (const output of this.converger.takeOutputs()) {
      if (output.kind === 'observe') this.observations.set(output.observation.uid, output.observation);
      else if (output.kind === 'perform') {
        this.#judge(output.effect);
        this.pending.push({ ...output, cancelled: false });
      } else {
        const pending = this.pending.find(({ ticket }) => ticket === output.ticket);
        if (pending !== undefined) pending.cancelled = true;
        this.#callOff(output.ticket);
      }
    }
    const busy = this.pending.map(({ uid }) => uid);
    if (new Set(busy).size !== busy.length) this.violations.push('two operations for one VM at a time');
  }

  #begin(pending: Pending, { uid, peerUri }: Extract<Effect, { kind: 'migrate' }>): void {
    try {
      this.attempts.push(`migrate ${uid} ${peerUri}`);
      this.host.migrate(uid, peerUri);
      this.#moving.set(uid, pending);
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      const fault: Fault = { kind: error.fault, message: error.message };
      this.converger.performed(pending.ticket, { ok: false, fault }, this.now);
      this.#collect();
    }
  }

  /** Whoever plays the hypervisor ends it; `endMove` says how. */
  #callOff(ticket: number): void {
    for (const moving of this.#moving.values()) if (moving.ticket === ticket) moving.cancelled = true;
  }

  #run({ effect, cancelled }: Pending): EffectResult {
    if (cancelled) return { ok: false, fault: { kind: 'cancelled', message: 'called off' } };
    this.#watch(effect);
    const [fault, ...later] = this.faults.get(effect.kind) ?? [];
    if (fault !== undefined) {
      this.faults.set(effect.kind, later);
      return { ok: false, fault };
    }
    try {
      return { ok: true, value: this.#act(effect) };
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      return { ok: false, fault: { kind: error.fault, message: error.message } };
    }
  }

  #act(effect: Effect) {
    const { host } = this;
    switch (effect.kind) {
      case 'persist':
        this.disk = structuredClone(this.ledger.content());
        return null;
      case 'inspect':
        return host.inspect(effect.uid);
      case 'fetchImage':
        return { path: `/images/${effect.image.sha256}`, virtualSizeMib: this.imageSizeMib };
      case 'volumeExists':
        return host.volumeExists(effect.volume);
      case 'createVolume':
        host.createVolume(effect.request);
        return null;
      case 'growVolume':
        return host.growVolume(effect.volume, effect.sizeMib);
      case 'addVcpus':
        host.addVcpus(effect.uid, effect.vcpus);
        return null;
      case 'trashVolume':
        host.trashVolume(effect.volume, this.now.wallMs);
        return null;
      case 'removeVolume':
        host.removeVolume(effect.volume);
        return null;
      case 'define':
        host.define(effect.blueprint);
        return null;
      case 'record':
        host.record(effect.uid, effect.metadata);
        return null;
      case 'start':
        host.start(effect.uid);
        this.ran.add(`${effect.uid} ${effect.term}`);
        return null;
      case 'expect':
        return host.volumeExists(effect.volume);
      case 'leaving':
        return host.leaving(effect.uid);
      case 'migrate':
        host.migrate(effect.uid, effect.peerUri);
        return null;
      default:
        host[effect.kind](effect.uid);
        return null;
    }
  }

  /** O2: what is on disk at the moment when the converger decides to touch a domain. */
  #judge(effect: Effect): void {
    const permitOnDisk = (uid: string) => this.disk.permits.find((permit) => permit.uid === uid);
    const target = targetOf(effect);
    if (target !== null) {
      const permit = permitOnDisk(target);
      const off = (this.host.inspect(target)?.power.kind ?? 'off') === 'off';
      const unheard = permit?.confirmedBootId !== `boot ${this.boots}` || !this.#heard.has(target);
      if (off && permit?.desired.restartsElsewhere === true && unheard) {
        this.violations.push(`${effect.kind} of ${target}, of which nothing was heard since the boot`);
      }
      if (this.elsewhere.has(target)) this.violations.push(`${effect.kind} of ${target}, which is elsewhere`);
    }
    const metadata =
      effect.kind === 'define'
        ? effect.blueprint.metadata
        : effect.kind === 'record'
          ? effect.metadata
          : null;
    if (metadata !== null && metadata.generation > (permitOnDisk(metadata.uid)?.desired.generation ?? 0)) {
      this.violations.push(`${effect.kind} of a generation that is not on disk`);
    }
    if (effect.kind === 'define') {
      const { uid, metadata } = effect.blueprint;
      const permit = permitOnDisk(uid);
      const exists = this.host.inspect(uid) !== null;
      if (permit?.term !== metadata.term) this.violations.push(`defined ${uid} without a permit on disk`);
      else if (!exists && this.ran.has(`${uid} ${metadata.term}`)) {
        this.violations.push(`made ${uid} again under term ${metadata.term}`);
      } else if (!exists && permit.phase !== 'defining') {
        this.violations.push(`first defined ${uid} while the disk says ${permit.phase}`);
      }
    }
    if (effect.kind === 'migrate') {
      const { handover, desired, term } = permitOnDisk(effect.uid) ?? {};
      const isNoted = handover?.term === term && handover?.peerUri === effect.peerUri;
      if (!isNoted || desired?.role !== 'send') {
        this.violations.push(`handed ${effect.uid} over, and the disk does not say so`);
      }
    }
    if (effect.kind === 'start') {
      const permit = permitOnDisk(effect.uid);
      if (permit?.phase !== 'defined')
        this.violations.push(`started ${effect.uid} in phase ${permit?.phase}`);
    }
  }

  /** What is attempted, and that it is attempted on nothing that is not ours (O1). */
  #watch(effect: Effect): void {
    if (effect.kind === 'define') {
      this.attempts.push(`define ${effect.blueprint.uid} ${effect.blueprint.metadata.term}`);
    }
    if (effect.kind === 'start') {
      this.attempts.push(`start ${effect.uid} ${effect.term}`);
    }
    if (effect.kind === 'migrate') this.attempts.push(`migrate ${effect.uid} ${effect.peerUri}`);
    if ('uid' in effect && effect.kind !== 'inspect') {
      const domain = this.host.inspect(effect.uid);
      if (domain !== null && domain.metadata === null)
        this.violations.push(`${effect.kind} of a foreign domain`);
      const twice = effect.kind === 'start' && domain?.power.kind === 'running';
      if (twice) this.violations.push(`started ${effect.uid} twice`);
    }
  }
}

/** The VM that an effect makes, changes or starts, or whose disk it changes; null for those that only look or take away. */
function targetOf(effect: Effect): string | null {
  switch (effect.kind) {
    case 'createVolume':
      return effect.request.uid;
    case 'growVolume':
    case 'removeVolume':
      return effect.volume.uid;
    case 'define':
      return effect.blueprint.uid;
    case 'start':
      return effect.uid;
    default:
      return null;
  }
}

export const uidOf = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** A VM that should run; a test says what is special about it. */
export function wanted(change: Partial<VmDesired> = {}): VmDesired {
  return {
    uid: uidOf(1),
    role: 'run',
    generation: 1,
    term: 1,
    vmName: 'administrations/a/vms/web',
    size: { vcpus: 1, memoryMib: 128, diskMib: 1024 },
    image: {
      name: 'images/tiny',
      sha256: 'a'.repeat(64),
      format: 'qcow2',
      sizeBytes: 1000,
      virtualSizeMib: 10,
      source: 'http://127.0.0.1/tiny',
    },
    storagePoolPath: '',
    restartsAfterGuestShutdown: false,
    restartsElsewhere: false,
    stopsOnLeaseLoss: false,
    rebuildable: false,
    diskExists: false,
    rebootCount: 0,
    rebootForced: false,
    stopForced: false,
    stopGraceMs: 60_000,
    peer: '',
    peerUri: '',
    ...change,
  };
}
