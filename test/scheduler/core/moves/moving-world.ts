/** A federation with a shared pool, whose hosts take running VMs, and short words for what happens to a VM that moves. */
import type { DomainState, NewVm, Observation } from '../../../../scheduler/core/commands.js';
import type { Move, MoveMode, Operation, Vm } from '../../../../scheduler/core/model.js';
import { smallWorld, type World } from '../world.js';

export const uriOf = (host: string) => `qemu+tls://${host}.test/system`;

export interface MovingWorld {
  world: World;
  vm: Vm;
}

/** A VM that is settled on host `a`, with its disk on a pool that all hosts mount. */
export function movingWorld(change: Partial<NewVm> = {}, hosts = ['a', 'b', 'c']): MovingWorld {
  const world = smallWorld(...hosts);
  const site = 'zagreb';
  world.run({ type: 'pool.create', id: 'san', site, path: '/srv/san', hosts, capacityMib: 100_000 });
  const placement = { sites: [], countries: [], excludedHosts: hosts.filter((id) => id !== 'a') };
  const vm = world.settled('vm', { pool: 'san', placement, ...change });
  vm.placement.excludedHosts = [];
  return { world, vm };
}

export const migrateOf = (world: World, vm: Vm, mode: MoveMode | null = null, host: string | null = 'b') => ({
  type: 'vm.migrate' as const,
  vm: { uid: vm.uid },
  host,
  mode,
  graceSeconds: 30,
  operation: world.draw('operation'),
  etag: '',
});

export function migrate(
  { world, vm }: MovingWorld,
  mode: MoveMode | null = null,
  host: string | null = 'b',
): Operation {
  return world.run(migrateOf(world, vm, mode, host)).operation;
}

/** What the other host of a live move says, under the term that it was promised. */
export function seeAtPeer(
  { world, vm }: MovingWorld,
  state: DomainState,
  change: Partial<Observation> = {},
): void {
  const { peer, term = 0 } = vm.move as Move;
  world.see(vm, state, { term, ...change }, peer);
}

/** A live move, as far as the VM is being handed over. */
export function handingOver(change: Partial<NewVm> = {}): MovingWorld & { operation: Operation } {
  const moving = movingWorld(change);
  const operation = migrate(moving, 'live');
  seeAtPeer(moving, 'awaited');
  return { ...moving, operation };
}

/** A cold move, as far as the VM is on its new host, which has said nothing yet. */
export function arriving(change: Partial<NewVm> = {}): MovingWorld & { operation: Operation } {
  const moving = movingWorld(change);
  const operation = migrate(moving, 'cold');
  if (moving.vm.desired === 'running') moving.world.see(moving.vm, 'stopped');
  moving.world.see(moving.vm, 'absent');
  return { ...moving, operation };
}

export function lose(world: World, id: string): void {
  world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id, reason: 'its lease ended' });
}

export function fence(world: World, id: string): void {
  lose(world, id);
  world.run({ type: 'host.fence_confirm', id, reason: 'somebody has looked' });
}
