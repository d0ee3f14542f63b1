/**
 * The cluster of a scenario: the scheduler's own state, changed only by the scheduler's own commands. There is no
 * agent; what agents would say is said for them. The clock stands still until a step lets days go by.
 */
import { apply } from '../core/apply.js';
import type { Change } from '../core/changes.js';
import type { CommandOf, CommandType, NewVm, ReplyOf, VmShape } from '../core/commands.js';
import { takeDue } from '../core/tenancy/due.js';
import { decide } from '../core/decide.js';
import { sortedExtras } from '../core/extras.js';
import type {
  Extras,
  GroupPolicy,
  Host,
  HostCapacity,
  HostState,
  NumaCell,
  Resources,
  Vm,
} from '../core/model.js';
import type { Refusal } from '../core/refusal.js';
import { State } from '../core/state.js';
import type { Scenario } from './format.js';
import type { HostChange, HostEntry, SiteChange } from './format-hosts.js';
import type { Shape } from './format-vms.js';
import { Impossible } from './impossible.js';
import { cellsIn, layoutIn } from './layouts.js';

const dayMs = 86_400_000;
const machineOf = (host: string) => `machine-of-${host}`;
const report = { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [] };

const policies: Record<'apart' | 'together' | 'spread', GroupPolicy> = {
  apart: 'anti_affinity',
  together: 'affinity',
  spread: 'spread',
};

interface Machine {
  capacity: Resources;
  extras: Extras;
  cells: NumaCell[];
  architecture: string;
  cpuFeatures: string[];
}

