/** Decisions about shared storage pools. */
import type { Change } from './changes.js';
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { poolRevision, staleEtag } from './etag.js';
import type { Host, StoragePool, Vm } from './model.js';
import { alreadyExists, notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';

export function createPool(
  state: State,
  command: CommandOf<'pool.create'>,
  nowMs: number,
): Decision<StoragePool> {
  if (state.pools.has(command.id)) return { refusal: alreadyExists('storage pool', command.id) };
  if (!state.sites.has(command.site)) return { refusal: notFound('site', command.site) };
  const unfit = cannotMount(state, command.site, command.hosts);
  if (unfit) return { refusal: unfit };
  const { type: _, ...fields } = command;
  const pool: StoragePool = { ...fields, createdMs: nowMs };
  return { changes: [{ type: 'pool.created', pool }], reply: () => pool };
}

/** Why these hosts cannot mount a pool of this site. */
function cannotMount(state: State, site: string, hosts: readonly string[]): Refusal | null {
  for (const id of hosts) {
    const host = state.hosts.get(id);
    if (host === undefined || host.state === 'retired') return notFound('host', id);
    if (host.site !== site) {
      return refuse(
        'precondition',
        'HOST_OF_OTHER_SITE',
        `host "${id}" is of site "${host.site}"; a pool is mounted by hosts of its own site, "${site}"`,
      );
    }
  }
  return null;
}

export function updatePool(state: State, command: CommandOf<'pool.update'>): Decision<StoragePool> {
  const pool = state.pools.get(command.id);
  if (pool === undefined) return { refusal: notFound('storage pool', command.id) };
  const stale = staleEtag(command.etag, poolRevision(pool));
  if (stale) return { refusal: stale };
  const { hosts = pool.hosts, capacityMib = pool.capacityMib } = command;
  const refusal = cannotMount(state, pool.site, hosts) ?? cannotShrink(state, pool, hosts, capacityMib);
  if (refusal) return { refusal };
  const same = capacityMib === pool.capacityMib && hosts.join() === pool.hosts.join();
  const { id } = pool;
  return { changes: same ? [] : [{ type: 'pool.updated', id, hosts, capacityMib }], reply: () => pool };
}

/** Why a pool cannot be had by these hosts alone, or hold no more than this. */
function cannotShrink(
  state: State,
  pool: StoragePool,
  hosts: readonly string[],
  capacityMib: number,
): Refusal | null {
  const leaving = pool.hosts.filter((id) => !hosts.includes(id));
  const host = leaving.find((id) => usersOn(state, pool, [id]) > 0);
  if (host !== undefined) {
    const vms = String(usersOn(state, pool, [host]));
    const message = `host "${host}" has ${vms} VMs with their disk on storage pool "${pool.id}", or they are on their way there; move them first (secovia host drain ${host})`;
    return refuse('precondition', 'STORAGE_POOL_IN_USE', message, { host, vms });
  }
  for (const id of leaving) {
    const gone = state.hosts.get(id);
    const unproven = gone === undefined ? null : mayUse(gone);
    if (unproven) return unproven;
  }
  const claimed = state.poolClaimedMib.get(pool.id) ?? 0;
  if (capacityMib >= Math.min(claimed, pool.capacityMib)) return null;
  const message = `VMs hold ${claimed} MiB of storage pool "${pool.id}", so it cannot have ${capacityMib}; delete some first`;
  return refuse('precondition', 'STORAGE_POOL_CLAIMED', message, { claimedMib: String(claimed) });
}

/** How many VMs with their disk on the pool are on these hosts, or may get there. */
function usersOn(state: State, pool: StoragePool, hosts: readonly string[]): number {
  const users = new Set<Vm>();
  for (const host of hosts) {
    for (const vm of state.vmsOfHost(host)) if (vm.spec.pool === pool.id) users.add(vm);
    for (const vm of state.moving.withPeer(host)) if (vm.spec.pool === pool.id) users.add(vm);
  }
  return users.size;
}

/** Why a host must not leave the pools that it mounts, with what nobody knows that it may run from them; null when it mounts none. */
export function mayUsePools(state: State, host: Host): Refusal | null {
  const mounts = [...state.pools.values()].some(({ hosts }) => hosts.includes(host.id));
  return mounts ? mayUse(host) : null;
}

/** Whoever speaks tells what it has; of whoever is off nothing runs. */
function mayUse({ id, state }: Host): Refusal | null {
  if (state === 'ready' || state === 'joined' || state === 'fenced' || state === 'retired') return null;
  const first =
    state === 'quarantined'
      ? `end its quarantine first (secovia host release ${id})`
      : `wait for it, or, when you know that it is off: secovia host fence-confirm ${id} --reason WHY`;
  const message = `host "${id}" is ${state}, and may run from a storage pool what nobody knows of; ${first}`;
  return refuse('precondition', 'HOST_NOT_HEARD', message, { state });
}

/** The pools that a host mounts, without it. */
export function unmountedChanges(state: State, { id }: Host): Change[] {
  return [...state.pools.values()]
    .filter(({ hosts }) => hosts.includes(id))
    .map((pool) => ({
      type: 'pool.updated',
      id: pool.id,
      hosts: pool.hosts.filter((host) => host !== id),
      capacityMib: pool.capacityMib,
    }));
}

export function deletePool(state: State, command: CommandOf<'pool.delete'>): Decision<null> {
  const pool = state.pools.get(command.id);
  if (pool === undefined) return { refusal: notFound('storage pool', command.id) };
  const stale = staleEtag(command.etag, poolRevision(pool));
  if (stale) return { refusal: stale };
  const users = usersOn(state, pool, pool.hosts);
  if (users > 0) {
    return {
      refusal: refuse(
        'precondition',
        'STORAGE_POOL_IN_USE',
        `${users} VMs have their disk on storage pool "${pool.id}"; delete them first`,
        { vms: String(users) },
      ),
    };
  }
  return { changes: [{ type: 'pool.deleted', id: pool.id }], reply: () => null };
}
