/**
 * One machine of a site: what is on its disks and what runs on it, its libvirt, its clocks, and its agent, each of which can
 * fail by itself. A clone is another machine that believes to be the same host.
 */
import { createHash } from 'node:crypto';
import type { Checkpoint__Output } from '../../proto/gen/secovia/v1/Checkpoint.js';
import type { Effect, EffectResult } from '../../agent/converge/effects.js';
import type { Epoch } from '../../agent/converge/epoch.js';
import type { FenceOrder, FenceVerdict } from '../../agent/fencing/fence.js';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import type { FakeMove, FakeMoveEnd } from '../../agent/hypervisor/fake/fake-move.js';
import type { HypervisorEvent } from '../../agent/hypervisor/hypervisor.js';
import type { LinkStatus } from '../../agent/link/link-machine.js';
import type { HeldLease } from '../../agent/watchdog/guard.js';
import type { HostInventory } from '../../proto/gen/secovia/v1/HostInventory.js';
import { AgentProcess, type AgentParts } from './agent-process.js';
import { MachineClock, mostDrift } from './clock.js';
import { Libvirt, type LibvirtParts } from './libvirt.js';
import { Path } from './network.js';
import type { Random } from './random.js';
import { StateFile } from './state-file.js';
import { Life, type Timeline } from './timeline.js';
import { SimulatedWatchdog } from './watchdog.js';

/** How its libvirt is reached from other machines. */
export const uriOf = (host: string): string => `qemu+tcp://${host}/system`;

/** How long libvirt may hang before the agent says that it is away. */
const noticedAfterMs = 20_000;
const watchdogTimeoutS = 20;

export interface MachineSize {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  vms: number;
}

export interface MachineParts {
  name: string;
  host: string;
  machineId: string;
  size: MachineSize;
  timeline: Timeline;
  random: Random;
  connect(
    machine: Machine,
    agent: Life,
    listener: Parameters<AgentParts['connect']>[1],
  ): ReturnType<AgentParts['connect']>;
  onCall(machine: Machine, call: Parameters<LibvirtParts['onCall']>[0]): void;
  /** Its agent asks for something. */
  onEffect(machine: Machine, effect: Effect): void;
  /** Its agent has done something that somebody of this epoch has said. */
  onObeyed(machine: Machine, agent: AgentProcess, what: string, epoch: Epoch): void;
  onShown(machine: Machine, agent: AgentProcess, checkpoint: Checkpoint__Output): void;
  /** Its agent has taken in the answer to what it has asked for. */
  onAnswered(machine: Machine, agent: AgentProcess, effect: Effect, result: EffectResult): void;
  /** Its state file has another content. */
  onKept(machine: Machine): void;
  /** One of its domains begins to move to another machine. */
  onMove(machine: Machine, move: FakeMove, peerUri: string, onDeath: FakeMoveEnd): void;
  /** Its libvirt is gone, or the whole machine: what moves from it or to it fails. */
  onLibvirtGone(machine: Machine): void;
  /** Its agent is told that a guest has rebooted. */
  onRebooted(machine: Machine, agent: AgentProcess, uid: string): void;
  /** Something has happened to one of its domains. */
  onDomain(machine: Machine, uid: string): void;
  /** Hosts that its agent can power off: the controllers that it reaches, by host. */
  neighbours(): ReadonlyMap<string, string>;
  /** Its agent has been granted a lease. */
  onLeased(machine: Machine, endsAt: number): void;
  /** Its watchdog resets it. */
  onBite(machine: Machine): void;
  /** Its agent is to power one off. */
  onFence(
    machine: Machine,
    order: FenceOrder,
    stands: () => boolean,
    answered: (verdict: FenceVerdict) => void,
  ): void;
}

export class Machine {
  readonly name: string;
  readonly host: string;
  readonly machineId: string;
  readonly fake = new FakeHost();
  readonly libvirt: Libvirt;
  readonly clock: MachineClock;
  readonly path = new Path();
  readonly images = new Set<string>();
  readonly stateFile = new StateFile();
  /** What its agent has written of its lease, and in which boot. */
  leaseFile: { bootId: string; held: HeldLease } | null = null;
  readonly watchdog: SimulatedWatchdog;
  /** Null for a machine that has none. */
  readonly watchdogTimeoutS: number | null;
  bootId = '';
  isOn = false;
  agent: AgentProcess | null = null;
  readonly #parts: MachineParts;
  #powered: Life;
  #starts = 0;
  #libvirtSinceMs = 0;

  constructor(parts: MachineParts) {
    const { name, host, machineId, timeline, random } = parts;
    this.#parts = parts;
    this.name = name;
    this.host = host;
    this.machineId = machineId;
    this.clock = new MachineClock(timeline, 1 + (random.unit() * 2 - 1) * mostDrift);
    this.#powered = new Life(timeline);
    this.watchdogTimeoutS = random.fork('watchdog').chance(0.6) ? watchdogTimeoutS : null;
    this.watchdog = new SimulatedWatchdog(
      this.clock,
      () => this.#powered,
      () => parts.onBite(this),
    );
    this.libvirt = new Libvirt({
      timeline,
      random: random.fork('libvirt'),
      host: this.fake,
      wallMs: () => this.clock.wallMs,
      onCall: (call) => parts.onCall(this, call),
      onMove: (move, peerUri, onDeath) => parts.onMove(this, move, peerUri, onDeath),
    });
    this.fake.slowMoves = true;
    this.stateFile.onWritten = () => parts.onKept(this);
    this.fake.onEvent = (event) => this.#event(event);
  }

  /** There is room on its disks again. */
  freeDisks(): void {
    this.libvirt.isDiskFull = false;
    this.stateFile.isFull = false;
  }

