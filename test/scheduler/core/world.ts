/**
 * A federation that a test can talk to in one line: commands go through `decide` and `apply` as the engine does it,
 * journal lines included, with a clock that the test moves. What a test does not care about has a plain default.
 */
import { apply } from '../../../scheduler/core/apply.js';
import type { Change } from '../../../scheduler/core/changes.js';
import type {
  CommandOf,
  CommandType,
  DomainState,
  HostReport,
  NewVm,
  Observation,
  ReplyOf,
} from '../../../scheduler/core/commands.js';
import { takeDue } from '../../../scheduler/core/tenancy/due.js';
import { decide } from '../../../scheduler/core/decide.js';
import type { Fault, Host, HostCapacity, Operation, Resources, Vm } from '../../../scheduler/core/model.js';
import type { Refusal } from '../../../scheduler/core/refusal.js';
import { State } from '../../../scheduler/core/state.js';

export const answering: HostReport = {
  libvirtAvailable: true,
  libvirtError: '',
  foreignDomains: 0,
  orphans: [],
};

export const roomy: Resources = { vcpus: 64, memoryMib: 65_536, diskMib: 1_000_000, vms: 100 };

export class World {
  nowMs = 1_700_000_000_000;
  /** One line a decision that changed something, as the journal has it. */
  readonly journal: string[] = [];
  /** The changes of the newest decision. */
  changes: Change[] = [];
  #drawn = 0;

  constructor(readonly state: State = new State()) {}

  /** An id that was not drawn before. */
  draw(kind: string): string {
    this.#drawn += 1;
    // Not even by a world that went on from this one's state.
    return `${kind}-${this.state.sequence}-${this.#drawn}`;
  }

  /** Decides and applies; gives the reply or the refusal. */
  try<T extends CommandType>(command: CommandOf<T>): { reply: ReplyOf<T> } | { refusal: Refusal } {
    this.catchUp();
    const outcome = this.#decide(command);
    const { changes } = this;
    this.catchUp();
    this.changes = changes;
    return outcome;
  }

  /** Decides what is due by now, as the engine does before and after each decision. */
  catchUp(): void {
    for (let due = takeDue(this.state, this.nowMs); due !== null; due = takeDue(this.state, this.nowMs))
      this.#decide(due);
  }

