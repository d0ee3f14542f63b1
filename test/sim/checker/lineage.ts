/**
 * One journal from its first line, as it is on a disk, followed by somebody who knows everything: what is durable is
 * compared with what may be said, and each decision with the rules. A restored backup is another lineage.
 */
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import type { Change } from '../../../scheduler/core/changes.js';
import type { Resources, Vm } from '../../../scheduler/core/model.js';
import { heldOnHost, heldOnPeer, heldSpec, type State } from '../../../scheduler/core/state.js';
import { TenancyWitness } from '../../scheduler/core/tenancy-witness.js';
import { loading } from '../../../scheduler/store/load.js';
import { portraitOf } from '../../scheduler/core/portrait.js';
import type { Disk, Group } from '../disk.js';
import type { SchedulerProcess } from '../scheduler-process.js';
import type { Violate } from './violation.js';

/** A VM leaves this host, or nobody has it any more: nothing of it may run there. */
export type OnFreed = (uid: string, host: string) => void;

interface Before {
  host: string | null;
  /** The other host on which it is claimed. */
  peer: string | undefined;
  term: number;
  held: Readonly<Resources>;
  /** What an observation could change. */
  seen: string;
}

const nothing: ReadonlyMap<string, Before> = new Map();
const nothingHeld: Readonly<Resources> = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

export class Lineage {
  readonly #witness = new TenancyWitness();
  /** Sequence by the request id of the call that was decided with it. */
  readonly requests = new Map<string, number>();
  /** Hosts whose site stood in recovery when they said hello last. */
  readonly heardInRecovery = new Set<string>();
  /** Every VM that was ever made. */
  readonly made = new Set<string>();
  /** Times in it that are due to the past are not to be judged. */
  #judges = false;
  #lastMs = 0;

  constructor(
    disk: Disk,
    private readonly violate: Violate,
    private readonly onFreed: OnFreed,
  ) {
    for (const group of disk.groups) this.#follow(group);
    this.#judges = true;
    disk.onGroup = (group) => this.#follow(group);
  }

  /** As it is durable. */
  get state(): State {
    return this.#witness.state;
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
    const before = this.#judges ? this.#before(changes) : nothing;
    try {
      this.#witness.followLine(line);
    } catch (error) {
      this.violate('LIMITS', (error as Error).message);
      return;
    }
    this.#noteRequest(by?.r ?? '', changes);
    for (const change of changes) {
      if (change.type === 'vm.created') this.made.add(change.vm.uid);
      else if (change.type === 'host.connected') this.#noteHello(change.id);
      if (this.#judges) this.#judge(change, before);
    }
  }

  #before(changes: readonly Change[]): Map<string, Before> {
    const before = new Map<string, Before>();
    for (const change of changes) {
      if (change.type === 'host.connected') this.#judgeBoot(change.id, change.bootId);
      const uid = uidOf(change);
      const vm = uid === null ? undefined : this.state.vms.get(uid);
      if (uid === null || vm === undefined || before.has(uid)) continue;
      before.set(uid, {
        host: vm.host,
        peer: vm.move?.peer,
        term: vm.term,
        held: heldOnHost(vm),
        seen: change.type === 'vm.observed' ? seenOf(vm) : '',
      });
    }
    return before;
  }

