/**
 * A federation with everything that is around it, from one seed: machines, their agents, a scheduler, the network between
 * them, callers, and those who check. The script says what befalls it; then everything is mended, and it has to come to
 * rest.
 */
import { pino } from 'pino';
import type { FenceOrder, FenceVerdict } from '../../agent/fencing/fence.js';
import { AgentRules } from './checker/agents.js';
import { checkRest, type RestParts } from './checker/rest.js';
import { Lineage } from './checker/lineage.js';
import type { RuleName, Violation } from './checker/violation.js';
import { WordRules } from './checker/words.js';
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
import { type Life, Timeline } from './timeline.js';

const minuteMs = 60_000;
const stepMs = 10_000;
const backupEveryMs = 120_000;
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
  readonly rules: AgentRules;
  readonly #words: WordRules;
  readonly operator: Operator;
  readonly weather = { slowMs: 0, isFull: false, errors: 0 };
  /** The first rule that was broken. */
  violation: Violation | null = null;
  /** What happened last, for whoever reads of a failure. */
  readonly events: string[] = [];
  lineage: Lineage;
  #copy: { scheduler: SchedulerProcess; lineage: Lineage; hosts: Set<string> } | null = null;
  #hasEvacuated = false;
  readonly #moves = new Moves();
  readonly #backups: { atMs: number; disk: Disk }[] = [];
  readonly #byHost = new Map<string, Machine>();
  readonly #diskRandom: Random;
  /** Hosts that were two machines once: what the clone has said is believed until both have spoken. */
  readonly #cloned = new Set<string>();
  /** Machines that were granted a lease on the stream that they have. */
  readonly #leasedNow = new Set<string>();
  /** When the newest lease of a machine ends, by its clock. */
  readonly #leaseEnds = new Map<Machine, number>();
  /** Whose lease a host has. */
  readonly #leases = new Map<string, { name: string; life: Life | null }>();

  constructor({ seed, scale }: WorldOptions) {
    this.random = new Random(seed);
    this.scale = scale;
    this.hosts = hostsOf(scale);
    this.#diskRandom = this.random.fork('disk weather');
    this.rules = new AgentRules(this.violate);
    this.#words = new WordRules(this.violate);
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
      this.timeline.runTo(Math.min(untilMs, at + stepMs), () => this.violation !== null);
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
    if (random.chance(0.2)) this.rules.addForeign(machine, random.uuid());
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
        this.#leasedNow.delete(machine.name);
        return new Connection({
          host: machine.name,
          path: machine.path,
          timeline: this.timeline,
          random: this.random.fork(`connection ${machine.name} ${this.timeline.steps}`),
          to,
          listener,
          agent,
          onSaid: (message) => this.#words.onSaid(machine, to, copy?.lineage ?? this.lineage, message),
          onHeard: (message) => {
            if (!message.leaseGrant) return;
            this.#leases.set(machine.host, { name: to.name, life: to.life });
            this.#leasedNow.add(machine.name);
          },
        });
      },
      onCall: (machine, call) => {
        this.rules.onCall(machine, call);
        if (call.kind === 'trashVolume') this.#words.onTrashed(machine, call.volume.uid);
      },
      onMove: (machine, move, peerUri) => this.#moves.began(machine, move, peerUri),
      onLibvirtGone: (machine) => this.#moves.libvirtGone(machine),
      onEffect: (machine, effect) => this.rules.onEffect(machine, effect),
      onObeyed: (machine, kept, epoch) => this.rules.onObeyed(machine, kept, epoch),
      onDomain: (machine, uid) => this.rules.onDomain(machine, uid),
      neighbours: () => this.#neighboursOf(plan),
      onLeased: (machine, endsAt) => this.#watchLease(machine, endsAt),
      onBite: (machine) => {
        this.note(`the watchdog resets ${machine.name}`);
        if (machine.hasBeenWellForMs > biteOfWellMs)
          this.violate(
            'L2',
            `the watchdog of ${machine.name} bites, and its agent could have stopped everything`,
          );
        this.rules.forget(machine);
        machine.cutPower();
        this.later(this.random.fork(`reset ${this.timeline.steps}`).whole(5000, 60_000), () =>
          this.boot(machine),
        );
      },
      onFence: (machine, order, answered) => this.#fence(machine, order, answered),
    };
  }

  /** L2: two time-outs of its watchdog after the lease nothing runs that stops with it, whatever has become of the agent. */
  #watchLease(machine: Machine, endsAt: number): void {
    const { watchdogTimeoutS, bootId, clock } = machine;
    if (watchdogTimeoutS === null) return;
    this.#leaseEnds.set(machine, endsAt);
    this.later(clock.until(endsAt + 2000 * watchdogTimeoutS + 50), () => {
      const isNewest = this.#leaseEnds.get(machine) === endsAt && machine.bootId === bootId;
      if (isNewest && machine.isOn) this.rules.checkStopped(machine);
    });
  }

  #siteOf(host: string): string {
    return this.hosts.find(({ id }) => id === host)?.site.id ?? '';
  }

  /** The controllers of the other machines of its site. */
  #neighboursOf({ id, site }: HostPlan): ReadonlyMap<string, string> {
    const others = this.machines.filter(({ host }) => host !== id && this.#siteOf(host) === site.id);
    return new Map(others.map(({ host, controllerGuid }) => [host, controllerGuid]));
  }

  /**
   * A controller is asked whether or not its machine lives. It may not answer; whoever has asked may be gone before it does,
   * and a machine that was powered off is switched on again by somebody.
   */
  #fence(by: Machine, order: FenceOrder, answered: (verdict: FenceVerdict) => void): void {
    const random = this.random.fork(`fence ${order.id}`);
    const target = this.machines.find(({ controllerGuid }) => controllerGuid === order.controllerGuid);
    const verdict = (outcome: FenceVerdict['outcome']) => ({ outcome, method: 'fence_sim', message: '' });
    if (target === undefined || random.chance(0.2)) {
      this.later(random.whole(1000, 30_000), () => answered(verdict('failed')));
      return;
    }
    this.later(random.whole(1000, 20_000), () => {
      this.#hasEvacuated = true;
      this.note(`${by.host} powers ${target.host} off`);
      this.rules.forget(target);
      target.cutPower();
      this.later(random.whole(minuteMs, 6 * minuteMs), () => {
        // Back under a copy it would start what lives elsewhere by now: README.md says what that leaves open.
        if (this.#copy?.hosts.has(target.host) === true) this.#endCopy();
        this.boot(target);
      });
      this.later(random.whole(500, 10_000), () => answered(verdict('off')));
    });
  }

  #schedulerOn(disk: Disk, name: string): SchedulerProcess {
    const random = this.#diskRandom;
    return new SchedulerProcess({
      name,
      timeline: this.timeline,
      random: this.random.fork(name),
      disk,
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
      onLapsed: (host) => {
        if (this.#leases.get(host)?.name === name && !this.#cloned.has(host))
          this.#words.onLapsed(this.#byHost.get(host));
      },
    });
  }

  /** An upgrade of the scheduler. */
  upgrade(pauseMs: number): void {
    // In recovery nobody is granted anything (E2).
    const recovering = this.scheduler.engine?.state.federation.recoveringSites ?? [];
    const linked = this.machines.flatMap((machine) => {
      const { agent, path } = machine;
      const isLinked = agent?.core.linkStatus().state === 'linked' && path.isOpen && path.slowMs === 0;
      // One that has not asked on this stream yet cannot be granted a longer one.
      const isLeased =
        this.#leasedNow.has(machine.name) &&
        this.#leases.get(machine.host)?.life === this.scheduler.life &&
        !recovering.includes(this.#siteOf(machine.host));
      return isLinked && isLeased ? [{ machine, agent, cuts: path.cuts }] : [];
    });
    this.scheduler.upgrade(pauseMs, () => {
      for (const { machine, agent, cuts } of linked) {
        const isSame = machine.agent === agent && machine.path.cuts === cuts;
        if (isSame) this.#words.onUpgraded(machine, machine.agent?.core.linkStatus().leaseExpiresAt ?? null);
      }
    });
  }

  #lineageOf(disk: Disk): Lineage {
    return new Lineage(disk, this.violate, (uid, host) => this.#freed(uid, host));
  }

  /** O6: only when nothing of it runs there. */
  #freed(uid: string, host: string): void {
    const stands = this.lineage.state.hosts.get(host)?.state;
    if (stands === 'lost' || stands === 'fenced') this.#hasEvacuated = true;
    if (this.#cloned.has(host)) return;
    for (const machine of this.rules.activeOn(uid))
      if (machine.host === host) this.violate('O6', `VM ${uid} was taken from ${host}, and runs there`);
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
    this.rules.restored();
    // By hand nothing is noticed before an agent has shown a newer checkpoint: one that has been off since the backup starts
    // what it had, wherever that lives by now. So where VMs have left hosts that were gone it is done as it should be.
    const asItShould = this.#hasEvacuated || random.chance(0.5);
    this.scheduler.enable(random.whole(2000, 30_000), asItShould);
  }

  /** Somebody starts a copy of the database, and some hosts reach that one for a while. */
  copyDatabase(random: Random): void {
    if (this.#copy !== null) return;
    const disk = this.scheduler.disk.copy();
    const scheduler = this.#schedulerOn(disk, `copy at ${Math.round(this.timeline.nowMs)}`);
    // Of one with a watchdog the leader that it has left takes for proven what is not: README.md says what that leaves open.
    const led = this.machines.filter(
      ({ watchdogTimeoutS }) => random.chance(0.5) && watchdogTimeoutS === null,
    );
    const hosts = new Set(led.map(({ host }) => host));
    this.#copy = { scheduler, lineage: this.#lineageOf(disk), hosts };
    scheduler.enable();
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

  /** A second machine with the disks of the first: its state file, and no guests. */
  clone(random: Random): void {
    const original = random.pick(this.machines);
    const plan = this.hosts.find(({ id }) => id === original?.host);
    if (original === undefined || plan === undefined || this.clones.length > 0) return;
    const clone = new Machine(
      this.#machineParts(plan, `${plan.id}-clone-${Math.round(this.timeline.nowMs)}`),
    );
    this.#moves.share(clone);
    if (original.stateFile.text !== null) clone.stateFile.write(original.stateFile.text);
    this.clones.push(clone);
    this.#cloned.add(clone.host);
    this.note(`${original.host} is cloned`);
    clone.boot();
    this.later(random.whole(20_000, 120_000), () => this.#endClone(clone));
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
      machine.libvirt.isDiskFull = false;
      machine.stateFile.isFull = false;
      machine.fake.deaf.clear();
      this.boot(machine);
    }
    this.operator.isLookingAfterAll = true;
  }

  #restParts(): RestParts {
    return { machines: this.machines, scheduler: this.scheduler, lineage: this.lineage };
  }

  #unrest(): string | null {
    return checkRest(this.#restParts());
  }

  #checkEnd(): void {
    this.portal.checkAll();
    this.lineage.checkReplay(this.scheduler);
  }
}