export class Cluster {
  readonly state: State;
  readonly #scenario: Scenario;
  readonly #machines = new Map<string, Machine>();
  #drawn = 0;
  /** When everything happens that is done: not before the newest VM that was there from the start. */
  nowMs: number;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.state = new State(scenario.strategy);
    this.nowMs = scenario.vms.reduce((newest, { createdMs }) => Math.max(newest, createdMs), 0);
    this.run({ type: 'federation.open', instance: 'simulation', name: 'simulation', incarnation: 1 });
  }

  /** Decides, and applies what was decided. */
  try<T extends CommandType>(command: CommandOf<T>): { reply: ReplyOf<T> } | { refusal: Refusal } {
    const decision = decide(this.state, command, this.nowMs);
    if (decision.refusal) return { refusal: decision.refusal };
    for (const change of decision.changes) apply(this.state, change, this.nowMs);
    if (decision.changes.length > 0) this.state.sequence += 1;
    this.#settle();
    return { reply: decision.reply(this.state) };
  }

  /** @throws Impossible when it is refused. */
  run<T extends CommandType>(command: CommandOf<T>): ReplyOf<T> {
    const outcome = this.try(command);
    if ('refusal' in outcome) throw new Impossible(outcome.refusal.message);
    return outcome.reply;
  }

  /** A change that no command makes. */
  apply(change: Change): void {
    apply(this.state, change, this.nowMs);
    this.#settle();
  }

  wait(days: number): void {
    this.nowMs += days * dayMs;
    this.#settle();
  }

  /** What is due without anybody asking. */
  #settle(): void {
    for (let due = takeDue(this.state, this.nowMs); due !== null; due = takeDue(this.state, this.nowMs))
      this.run(due);
    // Nobody stores or watches what was touched.
    this.state.takeTouched();
  }

  draw(kind: string): string {
    this.#drawn += 1;
    return `${kind}-${this.#drawn}`;
  }

  administrationOf({ administration }: { administration?: string | undefined }): string {
    return administration ?? only(this.#scenario.administrations);
  }

  shape(shape: Shape): VmShape {
    const { vcpus, memory, disk, image, pool = '', sites, countries, jurisdictions, excludedHosts } = shape;
    const groups = shape.groups.map(({ policy, maxSkew, ...rule }) => ({
      ...rule,
      policy: policies[policy],
      maxSkew: policy === 'spread' ? (maxSkew ?? 1) : 0,
    }));
    return {
      vcpus,
      memoryMib: memory,
      diskMib: disk,
      image: image ?? only(this.#scenario.images),
      pool,
      extras: sortedExtras(shape.extras),
      ...layoutIn(shape),
      priority: shape.priority,
      ...(shape.class === undefined ? {} : { dataClass: shape.class }),
      placement: {
        sites,
        countries,
        excludedHosts,
        jurisdictions,
        requiredTraits: shape.requireTraits,
        forbiddenTraits: shape.forbidTraits,
        preferredTraits: shape.preferTraits,
        preferredSites: shape.preferSites,
        preferredSitesInOrder: shape.preferSitesInOrder,
        preferCheap: shape.preferCheap,
        ...(groups.length > 0 ? { groups } : {}),
      },
    };
  }

  newVm(id: string, shape: VmShape): NewVm {
    return {
      ...shape,
      uid: this.draw('vm'),
      id,
      title: '',
      labels: {},
      policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
      power: 'running',
      deletionProtection: false,
    };
  }

  vm(name: string): Vm | undefined {
    for (const administration of this.state.administrations.keys()) {
      const vm = this.state.vmByName(administration, name);
      if (vm !== undefined) return vm;
    }
    return undefined;
  }

  join({ ids, site = only(this.#scenario.sites), rack, state, ...entry }: HostEntry): void {
    for (const id of ids) {
      this.run({ type: 'host.join', id, site, rack, machineId: machineOf(id) });
      this.#machines.set(id, {
        capacity: { vcpus: entry.vcpus, memoryMib: entry.memory, diskMib: entry.disk, vms: entry.vms },
        extras: entry.extras,
        cells: cellsIn(entry.cells),
        architecture: entry.architecture,
        cpuFeatures: entry.cpuFeatures,
      });
      const { traits, dedicatedTo, vcpuOvercommit, cordoned } = entry;
      this.#change(id, { traits, dedicatedTo, vcpuOvercommit, cordoned });
      this.#bring(id, state);
    }
  }

  setHost({ host: id, ...change }: HostChange): void {
    const { state } = this.#host(id);
    const machine = this.#machines.get(id) as Machine;
    const { vcpus, memory, disk, vms, architecture, cpuFeatures } = change;
    const { capacity } = machine;
    this.#machines.set(id, {
      capacity: {
        vcpus: vcpus ?? capacity.vcpus,
        memoryMib: memory ?? capacity.memoryMib,
        diskMib: disk ?? capacity.diskMib,
        vms: vms ?? capacity.vms,
      },
      extras: change.extras ?? machine.extras,
      cells: change.cells === undefined ? machine.cells : cellsIn(change.cells),
      architecture: architecture ?? machine.architecture,
      cpuFeatures: cpuFeatures ?? machine.cpuFeatures,
    });
    this.#change(id, change);
    this.#bring(id, change.state ?? state);
  }

  setSite({ site: id, vcpuOvercommit, recovering, cordoned, ...change }: SiteChange): void {
    this.run({ type: 'site.update', id, etag: '', vcpuOvercommitPercent: vcpuOvercommit, ...change });
    if (cordoned !== undefined) this.run({ type: 'site.cordon', id, cordoned });
    if (recovering === undefined || recovering === this.state.federation.recoveringSites.includes(id)) return;
    if (recovering) this.run({ type: 'recovery.enter', sites: [id], reason: 'as the scenario says' });
    else this.run({ type: 'recovery.end', site: id, force: true });
  }

  /** The lease of a host has ended. */
  lose(id: string): void {
    this.#bring(id, 'lost');
  }

  #host(id: string): Host {
    const host = this.state.hosts.get(id);
    if (host === undefined) throw new Impossible(`host "${id}" has not joined yet`);
    return host;
  }

  #change(id: string, { traits, dedicatedTo, vcpuOvercommit, cordoned }: Omit<HostChange, 'host'>): void {
    const vcpuOvercommitPercent = vcpuOvercommit;
    this.run({ type: 'host.update', id, etag: '', traits, dedicatedTo, vcpuOvercommitPercent });
    if (cordoned !== undefined) this.run({ type: 'host.cordon', id, cordoned });
  }

  /** Lets its agent say what the machine has, and then brings the host to this state. */
  #bring(id: string, target: HostState): void {
    const host = this.#host(id);
    if (target !== 'joined') this.#hello(id);
    const reason = 'as the scenario says';
    if (target === 'suspect') this.run({ type: 'host.disconnected', id, reason });
    if (target === 'lost') this.run({ type: 'host.lapsed', id, reason });
    if (target === 'quarantined') this.run({ type: 'host.quarantine', id, reason });
    if (target === 'retired') this.run({ type: 'host.retire', id, etag: '' });
    if (host.state !== target)
      throw new Impossible(`host "${id}" is ${host.state}, and cannot become ${target} from there`);
  }

  #hello(id: string): void {
    const { capacity: amounts, extras, cells, ...inventory } = this.#machines.get(id) as Machine;
    const capacity: HostCapacity = { ...amounts, extras: sortedExtras(extras), cells };
    const boot = { machineId: machineOf(id), bootId: 'boot-1' };
    this.run({
      type: 'host.hello',
      id,
      ...boot,
      inventory,
      capacity,
      report,
      shown: null,
      journalBehind: null,
    });
  }
}

/** The name that is meant when there is only one. */
function only(named: Record<string, unknown>): string {
  return Object.keys(named)[0] as string;
}