  /** E4: a boot that was over does not speak again. */
  #judgeBoot(id: string, bootId: string): void {
    const host = this.state.hosts.get(id);
    if (host?.bootIds.slice(0, -1).includes(bootId) === true)
      this.violate('E4', `host ${id} is welcomed under a boot id that a newer one had followed`);
  }

  #noteHello(id: string): void {
    const site = this.state.hosts.get(id)?.site ?? '';
    if (this.state.federation.recoveringSites.includes(site)) this.heardInRecovery.add(id);
    else this.heardInRecovery.delete(id);
  }

  /** S3: a call is decided once, however often it is made. */
  #noteRequest(requestId: string, changes: readonly Change[]): void {
    if (requestId === '' || changes.length === 0) return;
    const earlier = this.requests.get(requestId);
    if (earlier !== undefined && this.#judges)
      this.violate('S3', `request ${requestId} was carried out at ${earlier} and at ${this.state.sequence}`);
    this.requests.set(requestId, this.state.sequence);
  }

  #judge(change: Change, before: ReadonlyMap<string, Before>): void {
    const uid = uidOf(change);
    if (uid === null) return;
    const was = before.get(uid);
    const vm = this.state.vms.get(uid);
    if (was?.host != null && vm?.host !== was.host) {
      if (change.type === 'vm.placed' || change.type === 'vm.unplaced' || change.type === 'vm.removed')
        this.onFreed(uid, was.host);
    }
    if (vm === undefined || vm.host === null) return;
    // A host that a VM is given: the first time, or another than before.
    const isClaimed = vm.host === was?.host || vm.host === was?.peer;
    if (change.type === 'vm.created' || (change.type === 'vm.placed' && !isClaimed)) {
      this.#judgePlace(vm, vm.host);
    }
    // One that is promised to another host.
    const peer = vm.move?.peer;
    if (peer !== undefined && peer !== was?.peer && peer !== was?.host) {
      this.#judgePlace(vm, peer);
      this.#judgeRoom(vm, peer, nothingHeld);
    }
    if (change.type === 'vm.placed' && was !== undefined && vm.term <= was.term)
      this.violate('O2', `VM ${uid} was placed under term ${vm.term}, and had ${was.term}`);
    if (change.type === 'vm.observed' && was !== undefined && was.seen === seenOf(vm))
      this.violate('S4', `an observation of VM ${uid} that tells nothing new was written`);
    if (grows.has(change.type))
      this.#judgeRoom(vm, vm.host, isClaimed && was !== undefined ? was.held : nothingHeld);
  }

  #judgePlace(vm: Vm, id: string): void {
    const host = this.state.hosts.get(id);
    if (host === undefined) return;
    const { recoveringSites } = this.state.federation;
    if (host.state === 'quarantined')
      this.violate('E4', `VM ${vm.id} was placed on ${host.id}, in quarantine`);
    else if (host.state !== 'ready')
      this.violate('LIMITS', `VM ${vm.id} was placed on ${host.id}, which is ${host.state}`);
    if (host.cordoned) this.violate('LIMITS', `VM ${vm.id} was placed on ${host.id}, which is cordoned`);
    if (recoveringSites.includes(host.site))
      this.violate('E2', `VM ${vm.id} was placed on ${host.site}, in recovery`);
  }

  /** Added up anew from the VMs of the host, and of the pool. */
  #judgeRoom(vm: Vm, id: string, before: Readonly<Resources>): void {
    const { state } = this;
    const host = state.hosts.get(id);
    if (host === undefined) return;
    const site = state.siteOf(host);
    const used = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };
    const holders = [...state.vmsOfHost(host.id)].map(heldOnHost);
    for (const held of [...holders, ...[...state.moving.withPeer(host.id)].map(heldOnPeer)]) {
      used.vcpus += held.vcpus;
      used.memoryMib += held.memoryMib;
      used.diskMib += held.diskMib;
      used.vms += held.vms;
    }
    const percent = host.vcpuOvercommitPercent ?? site.vcpuOvercommitPercent;
    const most = { ...host.capacity, vcpus: Math.floor((host.capacity.vcpus * percent) / 100) };
    // What runs on a host has its room, however much that is: then no more of it is given away.
    const now = heldOnHost(vm);
    for (const name of ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const) {
      if (used[name] > most[name] && now[name] > before[name])
        this.violate('LIMITS', `host ${host.id} holds ${used[name]} ${name} of ${most[name]}`);
    }
    const pool = state.pools.get(vm.spec.pool);
    if (pool === undefined) return;
    let usedMib = 0;
    for (const other of state.vms.values())
      if (other.spec.pool === pool.id && other.host !== null) usedMib += heldSpec(other).diskMib;
    if (usedMib > pool.capacityMib)
      this.violate('LIMITS', `pool ${pool.id} holds ${usedMib} MiB of ${pool.capacityMib}`);
  }
}

/** Changes after which a host may hold more, by a decision and not because it was found so. */
const grows: ReadonlySet<Change['type']> = new Set(['vm.created', 'vm.placed', 'vm.resized']);

function uidOf(change: Change): string | null {
  if (change.type === 'vm.created') return change.vm.uid;
  return change.type.startsWith('vm.') && 'uid' in change ? change.uid : null;
}

/** What an observation can change. */
function seenOf({
  state,
  observedGeneration,
  observedRebootCount,
  fault,
  sizeBefore,
  desired,
  parked,
}: Vm): string {
  return JSON.stringify([state, observedGeneration, observedRebootCount, fault, sizeBefore, desired, parked]);
}

/** Where two texts part. */
function parting(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 60);
  return `...${around(one)}... and ...${around(other)}...`;
}