  /** Its agent's link, while it is linked over a way that is open and not slow; else null. */
  get steadyLink(): LinkStatus | null {
    const status = this.agent?.core.linkStatus();
    return status?.state === 'linked' && this.path.isOpen && this.path.slowMs === 0 ? status : null;
  }

  /** For how long its libvirt and an agent that knows what it has have been there; 0 when one of them is not. */
  get hasBeenWellForMs(): number {
    const { libvirt, agent } = this;
    const sinceMs = agent?.knowsSinceMs ?? null;
    if (sinceMs === null || !libvirt.isUp || libvirt.isHung) return 0;
    return this.#parts.timeline.nowMs - Math.max(sinceMs, this.#libvirtSinceMs, libvirt.unstuckAtMs);
  }

  boot(): void {
    const { random, timeline } = this.#parts;
    this.isOn = true;
    this.bootId = random.uuid();
    this.clock.boot();
    this.#powered = new Life(timeline);
    this.libvirt.start(new Life(timeline));
    this.startAgent();
  }

  /** Of its management controller, which is the machine's and not the host's. */
  get controllerGuid(): string {
    return createHash('sha256').update(this.name).digest('hex').slice(0, 32);
  }

  neighbours(): ReadonlyMap<string, string> {
    return this.#parts.neighbours();
  }

  /** The power is gone: nothing that ran runs any more, and nobody was told. */
  cutPower(): void {
    if (!this.isOn) return;
    this.isOn = false;
    this.#starts += 1;
    this.agent?.vanish();
    this.agent = null;
    this.watchdog.release();
    this.#powered.end();
    this.#parts.onLibvirtGone(this);
    this.libvirt.stop();
    for (const { uid, power } of this.fake.list()) {
      if (power.kind === 'off') continue;
      this.fake.powerOff(uid, 'unknown');
    }
  }

  startAgent(afterMs = 0): void {
    this.#starts += 1;
    const start = this.#starts;
    const { random } = this.#parts;
    this.#powered.after(afterMs + random.whole(300, 900), () => {
      if (this.agent !== null || start !== this.#starts) return;
      this.agent = new AgentProcess({
        machine: this,
        timeline: this.#parts.timeline,
        random: random.fork(`agent ${this.bootId} ${start}`),
        connect: (agent, listener) => this.#parts.connect(this, agent, listener),
        onEffect: (effect) => this.#parts.onEffect(this, effect),
        onObeyed: (agent, what, epoch) => this.#parts.onObeyed(this, agent, what, epoch),
        onShown: (agent, checkpoint) => this.#parts.onShown(this, agent, checkpoint),
        onAnswered: (agent, effect, result) => this.#parts.onAnswered(this, agent, effect, result),
        onLeased: (endsAt) => this.#parts.onLeased(this, endsAt),
        onFence: (...fence) => this.#parts.onFence(this, ...fence),
      });
    });
  }

  killAgent(restartMs: number): void {
    if (this.agent === null) return;
    this.agent.kill();
    this.agent = null;
    this.watchdog.abandon();
    this.startAgent(restartMs);
  }

  /** Its agent begins anew: what it had written down is lost. */
  loseStateFile(restartMs: number): void {
    this.killAgent(restartMs);
    this.stateFile.lose();
  }

  upgradeAgent(pauseMs: number): void {
    const { agent } = this;
    if (agent === null) return;
    agent.leave(() => {
      if (this.agent !== agent) return;
      this.agent = null;
      this.watchdog.abandon();
      this.startAgent(pauseMs);
    });
  }

  hangLibvirt(): void {
    if (!this.libvirt.isUp) return;
    this.libvirt.hang();
    this.#powered.after(noticedAfterMs, () => {
      if (this.libvirt.isHung) this.agent?.tell({ kind: 'unavailable', error: 'no answer in time' });
    });
  }

  unhangLibvirt(): void {
    if (!this.libvirt.isHung) return;
    this.libvirt.recover();
    this.#libvirtSinceMs = this.#parts.timeline.nowMs;
    this.agent?.tell({ kind: 'available' });
  }

  /** Guests live on without the daemon. */
  restartLibvirt(pauseMs: number): void {
    if (!this.libvirt.isUp) return;
    this.#parts.onLibvirtGone(this);
    this.libvirt.stop();
    this.agent?.tell({ kind: 'unavailable', error: 'libvirtd is not running' });
    this.#powered.after(pauseMs, () => {
      if (this.libvirt.isUp) return;
      this.libvirt.start(new Life(this.#parts.timeline));
      this.#libvirtSinceMs = this.#parts.timeline.nowMs;
      this.agent?.tell({ kind: 'available' });
    });
  }

  inventory(): HostInventory {
    const { vcpus, memoryMib, diskMib, vms } = this.#parts.size;
    return {
      architecture: 'x86_64',
      cpuModel: 'simulated',
      hostname: this.host,
      total: { vcpus, memoryMib, diskMib, vms },
      reserved: { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 },
      controllerGuid: this.controllerGuid,
      migrationUri: uriOf(this.host),
    };
  }

  #event(event: HypervisorEvent): void {
    if (event.kind === 'changed') this.#parts.onDomain(this, event.uid);
    const { agent } = this;
    if (agent === null || !this.libvirt.isUp || this.libvirt.isHung) return;
    agent.life.after(this.#parts.random.whole(1, 15), () => {
      if (!this.libvirt.isUp || this.libvirt.isHung) return;
      if (event.kind === 'rebooted') this.#parts.onRebooted(this, agent, event.uid);
      agent.tell(event);
    });
  }
}
