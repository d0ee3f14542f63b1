/**
 * One journal from its first line, as it is on a disk, followed by somebody who knows everything: what is durable is
 * compared with what may be said, and each decision with the rules. A restored backup is another lineage.
 */
import type { By, JournalLine } from '../../../scheduler/core/audit/line.js';
import type { Change } from '../../../scheduler/core/changes.js';
import { leftoverOf } from '../../../scheduler/core/elsewhere/leftovers.js';
import type { Leftover, Move, Resources, Vm } from '../../../scheduler/core/model.js';
import { heldOnHost, heldSpec, type State } from '../../../scheduler/core/state.js';
import { TenancyWitness } from '../../scheduler/core/tenancy-witness.js';
import { loading } from '../../../scheduler/store/load.js';
import { portraitOf } from '../../scheduler/core/portrait.js';
import type { Disk, Group } from '../disk.js';
import type { SchedulerProcess } from '../scheduler-process.js';
import { isByItself, isProvenOff, judgeEvacuation, judgeFence, SlowPace } from './evacuations.js';
import { HelloRules } from './hellos.js';
import { OperationRules } from './operations.js';
import { judgeAsked, judgeStay } from './moves.js';
import { judgePlace } from './places.js';
import { judgePool, judgeRoom } from './rooms.js';
import { alteredBy } from './sameness.js';
import { TermRules } from './terms.js';
import { TimeRules } from './times.js';
import type { RuleName, Violate } from './violation.js';

/** Those who know what is on the machines. */
export interface Onlookers {
  /** What time it truly is, in milliseconds since 1970. */
  trueMs(): number;
  /** A VM leaves this host, or nobody has it any more: nothing of it may run there. */
  onFreed(uid: string, host: string): void;
  /** E2: it is found on another host than this, under a term that the journal did not have. */
  onFound(uid: string, not: string): void;
  /** For how long a host has not asked for a lease. */
  silentMs(host: string): number;
  /** It is to be powered off, and no operator has said so. */
  onFenceOrdered(host: string): void;
  /** This order to power a host off stands no more. */
  onOrderOver(order: string): void;
  /** What stops with the host's lease is taken to have stopped. */
  onStopProven(host: string): void;
  /** It is stopped, and gives up what it held but its disk. */
  onParked(uid: string, host: string): void;
  /** The host that it was promised to has it. */
  onHandedOver(uid: string, from: string, move: Move, isFromOff: boolean, runs: boolean): void;
}

interface Before {
  host: string | null;
  /** The other host on which it is claimed. */
  peer: string | undefined;
  term: number;
  held: Readonly<Resources>;
  /** What of a shared pool it held. */
  onPoolMib: number;
  move: Move | undefined;
  /** Whether it was proven to be off there. */
  isOff: boolean;
}

const nothing: ReadonlyMap<string, Before> = new Map();
const nothingHeld: Readonly<Resources> = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

export class Lineage {
  readonly #witness = new TenancyWitness();
  readonly #operations: OperationRules;
  /** Sequence by the request id of the call that was decided with it. */
  readonly requests = new Map<string, number>();
  /** Every VM that was ever made. */
  readonly made = new Set<string>();
  readonly #terms: TermRules;
  readonly #times: TimeRules;
  readonly #hellos: HelloRules;
  readonly #slowPace = new SlowPace();
  /** Times in it that are due to the past are not to be judged. */
  #judges = false;
  #lastMs = 0;

  constructor(
    disk: Disk,
    private readonly violate: Violate,
    private readonly onlookers: Onlookers,
  ) {
    this.#operations = new OperationRules(this.state, violate);
    this.#terms = new TermRules(this.state, violate);
    this.#times = new TimeRules(this.state, violate);
    this.#hellos = new HelloRules(this.state, violate, (order) => onlookers.onOrderOver(order));
    for (const group of disk.groups) this.#follow(group);
    this.#judges = true;
    disk.onGroup = (group) => this.#follow(group);
  }

  /** As it is durable. */
  get state(): State {
    return this.#witness.state;
  }

  /** Hosts whose site stood in recovery when they said hello last. */
  get heardInRecovery(): ReadonlySet<string> {
    return this.#hellos.inRecovery;
  }

