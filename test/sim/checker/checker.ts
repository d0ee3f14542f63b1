/**
 * All who check, and what each of them is told of: what machines and their agents do, what goes over the streams between agents
 * and schedulers, and what journals have. Nobody here changes anything.
 */
import type { Machine, MachineParts } from '../machine.js';
import type { Wiretap } from '../network.js';
import type { SchedulerProcess } from '../scheduler-process.js';
import type { Life } from '../timeline.js';
import { AgentRules } from './agents.js';
import { DesiredSet } from './desired-set.js';
import { EpochRules } from './epochs.js';
import { isProvenOff } from './evacuations.js';
import { FenceRules } from './fences.js';
import { LeaseRules } from './leases.js';
import type { Lineage, Onlookers } from './lineage.js';
import { MoveRules } from './moves.js';
import { NewsRules } from './news.js';
import { PowerRules } from './powers.js';
import { RebootRules } from './reboots.js';
import { judgeSaid } from './said.js';
import { Silence } from './silence.js';
import { Steady } from './steady.js';
import type { Violate } from './violation.js';
import { VolumeRules } from './volumes.js';
import { WordRules } from './words.js';

/** The world that is watched. */
export interface Watched {
  violate: Violate;
  nowMs(): number;
  /** What time it truly is, in milliseconds since 1970. */
  trueMs(): number;
  later(ms: number, work: () => void): void;
  machineOf(host: string): Machine | undefined;
  /** The scheduler in charge. */
  leader(): SchedulerProcess;
  /** The journal of that one. */
  lineage(): Lineage;
  /** Whether a host is two machines just now. */
  hasClone(host: string): boolean;
}

export class Checker {
  readonly agents: AgentRules;
  readonly volumes: VolumeRules;
  readonly words: WordRules;
  readonly fences: FenceRules;
  readonly reboots: RebootRules;
  readonly epochs: EpochRules;
  /** VMs have left hosts that were gone. */
  hasEvacuated = false;
  readonly #watched: Watched;
  readonly #powers: PowerRules;
  readonly #leased: LeaseRules;
  readonly #silence: Silence;
  readonly #news: NewsRules;
  readonly #steady = new Steady();
  /** What agents have said to each scheduler. */
  readonly #heard = new Map<SchedulerProcess, MoveRules>();
  /** Hosts that were two machines once: what the clone has said is believed until both have spoken. */
  readonly #cloned = new Set<string>();
  /** Machines that were granted a lease on the stream that they have, and have not been told since that they get none. */
  readonly #leasedNow = new Set<string>();
  /** Whom the newest stream of a machine's agent leads to. */
  readonly #ledBy = new Map<Machine, string>();
  /** When the newest lease of a machine ends, by its clock. */
  readonly #leaseEnds = new Map<Machine, number>();
  /** Hosts that were granted a lease since a journal was restored. */
  readonly #grantedSince = new Set<string>();
  /** Whose lease a host has. */
  readonly #leases = new Map<string, { name: string; life: Life | null }>();

