/** Decisions about shared storage pools. */
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { staleEtag } from './etag.js';
import type { StoragePool } from './model.js';
import { alreadyExists, notFound, refuse } from './refusal.js';
import type { State } from './state.js';

export function createPool(
  state: State,
  command: CommandOf<'pool.create'>,
  nowMs: number,
): Decision<StoragePool> {
  if (state.pools.has(command.id)) return { refusal: alreadyExists('storage pool', command.id) };
  if (!state.sites.has(command.site)) return { refusal: notFound('site', command.site) };
  for (const id of command.hosts) {
    const host = state.hosts.get(id);
    if (host === undefined || host.state === 'retired') return { refusal: notFound('host', id) };
    if (host.site !== command.site) {
      return {
        refusal: refuse(
          'precondition',
          'HOST_OF_OTHER_SITE',
          `host "${id}" is of site "${host.site}"; a pool is mounted by hosts of its own site, "${command.site}"`,
        ),
      };
    }
  }
  const { type: _, ...fields } = command;
  const pool: StoragePool = { ...fields, createdMs: nowMs };
  return { changes: [{ type: 'pool.created', pool }], reply: () => pool };
}

export function deletePool(state: State, command: CommandOf<'pool.delete'>): Decision<null> {
  const pool = state.pools.get(command.id);
  if (pool === undefined) return { refusal: notFound('storage pool', command.id) };
  const stale = staleEtag(command.etag, 1);
  if (stale) return { refusal: stale };
  let users = 0;
  for (const host of pool.hosts) {
    for (const vm of state.vmsOfHost(host)) if (vm.spec.pool === pool.id) users += 1;
  }
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