  /** The journal from nothing, what the disk has, and what the scheduler has in memory are the same, byte for byte. */
  checkReplay({ engine, disk }: SchedulerProcess): void {
    if (engine === null) return;
    const replayed = JSON.stringify(portraitOf(this.state));
    const { handlers, loaded } = loading();
    const onDisk = JSON.stringify(portraitOf(loaded(disk.load(handlers)).state));
    const inMemory = JSON.stringify(portraitOf(engine.state));
    if (replayed !== inMemory)
      this.violate('REPLAY', `the journal replays to another state: ${parting(replayed, inMemory)}`);
    if (onDisk !== inMemory)
      this.violate('REPLAY', `the disk has another state: ${parting(onDisk, inMemory)}`);
  }

  #follow({ text }: Group): void {
    for (const line of text.split('\n')) this.#followLine(line);
  }

  #followLine(text: string): void {
    const line = JSON.parse(text) as JournalLine;
    const [atMs, changes, by] = line;
    if (atMs < this.#lastMs)
      this.violate('E3', `a decision is of ${atMs}, and the one before of ${this.#lastMs}`);
    this.#lastMs = atMs;
    if (this.#judges) this.#times.before(atMs, Math.round(atMs - this.onlookers.trueMs()), changes);
    const before = this.#judges ? this.#before(changes) : nothing;
    const altered = this.#judges ? changes.map((change) => alteredBy(this.state, change)) : [];
    for (const change of changes) this.#operations.note(change);
    if (this.#judges) this.#operations.before(changes, by);
    try {
      this.#witness.followLine(line);
    } catch (error) {
      this.violate('LIMITS', (error as Error).message);
      return;
    }
    this.#noteRequest(by?.r ?? '', changes);
    for (const change of changes) {
      if (change.type === 'vm.created') this.made.add(change.vm.uid);
      else if (change.type === 'federation.opened') this.#slowPace.begin();
      this.#terms.note(change, this.#judges);
      this.#hellos.after(change);
      if (!this.#judges) continue;
      if (change.type === 'host.stop_proven' && change.pace === undefined)
        this.onlookers.onStopProven(change.id);
      this.#judge(change, before, changes);
      this.#judgeEnd(change, before, changes, by);
      this.#operations.after(change);
    }
    if (this.#judges) this.#judgeNews(changes, altered);
    if (this.#judges) this.#times.after(atMs);
  }

  /** S4: what is written says something new. */
  #judgeNews(changes: readonly Change[], altered: readonly (string | null)[]): void {
    changes.forEach((change, index) => {
      const was = altered[index];
      const about = subjectOf(change);
      if (was == null || changes.some((other) => other !== change && subjectOf(other) === about)) return;
      if (alteredBy(this.state, change) === was)
        this.violate('S4', `${JSON.stringify(change).slice(0, 200)} tells nothing new, and was written`);
    });
  }

  #before(changes: readonly Change[]): Map<string, Before> {
    const before = new Map<string, Before>();
    for (const change of changes) {
      this.#hellos.before(change);
      if (change.type === 'host.fence' && isByItself(this.state, change)) {
        judgeFence(this.state, change, this.onlookers.silentMs, this.violate);
        this.onlookers.onFenceOrdered(change.id);
      }
      const uid = uidOf(change);
      const vm = uid === null ? undefined : this.state.vms.get(uid);
      if (uid === null || vm === undefined || before.has(uid)) continue;
      before.set(uid, {
        host: vm.host,
        peer: vm.move?.peer,
        term: vm.term,
        held: heldOnHost(vm),
        onPoolMib: vm.host === null ? 0 : heldSpec(vm).diskMib,
        move: vm.move,
        isOff: isProvenOff(this.state.hosts.get(vm.host ?? ''), vm),
      });
    }
    return before;
  }

  /** S3: a call is decided once, however often it is made. */
  #noteRequest(requestId: string, changes: readonly Change[]): void {
    if (requestId === '' || changes.length === 0) return;
    const earlier = this.requests.get(requestId);
    if (earlier !== undefined && this.#judges)
      this.violate('S3', `request ${requestId} was carried out at ${earlier} and at ${this.state.sequence}`);
    this.requests.set(requestId, this.state.sequence);
  }

  #judge(change: Change, before: ReadonlyMap<string, Before>, changes: readonly Change[]): void {
    const uid = uidOf(change);
    if (uid === null) return;
    const was = before.get(uid);
    const vm = this.state.vms.get(uid);
    if (was?.host != null && vm?.host !== was.host) {
      if (change.type === 'vm.placed' || change.type === 'vm.unplaced' || change.type === 'vm.removed')
        this.onlookers.onFreed(uid, was.host);
      if (change.type === 'vm.adopted') {
        this.onlookers.onFound(uid, was.host);
        if (vm !== undefined) this.#judgeLeft('E2', vm, was.host);
      }
      if (change.type === 'vm.placed' && was.move !== undefined && vm?.host === was.move.peer)
        this.onlookers.onHandedOver(uid, was.host, was.move, was.isOff, isSeenRunning(changes, uid));
      if (change.type === 'vm.placed' && was.isOff && was.move === undefined && vm !== undefined) {
        judgeEvacuation(this.state, vm, was.host, this.violate);
        const host = this.state.hosts.get(was.host);
        const { sequence } = this.state;
        const at = { sequence, atMs: this.#lastMs, durableMs: this.onlookers.trueMs() };
        if (host !== undefined) this.#slowPace.judge(host, at, this.violate);
        const left = this.#judgeLeft('F4', vm, was.host);
        if (left !== undefined && left.keepVolumes !== (vm.spec.pool !== ''))
          this.violate(
            'F4',
            `VM ${uid} has its disk on ${vm.spec.pool || was.host}, which is the only one to keep`,
          );
      }
    }
    if (vm === undefined || vm.host === null) return;
    // A host that a VM is given: the first time, or another than before.
    const isClaimed = vm.host === was?.host || vm.host === was?.peer;
    if (change.type === 'vm.created' || (change.type === 'vm.placed' && !isClaimed)) {
      judgePlace(this.state, vm, vm.host, this.violate);
    }
    // One that is promised to another host.
    const peer = vm.move?.peer;
    if (peer !== undefined && peer !== was?.peer && peer !== was?.host) {
      judgePlace(this.state, vm, peer, this.violate);
      judgeRoom(this.state, vm, peer, nothingHeld, this.violate);
    }
    if (change.type === 'vm.placed' && was !== undefined && vm.term <= was.term)
      this.violate('O2', `VM ${uid} was placed under term ${vm.term}, and had ${was.term}`);
    if (change.type === 'vm.parked') this.onlookers.onParked(uid, vm.host);
    if (!grows.has(change.type)) return;
    judgeRoom(this.state, vm, vm.host, isClaimed && was !== undefined ? was.held : nothingHeld, this.violate);
    judgePool(this.state, vm, was?.onPoolMib ?? 0, this.violate);
  }

  /** A VM is on its way no more, and stays where it was, or is started on a third host. */
  #judgeEnd(
    change: Change,
    before: ReadonlyMap<string, Before>,
    changes: readonly Change[],
    by: By | undefined,
  ): void {
    if (change.type !== 'vm.placed' && (change.type !== 'vm.move' || change.move !== null)) return;
    const was = before.get(change.uid);
    const vm = this.state.vms.get(change.uid);
    if (was?.move === undefined || vm === undefined || vm.host === was.move.peer) return;
    const end = { state: this.state, vm, was: { ...was, move: was.move }, by };
    if (vm.host !== was.host) {
      judgeAsked(end, this.violate);
      return;
    }
    const isMissing = changes.some(
      (other) => other.type === 'vm.observed' && other.uid === vm.uid && other.state === 'missing',
    );
    judgeStay(end, isMissing, this.violate);
  }

  /** Whoever may have a VM that lives elsewhere now is to hear that it is to let go of it: of what, it gives. */
  #judgeLeft(rule: RuleName, { uid, host }: Vm, from: string): Leftover | undefined {
    const former = this.state.hosts.get(from);
    if (former === undefined || host === from) return undefined;
    const left = leftoverOf(former, uid);
    if (left === undefined)
      this.violate(rule, `VM ${uid} is on ${host}, and ${from} is not told to let go of it`);
    return left;
  }
}

/** Changes after which a host may hold more, by a decision and not because it was found so. */
const grows: ReadonlySet<Change['type']> = new Set(['vm.created', 'vm.placed', 'vm.resized']);

function uidOf(change: Change): string | null {
  if (change.type === 'vm.created') return change.vm.uid;
  return change.type.startsWith('vm.') && 'uid' in change ? change.uid : null;
}

/** Of which host or VM it is. */
function subjectOf(change: Change): string | null {
  if (!change.type.startsWith('host.')) return uidOf(change);
  return 'id' in change ? change.id : null;
}

/** Whether it is also said that it runs there. */
function isSeenRunning(changes: readonly Change[], uid: string): boolean {
  return changes.some(
    (change) => change.type === 'vm.observed' && change.uid === uid && change.state === 'running',
  );
}

/** Where two texts part. */
function parting(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 60);
  return `...${around(one)}... and ...${around(other)}...`;
}