  constructor(watched: Watched) {
    const { violate } = watched;
    this.#watched = watched;
    this.agents = new AgentRules(violate);
    this.volumes = new VolumeRules({
      violate,
      activeOn: (uid) => [...this.agents.activeOn(uid)].filter(({ host }) => !this.#cloned.has(host)),
    });
    this.words = new WordRules(violate, this.volumes);
    this.fences = new FenceRules(violate, watched.nowMs);
    this.reboots = new RebootRules(violate, watched.later);
    this.epochs = new EpochRules(violate);
    this.#powers = new PowerRules(violate);
    this.#leased = new LeaseRules(violate);
    this.#silence = new Silence(watched.nowMs);
    this.#news = new NewsRules(violate);
  }

  /** From now on it is two machines, or was. */
  onCloned(host: string): void {
    this.#cloned.add(host);
  }

  isCloned(host: string): boolean {
    return this.#cloned.has(host);
  }

  /** The journal of the scheduler in charge was restored from an old backup. */
  onRestored(): void {
    this.#grantedSince.clear();
    this.reboots.restored();
  }

  /** Whether this scheduler has granted it a lease on the stream that it has, and has not withheld one since. */
  hasLeaseOf(machine: Machine, scheduler: SchedulerProcess): boolean {
    return this.#leasedNow.has(machine.name) && this.#leases.get(machine.host)?.life === scheduler.life;
  }

  /** L1: a scheduler of that name takes the lease of a host to have ended. */
  onLapsed(host: string, name: string): void {
    if (this.#leases.get(host)?.name === name && !this.#cloned.has(host))
      this.words.onLapsed(this.#watched.machineOf(host));
  }

  /** Now and then. */
  look(machines: readonly Machine[]): void {
    const looks = new Map(machines.map((machine) => [machine, this.#steady.look(machine)]));
    const steady = (machine: Machine) => looks.get(machine) ?? 0;
    this.#leased.look(machines, this.#watched.lineage().state, steady);
    this.#news.look(machines.filter((machine) => steady(machine) > 1 && !this.#cloned.has(machine.host)));
  }

  /** What goes over a stream between a machine's agent and a scheduler, which is opened now. */
  ofStream(machine: Machine, to: SchedulerProcess, lineage: () => Lineage): Wiretap {
    const { violate, leader } = this.#watched;
    this.#leasedNow.delete(machine.name);
    this.#ledBy.set(machine, to.name);
    /** The scheduler's newest word about a lease on this stream was that there is none. */
    let isWithheld = false;
    const desiredSet = new DesiredSet(machine.host, violate);
    return {
      onSaid: (message) => {
        this.words.onSaid(machine, to, lineage(), message);
        desiredSet.onSaid(message, lineage().state);
        if (message.leaseGrant) isWithheld = false;
        if (!message.leaseWithheld && !message.rejected) return;
        isWithheld = true;
        this.#leasedNow.delete(machine.name);
      },
      onSays: (message) => {
        judgeSaid(machine, message, (uid) => this.agents.activeOn(uid).has(machine), violate);
        if (message.leaseRequest) this.#leased.onAsked(machine, message.leaseRequest.id);
        if (message.fenceResult) this.fences.onSaid(machine, message.fenceResult);
      },
      onWord: (message) => {
        this.#hears(to).onWord(machine.host, message);
        if (to !== leader()) return;
        this.#silence.onWord(machine.host, message);
        this.#news.onWord(machine.host, message);
      },
      onHeard: (message) => {
        if (!message.leaseGrant) return;
        this.#leased.onGranted(machine, message.leaseGrant);
        this.#grantedSince.add(machine.host);
        this.#leases.set(machine.host, { name: to.name, life: to.life });
        if (!isWithheld) this.#leasedNow.add(machine.name);
      },
    };
  }

  /** What a machine and its agent do. */
  readonly ofMachine: Pick<
    MachineParts,
    | 'onCall'
    | 'onEffect'
    | 'onAnswered'
    | 'onKept'
    | 'onObeyed'
    | 'onShown'
    | 'onDomain'
    | 'onRebooted'
    | 'onLeased'
  > = {
    onCall: (machine, call) => {
      this.agents.onCall(machine, call);
      this.volumes.onCall(machine, call);
      this.reboots.onCall(machine, call);
    },
    onEffect: (machine, effect) => {
      this.agents.onEffect(machine, effect);
      this.#powers.onEffect(machine, effect);
      this.reboots.onEffect(machine, effect);
    },
    onAnswered: (machine, agent, effect, result) => {
      this.reboots.onAnswered(machine, effect, result);
      if ('uid' in effect)
        this.agents.onAnswered(machine, agent.core.ledger.permit(effect.uid), effect, result);
    },
    onKept: (machine) => this.epochs.onKept(machine, machine.stateFile.epoch),
    onObeyed: (machine, agent, what, epoch) => {
      this.epochs.onObeyed(machine, agent, what, epoch, this.#ledBy.get(machine) ?? '');
    },
    onShown: (machine, agent, checkpoint) => {
      const kept = agent.core.ledger.checkpoint;
      this.epochs.onShown(machine, checkpoint, kept, this.#ledBy.get(machine) ?? '');
    },
    onDomain: (machine, uid) => {
      this.agents.onDomain(machine, uid);
      this.reboots.onDomain(machine, uid);
    },
    onRebooted: (machine, agent, uid) => this.reboots.onRebooted(machine, agent, uid),
    onLeased: (machine, endsAt) => {
      this.#leased.onLeased(machine, endsAt);
      this.#watchLease(machine, endsAt);
    },
  };

  /** What the journal of a scheduler has. */
  ofJournal(scheduler: () => SchedulerProcess): Onlookers {
    const { machineOf, leader, trueMs } = this.#watched;
    const isLeader = () => scheduler() === leader();
    return {
      trueMs,
      onFreed: (uid, host) => this.#freed(uid, host),
      onFound: (uid, not) => this.agents.foundElsewhere(uid, not),
      // Whoever a copy leads is silent for the one in charge alone.
      silentMs: (host) => (isLeader() ? this.#silence.of(host) : 0),
      onFenceOrdered: (host) => {
        // A journal that was restored by hand may have it as one that was lost since it was heard last.
        const isLed = this.#grantedSince.has(host) && this.#leases.get(host)?.name === scheduler().name;
        if (isLed && !this.#cloned.has(host)) this.words.onFenceOrdered(machineOf(host));
      },
      onStopProven: (host) => isLeader() && this.#stopProven(host),
      onOrderOver: (order) => this.fences.onOver(order),
      onParked: (uid, host) => this.#freed(uid, host),
      onHandedOver: (uid, from, move, isFromOff, runs) => {
        if (!this.#cloned.has(from)) this.#hears(scheduler()).onHandedOver(uid, from, move, isFromOff, runs);
        // By the word of one that never had it, as far as anybody knows.
        else if (this.#watched.hasClone(from)) this.agents.onTwin(uid);
      },
    };
  }

  /** L2: two time-outs of its watchdog after the lease nothing runs that stops with it, whatever has become of the agent. */
  #watchLease(machine: Machine, endsAt: number): void {
    const { watchdogTimeoutS, bootId, clock } = machine;
    if (watchdogTimeoutS === null) return;
    this.#leaseEnds.set(machine, endsAt);
    this.#watched.later(clock.until(endsAt + 2000 * watchdogTimeoutS + 50), () => {
      const isNewest = this.#leaseEnds.get(machine) === endsAt && machine.bootId === bootId;
      if (isNewest && machine.isOn) this.agents.checkStopped(machine);
    });
  }

  #hears(scheduler: SchedulerProcess): MoveRules {
    let rules = this.#heard.get(scheduler);
    if (rules === undefined) {
      rules = new MoveRules(this.#watched.violate);
      this.#heard.set(scheduler, rules);
    }
    return rules;
  }

  /** F1: by the watchdog rule nothing runs there that stops with the lease. */
  #stopProven(host: string): void {
    const { state } = this.#watched.lineage();
    const machine = this.#watched.machineOf(host);
    if (machine === undefined || this.#cloned.has(host)) return;
    for (const vm of state.vmsOfHost(host))
      if (isProvenOff(state.hosts.get(host), vm) && this.agents.activeOn(vm.uid).has(machine))
        this.#watched.violate(
          'F1',
          `VM ${vm.uid} is taken to have stopped with the lease of ${host}, and runs there`,
        );
  }

  /** O6: only when nothing of it runs there. */
  #freed(uid: string, host: string): void {
    const { lineage, violate } = this.#watched;
    const stands = lineage().state.hosts.get(host)?.state;
    if (stands === 'lost' || stands === 'fenced') this.hasEvacuated = true;
    if (this.#cloned.has(host)) return;
    for (const machine of this.agents.activeOn(uid))
      if (machine.host === host) violate('O6', `VM ${uid} was taken from ${host}, and runs there`);
  }
}
