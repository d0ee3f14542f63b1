/**
 * A federation with everything that is around it, from one seed: machines, their agents, a scheduler, the network between
 * them, callers, and those who check. The script says what befalls it; then everything is mended, and it has to come to
 * rest.
 */
import { pino } from 'pino';
import { AgentRules } from './checker/agents.js';
import { EpochRules } from './checker/epochs.js';
import { FenceRules } from './checker/fences.js';
import { LeaseRules } from './checker/leases.js';
import { Lineage } from './checker/lineage.js';
import { MoveRules } from './checker/moves.js';
import { isProvenOff } from './checker/evacuations.js';
import { PowerRules } from './checker/powers.js';
import { RebootRules } from './checker/reboots.js';
import { checkRest, type RestParts } from './checker/rest.js';
import type { RuleName, Violation } from './checker/violation.js';
import { judgeSaid } from './checker/said.js';
import { Silence } from './checker/silence.js';
import { VolumeRules } from './checker/volumes.js';
import { WordRules } from './checker/words.js';
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
import { type Life, Timeline } from './timeline.js';

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
  readonly rules: AgentRules;
  readonly #words: WordRules;
  readonly #volumes: VolumeRules;
  readonly #fences: FenceRules;
  readonly #powers: PowerRules;
  readonly #reboots: RebootRules;
  readonly #epochs: EpochRules;
  readonly #leased: LeaseRules;
  readonly #controllers: Controllers;
  /** What agents have said to each scheduler. */
  readonly #heard = new Map<SchedulerProcess, MoveRules>();
  readonly operator: Operator;
  readonly weather = { slowMs: 0, isFull: false, errors: 0 };
  /** The first rule that was broken. */
  violation: Violation | null = null;
  /** What happened last, for whoever reads of a failure. */
  readonly events: string[] = [];
  lineage: Lineage;
  #copy: { scheduler: SchedulerProcess; lineage: Lineage; hosts: Set<string> } | null = null;
  #hasEvacuated = false;
  readonly #fenceRandom: Random;
  readonly #moves = new Moves();
  readonly #backups: { atMs: number; disk: Disk }[] = [];
  readonly #byHost = new Map<string, Machine>();
  readonly #diskRandom: Random;
  /** Hosts that were two machines once: what the clone has said is believed until both have spoken. */
  readonly #cloned = new Set<string>();
  /** Machines that were granted a lease on the stream that they have, and have not been told since that they get none. */
  readonly #leasedNow = new Set<string>();
  readonly #silence = new Silence(() => this.timeline.nowMs);
  /** Whom the newest stream of a machine's agent leads to. */
  readonly #ledBy = new Map<Machine, string>();
  /** When the newest lease of a machine ends, by its clock. */
  readonly #leaseEnds = new Map<Machine, number>();
  /** Hosts that were granted a lease since a journal was restored. */
  readonly #grantedSince = new Set<string>();
  /** Whose lease a host has. */
  readonly #leases = new Map<string, { name: string; life: Life | null }>();

  constructor({ seed, scale }: WorldOptions) {
    this.random = new Random(seed);
    this.scale = scale;
    this.hosts = hostsOf(scale);
    this.#diskRandom = this.random.fork('disk weather');
    this.rules = new AgentRules(this.violate);
    this.#volumes = new VolumeRules({
      violate: this.violate,
      activeOn: (uid) => [...this.rules.activeOn(uid)].filter(({ host }) => !this.#cloned.has(host)),
    });
    this.#words = new WordRules(this.violate, this.#volumes);
    this.#fences = new FenceRules(this.violate, () => this.timeline.nowMs);
    this.#powers = new PowerRules(this.violate);
    this.#reboots = new RebootRules(this.violate, (ms, work) => this.later(ms, work));
    this.#epochs = new EpochRules(this.violate);
    this.#leased = new LeaseRules(this.violate);
    this.#controllers = new Controllers({
      hosts: this.hosts,
      random: this.random.fork('controllers'),
      machineOf: (host) => this.#byHost.get(host),
      later: (ms, work) => this.later(ms, work),
      onBegun: (by, order) => this.#fences.onBegun(by, order),
      onOff: (by, target, order) => {
        this.#fences.onOff(order);
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
        this.#ledBy.set(machine, to.name);
        /** The scheduler's newest word about a lease on this stream was that there is none. */
        let isWithheld = false;
        return new Connection({
          host: machine.name,
          path: machine.path,
          timeline: this.timeline,
          random: this.random.fork(`connection ${machine.name} ${this.timeline.steps}`),
          to,
          listener,
          agent,
          onSaid: (message) => {
            this.#words.onSaid(machine, to, copy?.lineage ?? this.lineage, message);
            if (message.leaseGrant) isWithheld = false;
            if (!message.leaseWithheld && !message.rejected) return;
            isWithheld = true;
            this.#leasedNow.delete(machine.name);
          },
          onSays: (message) => {
            judgeSaid(machine, message, (uid) => this.rules.activeOn(uid).has(machine), this.violate);
            if (message.leaseRequest) this.#leased.onAsked(machine, message.leaseRequest.id);
            if (message.fenceResult) this.#fences.onSaid(machine, message.fenceResult);
          },
          onWord: (message) => {
            this.#hears(to).onWord(machine.host, message);
            if (to === this.scheduler) this.#silence.onWord(machine.host, message);
          },
          onHeard: (message) => {
            if (!message.leaseGrant) return;
            this.#leased.onGranted(machine, message.leaseGrant);
            this.#grantedSince.add(machine.host);
            this.#leases.set(machine.host, { name: to.name, life: to.life });
            if (!isWithheld) this.#leasedNow.add(machine.name);
          },
        });
      },
      onCall: (machine, call) => {
        this.rules.onCall(machine, call);
        this.#volumes.onCall(machine, call);
        this.#reboots.onCall(machine, call);
      },
      onMove: (machine, move, peerUri, onDeath) => this.#moves.began(machine, move, peerUri, onDeath),
      onLibvirtGone: (machine) => this.#moves.libvirtGone(machine),
      onEffect: (machine, effect) => {
        this.rules.onEffect(machine, effect);
        this.#powers.onEffect(machine, effect);
        this.#reboots.onEffect(machine, effect);
      },
      onAnswered: (machine, agent, effect, result) => {
        this.#reboots.onAnswered(machine, effect, result);
        if ('uid' in effect)
          this.rules.onAnswered(machine, agent.core.ledger.permit(effect.uid), effect, result);
      },
      onKept: (machine) => this.#epochs.onKept(machine, machine.stateFile.epoch),
      onObeyed: (machine, agent, what, epoch) => {
        this.#epochs.onObeyed(machine, agent, what, epoch, this.#ledBy.get(machine) ?? '');
      },
      onShown: (machine, agent, checkpoint) => {
        const kept = agent.core.ledger.checkpoint;
        this.#epochs.onShown(machine, checkpoint, kept, this.#ledBy.get(machine) ?? '');
      },
      onDomain: (machine, uid) => {
        this.rules.onDomain(machine, uid);
        this.#reboots.onDomain(machine, uid);
      },
      onRebooted: (machine, agent, uid) => this.#reboots.onRebooted(machine, agent, uid),
      neighbours: () => this.#controllers.seenFrom(host),
      onLeased: (machine, endsAt) => {
        this.#leased.onLeased(machine, endsAt);
        this.#watchLease(machine, endsAt);
      },
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
      onFence: (machine, order, stands, answered) => {
        this.#fences.onFence(machine, order);
        this.#controllers.fence(machine, order, stands, answered);
      },
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

  /** The site of a host. */
  siteOf(host: string): string {
    return this.hosts.find(({ id }) => id === host)?.site.id ?? '';
  }

  /** A machine that was powered off is switched on again by somebody. */
  #fenced(by: Machine, target: Machine): void {
    this.#hasEvacuated = true;
    this.note(`${by.host} powers ${target.host} off`);
    this.rules.forget(target);
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
        !recovering.includes(this.siteOf(machine.host));
      // Its clone may have taken its place a moment ago, and it has not heard that yet.
      const isOne = !this.#cloned.has(machine.host);
      return isLinked && isLeased && isOne ? [{ machine, agent, cuts: path.cuts }] : [];
    });
    this.scheduler.upgrade(pauseMs, () => {
      for (const { machine, agent, cuts } of linked) {
        const isSame = machine.agent === agent && machine.path.cuts === cuts;
        if (isSame) this.#words.onUpgraded(machine, machine.agent?.core.linkStatus().leaseExpiresAt ?? null);
      }
    });
  }

  #lineageOf(disk: Disk, leader = () => this.scheduler): Lineage {
    return new Lineage(disk, this.violate, {
      trueMs: () => beginningMs + this.timeline.nowMs,
      onFreed: (uid, host) => this.#freed(uid, host),
      onFound: (uid, not) => this.rules.foundElsewhere(uid, not),
      // Whoever the copy leads is silent for the one in charge alone.
      silentMs: (host) => (leader() === this.scheduler ? this.#silence.of(host) : 0),
      onFenceOrdered: (host) => {
        // A journal that was restored by hand may have it as one that was lost since it was heard last.
        const isLed = this.#grantedSince.has(host) && this.#leases.get(host)?.name === leader().name;
        if (isLed && !this.#cloned.has(host)) this.#words.onFenceOrdered(this.#byHost.get(host));
      },
      onStopProven: (host) => leader() === this.scheduler && this.#stopProven(host),
      onOrderOver: (order) => this.#fences.onOver(order),
      onParked: (uid, host) => this.#freed(uid, host),
      onHandedOver: (uid, from, move, isFromOff, runs) => {
        if (!this.#cloned.has(from)) this.#hears(leader()).onHandedOver(uid, from, move, isFromOff, runs);
        // By the word of one that never had it, as far as anybody knows.
        else if (this.clones.some(({ host }) => host === from)) this.rules.onTwin(uid);
      },
    });
  }

  #hears(scheduler: SchedulerProcess): MoveRules {
    let rules = this.#heard.get(scheduler);
    if (rules === undefined) {
      rules = new MoveRules(this.violate);
      this.#heard.set(scheduler, rules);
    }
    return rules;
  }

  /** F1: by the watchdog rule nothing runs there that stops with the lease. */
  #stopProven(host: string): void {
    const { state } = this.lineage;
    const machine = this.#byHost.get(host);
    if (machine === undefined || this.#cloned.has(host)) return;
    for (const vm of state.vmsOfHost(host))
      if (isProvenOff(state.hosts.get(host), vm) && this.rules.activeOn(vm.uid).has(machine))
        this.violate('F1', `VM ${vm.uid} is taken to have stopped with the lease of ${host}, and runs there`);
  }

  /** O6: only when nothing of it runs there. */
  #freed(uid: string, host: string): void {
    const stands = this.lineage.state.hosts.get(host)?.state;
    if (stands === 'lost' || stands === 'fenced') this.#hasEvacuated = true;
    if (this.#cloned.has(host)) return;
    for (const machine of this.rules.activeOn(uid))
      if (machine.host === host) this.violate('O6', `VM ${uid} was taken from ${host}, and runs there`);
  }

  #look(): void {
    if (this.scheduler.life === null) return;
    const led = this.machines.filter(({ host }) => this.#copy?.hosts.has(host) !== true);
    this.#leased.look(led, this.lineage.state);
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
    this.#grantedSince.clear();
    this.portal.restored(this.lineage);
    this.#reboots.restored();
    // By hand nothing is noticed before an agent has shown a newer checkpoint: one that has been off since the backup starts
    // what it had, wherever that lives by now. So where VMs have left hosts that were gone it is done as it should be.
    const asItShould = this.#hasEvacuated || random.chance(0.5);
    this.scheduler.enable(random.whole(2000, 30_000), asItShould);
  }

  /** Agents refuse the scheduler, because a copy has led them: it goes on with what it has, under another incarnation. */
  takeLead(): void {
    if (this.#copy !== null || this.scheduler.life === null) return;
    this.note('restores the newest state');
    this.scheduler.disable();
    this.#reboots.restored();
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
    this.#epochs.onLost(machine);
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
    this.#cloned.add(clone.host);
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
    return checkRest(this.#restParts()) ?? this.#volumes.leftOf(state, made, this.machines);
  }

  #checkEnd(): void {
    this.portal.checkAll();
    this.lineage.checkReplay(this.scheduler);
  }
}