  #decide<T extends CommandType>(command: CommandOf<T>): { reply: ReplyOf<T> } | { refusal: Refusal } {
    const decision = decide(this.state, command, this.nowMs);
    if (decision.refusal) return { refusal: decision.refusal };
    this.changes = decision.changes;
    if (decision.changes.length > 0) {
      this.journal.push(JSON.stringify([this.nowMs, decision.changes]));
      for (const change of decision.changes) apply(this.state, change, this.nowMs);
      this.state.sequence += 1;
      this.state.lastMs = this.nowMs;
    }
    return { reply: decision.reply(this.state) };
  }

  /** What must be accepted. */
  run<T extends CommandType>(command: CommandOf<T>): ReplyOf<T> {
    const outcome = this.try(command);
    if ('refusal' in outcome) throw new Error(`${command.type} was refused: ${outcome.refusal.message}`);
    return outcome.reply;
  }

  /** What must be refused. */
  refused<T extends CommandType>(command: CommandOf<T>): Refusal {
    const outcome = this.try(command);
    if ('reply' in outcome) throw new Error(`${command.type} was accepted`);
    return outcome.refusal;
  }

  site(id: string, country = 'HR', partner = 'p'): void {
    this.run({ type: 'site.create', id, title: '', partner, country, jurisdictions: ['EU'] });
  }

  administration(id: string, parent: string | null = null, country = 'HR'): void {
    this.run({ type: 'administration.create', id, title: '', parent, country });
  }

  image(id: string, virtualSizeMib = 100, architecture = 'x86_64'): void {
    this.run({
      type: 'image.create',
      uid: this.draw('image'),
      id,
      title: '',
      digest: `sha256:${'0'.repeat(64)}`,
      format: 'qcow2',
      sizeBytes: 1000,
      virtualSizeMib,
      source: `https://images.test/${id}`,
      architecture,
    });
  }

  join(id: string, site: string): Host {
    return this.run({ type: 'host.join', id, site, rack: '', machineId: `machine-of-${id}` });
  }

  hello(id: string, change: Partial<CommandOf<'host.hello'>> = {}): Host {
    return this.run(this.helloOf(id, change));
  }

  helloOf(id: string, change: Partial<CommandOf<'host.hello'>> = {}): CommandOf<'host.hello'> {
    return {
      type: 'host.hello',
      id,
      machineId: `machine-of-${id}`,
      bootId: 'boot-1',
      inventory: { architecture: 'x86_64', migrationUri: `qemu+tls://${id}.test/system` },
      capacity: roomy,
      report: answering,
      shown: null,
      journalBehind: null,
      ...change,
    };
  }

  /** A host that is joined and ready. */
  host(id: string, site: string, capacity: Partial<HostCapacity> = {}): Host {
    this.join(id, site);
    return this.hello(id, { capacity: { ...roomy, ...capacity } });
  }

  newVm(id: string, change: Partial<NewVm> = {}): NewVm {
    return {
      uid: this.draw('vm'),
      id,
      title: '',
      labels: {},
      vcpus: 1,
      memoryMib: 1024,
      diskMib: 1000,
      image: 'tiny',
      pool: '',
      policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
      placement: { sites: [], countries: [], excludedHosts: [] },
      power: 'running',
      deletionProtection: false,
      ...change,
    };
  }

  createOf(vms: NewVm[], administration = 'adm'): CommandOf<'vm.create'> {
    return { type: 'vm.create', administration, vms, operation: this.draw('operation') };
  }

  create(...vms: NewVm[]): { vms: Vm[]; operation: Operation } {
    const { vms: made, operation } = this.run(this.createOf(vms));
    if (operation === null) throw new Error('no VM was made');
    return { vms: made, operation };
  }

  /** A VM that was just created. */
  vm(id: string, change: Partial<NewVm> = {}): Vm {
    return this.create(this.newVm(id, change)).vms[0] as Vm;
  }

  /** A VM that its host has brought to what is desired. */
  settled(id: string, change: Partial<NewVm> = {}): Vm {
    const vm = this.vm(id, change);
    this.see(vm, vm.desired === 'stopped' ? 'stopped' : 'running');
    return vm;
  }

  /** What the owner of a VM would say of it now. */
  observationOf(vm: Vm, state: DomainState, change: Partial<Observation> = {}): Observation {
    return {
      uid: vm.uid,
      term: vm.term,
      generation: vm.generation,
      state,
      rebootCount: vm.rebootCount,
      fault: null,
      ...change,
    };
  }

  /** The VM's host, or another one, says what it sees. */
  see(
    vm: Vm,
    state: DomainState,
    change: Partial<Observation> = {},
    host: string = vm.host ?? 'nowhere',
  ): void {
    this.run({ type: 'host.observe', id: host, observation: this.observationOf(vm, state, change) });
  }

  start(vm: Vm, etag = ''): { vm: Vm; operation: Operation } {
    return this.run(this.startOf(vm, etag));
  }

  startOf(vm: Vm, etag = ''): CommandOf<'vm.start'> {
    return { type: 'vm.start', vm: { uid: vm.uid }, operation: this.draw('operation'), etag };
  }

  stopOf(vm: Vm, mode: 'graceful' | 'force' = 'graceful'): CommandOf<'vm.stop'> {
    const operation = this.draw('operation');
    return { type: 'vm.stop', vm: { uid: vm.uid }, mode, graceSeconds: 60, operation, etag: '' };
  }

  stop(vm: Vm, mode: 'graceful' | 'force' = 'graceful'): { vm: Vm; operation: Operation } {
    return this.run(this.stopOf(vm, mode));
  }

  rebootOf(vm: Vm): CommandOf<'vm.reboot'> {
    const operation = this.draw('operation');
    return { type: 'vm.reboot', vm: { uid: vm.uid }, mode: 'graceful', operation, etag: '' };
  }

  resizeOf(vm: Vm, size: Partial<{ vcpus: number; memoryMib: number; diskMib: number }>) {
    const sizes = { vcpus: 0, memoryMib: 0, diskMib: 0, ...size };
    const operation = this.draw('operation');
    return { type: 'vm.resize' as const, vm: { uid: vm.uid }, ...sizes, operation, etag: '' };
  }

  deleteOf(vm: Vm, etag = ''): CommandOf<'vm.delete'> {
    return { type: 'vm.delete', vm: { uid: vm.uid }, operation: this.draw('operation'), etag };
  }

  delete(vm: Vm): { vm: Vm; operation: Operation } {
    return this.run(this.deleteOf(vm));
  }
}

export function fault(reason: string): Fault {
  return { code: 9, reason, message: `because of ${reason}` };
}

/** One site, one administration, one image, and as many hosts as are named. */
export function smallWorld(...hosts: string[]): World {
  const world = new World();
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  for (const host of hosts) world.host(host, 'zagreb');
  return world;
}
