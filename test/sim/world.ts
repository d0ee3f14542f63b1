/**
 * A federation with everything that is around it, from one seed: machines, their agents, a scheduler, the network between
 * them, callers, and those who check. The script says what befalls it; then everything is mended, and it has to come to
 * rest.
 */
import { pino } from 'pino';
import { Checker } from './checker/checker.js';
import { Lineage } from './checker/lineage.js';
import { checkRest, type RestParts } from './checker/rest.js';
import type { RuleName, Violation } from './checker/violation.js';
import { Controllers } from './controllers.js';
import { simulatedKey, strangeKey } from './checkpoint-key.js';
import { beginningMs } from './clock.js';
import { deeds } from './deeds.js';
import type { Disk } from './disk.js';
import { faults } from './faults.js';
import { type HostPlan, hostsOf, type Scale } from './federation.js';
import { beginningDisk } from './founding.js';
import { Machine, type MachineParts } from './machine.js';
import { Moves } from './moves.js';
import { Connection } from './network.js';
import { Operator } from './operator.js';
import { Portal } from './portal.js';
import { Random } from './random.js';
import { SchedulerProcess } from './scheduler-process.js';
import type { Entry } from './script.js';
import { Timeline } from './timeline.js';

const minuteMs = 60_000;
const stepMs = 10_000;
const backupEveryMs = 120_000;
const lookEveryMs = 20_000;
/** After the faults are over everything comes to rest within this time. */
export const restWithinMs = 20 * 60_000;
const lastEvents = 40;
/** An agent and a libvirt that have been there for so long have stopped what stops with the lease. */
const biteOfWellMs = 15_000;

export interface WorldOptions {
  seed: number;
  scale: Scale;
}

