/**
 * A VM and its host, resized, cancelled, stopped, started, crashed and reported late, in any order: whatever happens, the
 * VM holds at least what its domain has, and what it would have if it started now; and when it is quiet, no more.
 */
import fc from 'fast-check';
import { test } from 'tap';
import type { Observation } from '../../../scheduler/core/commands.js';
import type { Vm, VmSize } from '../../../scheduler/core/model.js';
import { isSameSize, sizeOf } from '../../../scheduler/core/sizes.js';
import { heldSpec } from '../../../scheduler/core/state.js';
import { holds } from '../holds.js';
import { replay } from './journal.js';
import { smallWorld, type World } from './world.js';

const sizes = {
  vcpus: fc.constantFrom(0, 1, 2, 4),
  memoryMib: fc.constantFrom(0, 1024, 2048, 4096),
  diskMib: fc.constantFrom(0, 1000, 2000, 3000),
};

const move = fc.oneof(
  fc.record({ kind: fc.constant('resize' as const), ...sizes }),
  fc.record({
    kind: fc.constantFrom(
      'cancel',
      'stop',
      'start',
      'restartScheduler',
      'tell',
      'grow',
      'adapt',
      'crash',
      'report',
    ),
  }),
  fc.record({ kind: fc.constantFrom('refuse', 'tell', 'adapt', 'report', 'hear', 'hear') }),
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

/** A host with one domain: what it was told, what it has made of it, and what it has said that is not heard yet. */
class Host {
  told: { size: VmSize; generation: number; runs: boolean };
  generation = 0;
  running = true;
  /** What the next start gives, and what the running copy has. The disk is both at once. */
  defined: VmSize;
  live: VmSize;
  readonly said: Observation[] = [];

  constructor(readonly vm: Vm) {
    this.told = this.word(vm);
    this.defined = sizeOf(vm.spec);
    this.live = this.defined;
    this.generation = vm.generation;
  }

  word(vm: Vm) {
    return { size: sizeOf(vm.spec), generation: vm.generation, runs: vm.desired === 'running' };
  }

  grow(): void {
    const diskMib = Math.max(this.defined.diskMib, this.told.size.diskMib);
    this.defined = { ...this.defined, diskMib };
    this.live = { ...this.live, diskMib };
  }

  /** Carries out what it was told: vCPUs are added live, memory and fewer vCPUs wait. */
  adapt(): void {
    this.grow();
    if (this.running && !this.told.runs) this.running = false;
    this.defined = { ...this.told.size, diskMib: this.defined.diskMib };
    if (!this.running) this.live = this.defined;
    else this.live = { ...this.live, vcpus: Math.max(this.live.vcpus, this.defined.vcpus) };
    this.running = this.told.runs;
    this.generation = this.told.generation;
  }

  crash(): void {
    this.live = this.defined;
  }

  observation(world: World, fault: Observation['fault'] = null): Observation {
    const { generation, live: size } = this;
    const seen = { generation, size, fault, toldGeneration: this.told.generation };
    return world.observationOf(this.vm, this.running ? 'running' : 'stopped', seen);
  }
}

function happen(world: World, host: Host, vm: Vm, plan: Move): void {
  switch (plan.kind) {
    case 'resize':
      if ('vcpus' in plan) world.try(world.resizeOf(vm, sizeOf(plan)));
      return;
    case 'cancel':
      if (vm.operation !== null) world.try({ type: 'operation.cancel', id: vm.operation });
      return;
    case 'stop':
      world.try(world.stopOf(vm));
      return;
    case 'start':
      world.try(world.startOf(vm));
      return;
    case 'restartScheduler': {
      const again = replay(world.journal).vms.get(vm.uid) as Vm;
      if (JSON.stringify(again) !== JSON.stringify(vm)) throw new Error('replayed, it is another one');
      return;
    }
    case 'tell':
      host.told = host.word(vm);
      return;
    case 'hear': {
      const observation = host.said.shift();
      if (observation !== undefined) world.run({ type: 'host.observe', id: 'a', observation });
      return;
    }
    case 'refuse':
      if (host.generation < host.told.generation) {
        host.said.push(host.observation(world, { code: 8, reason: 'FULL', message: 'no space' }));
      }
      return;
    case 'report':
      host.said.push(host.observation(world));
      return;
    default:
      host[plan.kind as 'grow' | 'adapt' | 'crash']();
  }
}

function check(world: World, vm: Vm, host: Host): void {
  const held = heldSpec(vm);
  for (const has of [host.live, host.defined]) {
    for (const resource of ['vcpus', 'memoryMib', 'diskMib'] as const) {
      if (held[resource] >= has[resource]) continue;
      throw new Error(`holds ${held[resource]} ${resource}, and its domain has ${has[resource]}`);
    }
  }
  const { vms: _, ...claimed } = world.state.hostTable.claimed('a');
  if (!isSameSize(claimed, held)) throw new Error('its host was claimed another size');
}

test('a VM holds what its domain has whatever happens, and no more when all is done', async (t) => {
  holds(
    t,
    fc.property(fc.array(move, { maxLength: 60, size: 'max' }), (moves) => {
      const world = smallWorld('a');
      const vm = world.settled('vm', { vcpus: 2, memoryMib: 2048, diskMib: 1000 });
      const host = new Host(vm);
      for (const plan of moves) {
        happen(world, host, vm, plan);
        check(world, vm, host);
      }
      for (const kind of ['stop', 'tell', 'adapt', 'report'] as const) happen(world, host, vm, { kind });
      while (host.said.length > 0) happen(world, host, vm, { kind: 'hear' });
      // A refusal that was still on its way may have ordered it back.
      for (const kind of ['tell', 'adapt', 'report', 'hear'] as const) happen(world, host, vm, { kind });
      check(world, vm, host);
      if (!isSameSize(heldSpec(vm), { ...vm.spec, diskMib: host.live.diskMib }))
        throw new Error('it holds more');
      if (vm.operation !== null) throw new Error('something is still under way');
    }),
    1000,
  );
});