export class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly scale: Scale;
  readonly hosts: (HostPlan & { site: HostPlan['site'] })[];
  readonly machines: Machine[] = [];
  readonly clones: Machine[] = [];
  readonly scheduler: SchedulerProcess;
  readonly portal: Portal;
  readonly checker: Checker;
  readonly #controllers: Controllers;
  readonly operator: Operator;
  readonly weather = { slowMs: 0, isFull: false, errors: 0 };
  /** The first rule that was broken. */
  violation: Violation | null = null;
  /** What happened last, for whoever reads of a failure. */
  readonly events: string[] = [];
  lineage: Lineage;
  #copy: { scheduler: SchedulerProcess; lineage: Lineage; hosts: Set<string> } | null = null;
  readonly #fenceRandom: Random;
  readonly #moves = new Moves();
  readonly #backups: { atMs: number; disk: Disk }[] = [];
  readonly #byHost = new Map<string, Machine>();
  readonly #diskRandom: Random;

  constructor({ seed, scale }: WorldOptions) {
    this.random = new Random(seed);
    this.scale = scale;
    this.hosts = hostsOf(scale);
    this.#diskRandom = this.random.fork('disk weather');
    this.checker = new Checker({
      violate: this.violate,
      nowMs: () => this.timeline.nowMs,
      trueMs: () => beginningMs + this.timeline.nowMs,
      later: (ms, work) => this.later(ms, work),
      machineOf: (host) => this.#byHost.get(host),
      leader: () => this.scheduler,
      lineage: () => this.lineage,
      hasClone: (host) => this.clones.some((clone) => clone.host === host),
    });
    this.#controllers = new Controllers({
      hosts: this.hosts,
      random: this.random.fork('controllers'),
      machineOf: (host) => this.#byHost.get(host),
      later: (ms, work) => this.later(ms, work),
      onBegun: (by, order) => this.checker.fences.onBegun(by, order),
      onOff: (by, target, order) => {
        this.checker.fences.onOff(order);
        this.#fenced(by, target);
      },
    });
    this.#fenceRandom = this.random.fork('switched on again');
    const disk = beginningDisk(scale);
    this.lineage = this.#lineageOf(disk);
    this.scheduler = this.#schedulerOn(disk, 'scheduler');
    this.portal = new Portal({
      timeline: this.timeline,
      scheduler: this.scheduler,
      lineage: () => this.lineage,
      violate: this.violate,
    });
    this.operator = new Operator(this);
    for (const host of this.hosts) this.#addMachine(host);
    this.scheduler.enable();
    this.timeline.life.every(backupEveryMs, () => this.#backup());
    this.timeline.life.every(lookEveryMs, () => this.#look());
    this.operator.start();
  }

  readonly violate = (rule: RuleName, message: string): void => {
    this.violation ??= { rule, message, atMs: Math.round(this.timeline.nowMs), step: this.timeline.steps };
  };

  get wallMs(): number {
    return this.scheduler.clock.wallMs;
  }

  later(ms: number, work: () => void): void {
    this.timeline.life.after(ms, work);
  }

  note(text: string): void {
    this.events.push(`${(this.timeline.nowMs / 1000).toFixed(3).padStart(10)} ${text}`);
    if (this.events.length > lastEvents) this.events.shift();
  }

  /** Lets the script happen, mends everything, and waits for rest. True when no rule was broken. */
  play(script: readonly Entry[], lengthMs: number): boolean {
    for (const entry of script) this.timeline.at(entry.atMs, this.timeline.life, () => this.#befall(entry));
    if (!this.#runTo(lengthMs)) return false;
    this.#mend();
    const endMs = lengthMs + restWithinMs;
    let unrest: string | null = null;
    while (this.timeline.nowMs < endMs) {
      if (!this.#runTo(this.timeline.nowMs + stepMs)) return false;
      unrest = this.#unrest();
      if (unrest === null) break;
    }
    if (unrest !== null) this.violate('CONVERGENCE', unrest);
    else this.#checkEnd();
    return this.violation === null;
  }

  #runTo(untilMs: number): boolean {
    for (let at = this.timeline.nowMs; at < untilMs && this.violation === null; at = this.timeline.nowMs) {
      try {
        this.timeline.runTo(Math.min(untilMs, at + stepMs), () => this.violation !== null);
      } catch (error) {
        this.violate('BUG', (error as Error).stack ?? String(error));
      }
    }
    return this.violation === null;
  }

  #befall({ what, seed }: Entry): void {
    this.note(what);
    const random = new Random(seed);
    const deed = deeds[what];
    if (deed !== undefined) deed.act(this, random);
    else faults[what]?.strike(this, random);
  }

  boot(machine: Machine): void {
    if (!machine.isOn) machine.boot();
  }

  machineOf(host: string): Machine | undefined {
    return this.#byHost.get(host);
  }

  #addMachine(plan: HostPlan): void {
    const machine = new Machine(this.#machineParts(plan, plan.id));
    this.machines.push(machine);
    this.#byHost.set(plan.id, machine);
    this.#moves.join(machine);
    const random = this.random.fork(`start of ${plan.id}`);
    if (random.chance(0.2)) this.checker.agents.addForeign(machine, random.uuid());
    this.later(random.whole(0, 2000), () => machine.boot());
  }

  #machineParts(plan: HostPlan, name: string): MachineParts {
    const { id: host, machineId, size } = plan;
    return {
      name,
      host,
      machineId,
      size,
      timeline: this.timeline,
      random: this.random.fork(`machine ${name}`),
      connect: (machine, agent, listener) => {
        const copy = this.#copy?.hosts.has(host) === true ? this.#copy : null;
        const to = copy?.scheduler ?? this.scheduler;
        return new Connection({
          host: machine.name,
          path: machine.path,
          timeline: this.timeline,
          random: this.random.fork(`connection ${machine.name} ${this.timeline.steps}`),
          to,
          listener,
          agent,
          ...this.checker.ofStream(machine, to, () => copy?.lineage ?? this.lineage),
        });
      },
      ...this.checker.ofMachine,
      onMove: (machine, move, peerUri, onDeath) => this.#moves.began(machine, move, peerUri, onDeath),
      onLibvirtGone: (machine) => this.#moves.libvirtGone(machine),
      neighbours: () => this.#controllers.seenFrom(host),
      onBite: (machine) => {
        this.note(`the watchdog resets ${machine.name}`);
        if (machine.hasBeenWellForMs > biteOfWellMs)
          this.violate(
            'L2',
            `the watchdog of ${machine.name} bites, and its agent could have stopped everything`,
          );
        this.checker.agents.forget(machine);
        machine.cutPower();
        this.later(this.random.fork(`reset ${this.timeline.steps}`).whole(5000, 60_000), () =>
          this.boot(machine),
        );
      },
      onFence: (machine, order, stands, answered) => {
        this.checker.fences.onFence(machine, order);
        this.#controllers.fence(machine, order, stands, (verdict) => {
          this.checker.fences.onAnswered(order);
          answered(verdict);
        });
      },
    };
  }

  /** The site of a host. */
  siteOf(host: string): string {
    return this.hosts.find(({ id }) => id === host)?.site.id ?? '';
  }

  /** A machine that was powered off is switched on again by somebody. */
  #fenced(by: Machine, target: Machine): void {
    this.checker.hasEvacuated = true;
    this.note(`${by.host} powers ${target.host} off`);
    this.checker.agents.forget(target);
    target.cutPower();
    this.later(this.#fenceRandom.whole(minuteMs, 6 * minuteMs), () => {
      // Back under a copy it would start what lives elsewhere by now: README.md says what that leaves open.
      if (this.#copy?.hosts.has(target.host) === true) this.#endCopy();
      this.boot(target);
    });
  }

  #schedulerOn(disk: Disk, name: string, key = simulatedKey): SchedulerProcess {
    const random = this.#diskRandom;
    return new SchedulerProcess({
      name,
      timeline: this.timeline,
      random: this.random.fork(name),
      disk,
      key,
      weather: {
        latencyMs: () =>
          random.delay(0.3, 1.5) + (this.weather.slowMs === 0 ? 0 : random.unit() * this.weather.slowMs),
        outcome: () => {
          if (this.weather.isFull) return 'full';
          if (this.weather.errors === 0) return 'written';
          this.weather.errors -= 1;
          return 'unknown';
        },
      },
      log: pino({ level: 'error', base: null }, { write: (line: string) => this.violate('BUG', line) }),
      onEnded: (life) => {
        for (const { path } of [...this.machines, ...this.clones]) {
          for (const connection of [...path.connections]) if (connection.isTo(life)) connection.serverDies();
        }
      },
      onLapsed: (host) => this.checker.onLapsed(host, name),
    });
  }

  /** An upgrade of the scheduler. */
  upgrade(pauseMs: number): void {
    // In recovery nobody is granted anything (E2).
    const recovering = this.scheduler.engine?.state.federation.recoveringSites ?? [];
    const linked = this.machines.flatMap((machine) => {
      const { agent, path } = machine;
      const isLinked = machine.steadyLink !== null;
      // One that has not asked on this stream yet cannot be granted a longer one.
      const isLeased =
        this.checker.hasLeaseOf(machine, this.scheduler) && !recovering.includes(this.siteOf(machine.host));
      // Its clone may have taken its place a moment ago, and it has not heard that yet.
      const isOne = !this.checker.isCloned(machine.host);
      return isLinked && isLeased && isOne ? [{ machine, agent, cuts: path.cuts }] : [];
    });
    this.scheduler.upgrade(pauseMs, () => {
      for (const { machine, agent, cuts } of linked) {
        const isSame = machine.agent === agent && machine.path.cuts === cuts;
        if (isSame)
          this.checker.words.onUpgraded(machine, machine.agent?.core.linkStatus().leaseExpiresAt ?? null);
      }
    });
  }

  #lineageOf(disk: Disk, leader = () => this.scheduler): Lineage {
    return new Lineage(disk, this.violate, this.checker.ofJournal(leader));
  }

  #look(): void {
    if (this.scheduler.life === null) return;
    const led = this.machines.filter(({ host }) => this.#copy?.hosts.has(host) !== true);
    this.checker.look(led);
  }

  #backup(): void {
    this.#backups.push({ atMs: this.timeline.nowMs, disk: this.scheduler.disk.copy() });
    if (this.#backups.length > 15) this.#backups.shift();
  }

  /** Somebody restores a backup that is some minutes old. */
  restore(random: Random): void {
    const old = this.#backups.filter(({ atMs }) => this.timeline.nowMs - atMs >= 3 * 60_000);
    const backup = random.pick(old);
    if (backup === undefined || this.#copy !== null) return;
    this.note(`restores the backup of ${Math.round(backup.atMs / 1000)}`);
    this.scheduler.disable();
    this.scheduler.disk = backup.disk.copy();
    this.lineage = this.#lineageOf(this.scheduler.disk);
    this.portal.restored(this.lineage);
    this.checker.onRestored();
    // By hand nothing is noticed before an agent has shown a newer checkpoint: one that has been off since the backup starts
    // what it had, wherever that lives by now. So where VMs have left hosts that were gone it is done as it should be.
    const asItShould = this.checker.hasEvacuated || random.chance(0.5);
    this.scheduler.enable(random.whole(2000, 30_000), asItShould);
  }

  /** Agents refuse the scheduler, because a copy has led them: it goes on with what it has, under another incarnation. */
  takeLead(): void {
    if (this.#copy !== null || this.scheduler.life === null) return;
    this.note('restores the newest state');
    this.scheduler.disable();
    this.checker.reboots.restored();
    this.scheduler.enable(2000, true);
  }

  /**
   * The state file of a machine's agent is lost, perhaps with some of its domains. What only that file tells is lost with it:
   * which scheduler it obeyed last (E1), and how far the journal was (E2); so not while a copy leads, or a restore is not over.
   */
  loseStateFile(machine: Machine, random: Random): void {
    const { epoch, recoveringSites } = this.lineage.state.federation;
    const kept = machine.stateFile.epoch;
    const knowsMore = kept !== null && (kept.incarnation > epoch.incarnation || kept.counter > epoch.counter);
    if (this.#copy !== null || knowsMore || recoveringSites.length > 0 || machine.agent === null) return;
    this.note(`${machine.name} loses its state file`);
    machine.loseStateFile(random.whole(100, 20_000));
    this.checker.epochs.onLost(machine);
    if (random.chance(0.5)) return;
    for (const { uid, ours } of machine.fake.list()) if (ours && random.chance(0.3)) machine.fake.lose(uid);
  }

  /** Somebody starts a copy of the database, and some hosts reach that one for a while. */
  copyDatabase(random: Random): void {
    if (this.#copy !== null) return;
    // Both would start the VMs of a host that is off, or is taken to be: README.md.
    if (this.machines.some(({ isOn }) => !isOn)) return;
    for (const { state } of this.lineage.state.hosts.values())
      if (state === 'lost' || state === 'fenced') return;
    const disk = this.scheduler.disk.copy();
    // Whoever copies the database alone has it make a key of its own, so that no agent shows what it was told by it (E2).
    const isWhole = random.chance(0.4);
    const name = `${isWhole ? '' : 'strange '}copy at ${Math.round(this.timeline.nowMs)}`;
    const scheduler = this.#schedulerOn(disk, name, isWhole ? simulatedKey : strangeKey);
    this.note(`a ${name} is started`);
    // Of one with a watchdog the leader that it has left takes for proven what is not: README.md says what that leaves open.
    const led = this.machines.filter(
      ({ watchdogTimeoutS }) => random.chance(0.5) && watchdogTimeoutS === null,
    );
    const hosts = new Set(led.map(({ host }) => host));
    this.#copy = { scheduler, lineage: this.#lineageOf(disk, () => scheduler), hosts };
    scheduler.enable();
    // Started anew once, the one in charge counts to the number that the copy has (E1).
    if (random.chance(0.5)) this.later(random.whole(3000, 20_000), () => this.scheduler.kill());
    for (const { host, path } of this.machines) {
      if (!hosts.has(host)) continue;
      for (const connection of [...path.connections]) connection.serverDies();
    }
    this.later(random.whole(20_000, 180_000), () => this.#endCopy());
  }

  #endCopy(): void {
    this.#copy?.scheduler.disable();
    this.#copy = null;
  }

  /** A second machine with the disks of the first: its state file, and no guests. Gives the host that both are. */
  clone(random: Random): string | null {
    const original = random.pick(this.machines);
    const plan = this.hosts.find(({ id }) => id === original?.host);
    if (original === undefined || plan === undefined || this.clones.length > 0) return null;
    const clone = new Machine(
      this.#machineParts(plan, `${plan.id}-clone-${Math.round(this.timeline.nowMs)}`),
    );
    this.#moves.share(clone);
    const kept = original.stateFile.read();
    if (kept !== undefined) clone.stateFile.write(kept);
    this.clones.push(clone);
    this.checker.onCloned(clone.host);
    this.note(`${original.host} is cloned`);
    clone.boot();
    this.later(random.whole(20_000, 120_000), () => this.#endClone(clone));
    return clone.host;
  }

  #endClone(clone: Machine): void {
    const at = this.clones.indexOf(clone);
    if (at < 0) return;
    clone.cutPower();
    this.clones.splice(at, 1);
    this.operator.cloneIsGone(clone.host);
  }

  /** The faults are over. */
  #mend(): void {
    this.note('everything is mended');
    this.#endCopy();
    for (const clone of [...this.clones]) this.#endClone(clone);
    Object.assign(this.weather, { slowMs: 0, isFull: false, errors: 0 });
    this.scheduler.clock.correct();
    for (const machine of this.machines) {
      machine.path.slowMs = 0;
      machine.path.mend();
      machine.clock.correct();
      machine.unhangLibvirt();
      machine.freeDisks();
      machine.libvirt.stuckPart = 0;
      machine.fake.deaf.clear();
      this.boot(machine);
    }
    this.operator.isLookingAfterAll = true;
  }

  #restParts(): RestParts {
    return { machines: this.machines, scheduler: this.scheduler, lineage: this.lineage };
  }

  #unrest(): string | null {
    const { state, made } = this.lineage;
    return checkRest(this.#restParts()) ?? this.checker.volumes.leftOf(state, made, this.machines);
  }

  #checkEnd(): void {
    this.portal.checkAll();
    this.lineage.checkReplay(this.scheduler);
  }
}
