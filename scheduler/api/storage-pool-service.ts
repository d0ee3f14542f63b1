/** StoragePoolService: pools that several hosts mount. */
import type { CreateStoragePoolRequest__Output } from '../../proto/gen/secovia/v1/CreateStoragePoolRequest.js';
import type { DeleteStoragePoolRequest__Output } from '../../proto/gen/secovia/v1/DeleteStoragePoolRequest.js';
import type { GetStoragePoolRequest__Output } from '../../proto/gen/secovia/v1/GetStoragePoolRequest.js';
import type { ListStoragePoolsRequest__Output } from '../../proto/gen/secovia/v1/ListStoragePoolsRequest.js';
import type { UpdateStoragePoolRequest__Output } from '../../proto/gen/secovia/v1/UpdateStoragePoolRequest.js';
import { notFound } from '../core/refusal.js';
import { sightOf } from './authorization.js';
import { Fields, quoted } from './fields.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { poolMessage } from '../render/federation.js';
import { poolInSight } from '../render/in-sight.js';

const pathForm = /^(\/[A-Za-z0-9._-]+)+$/;
const mostHosts = 1000;
/** At most. */
const bytesOfHostName = 72;
const kinds: Record<string, true> = { STORAGE_POOL_KIND_SHARED: true };

function hostsOf(fields: Fields, sent: string[]): string[] {
  const names = fields.list('storage_pool.hosts', sent, mostHosts);
  if (names.length === 0) fields.fault('storage_pool.hosts', 'must name the hosts that mount it');
  return [...new Set(names.map((name) => fields.name('storage_pool.hosts', 'host', name)))];
}

function capacityOf(fields: Fields, sent: number): number {
  return fields.whole('storage_pool.capacity_mib', sent, 1, 2 ** 31 - 1);
}

export const storagePoolService = {
  CreateStoragePool: mutation((request: CreateStoragePoolRequest__Output, { engine }) => {
    const fields = new Fields();
    const pool = request.storagePool;
    const id = fields.id('storage_pool_id', request.storagePoolId);
    if (!fields.present('storage_pool', pool))
      return { refusal: fields.refusal ?? notFound('storage pool', id) };
    if (id === 'local') fields.fault('storage_pool_id', '"local" is the name of every host\'s own pool');
    fields.choice('storage_pool.kind', pool.kind, kinds);
    const site = fields.name('storage_pool.site', 'site', pool.site);
    if (!pathForm.test(pool.path) || pool.path.length > 1000 || /\/\.\.?(\/|$)/.test(pool.path)) {
      fields.fault('storage_pool.path', `${quoted(pool.path)} must be an absolute path without . and ..`);
    }
    const hosts = hostsOf(fields, pool.hosts);
    const capacityMib = capacityOf(fields, pool.capacityMib);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'pool.create', id, site, path: pool.path, hosts, capacityMib });
    if (outcome.refusal) return outcome;
    return { response: { storagePool: poolMessage(engine.state, outcome.reply) } };
  }),

  GetStoragePool: query((request: GetStoragePoolRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'storage pool', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const pool = engine.state.pools.get(id);
    if (pool === undefined) return { refusal: notFound('storage pool', request.name) };
    return { response: { storagePool: poolInSight(engine.state, sightOf(engine, caller), pool) } };
  }),

  ListStoragePools: query((request: ListStoragePoolsRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'storage pools');
    if (fields.refusal) return { refusal: fields.refusal };
    const sight = sightOf(engine, caller);
    const { items, nextPageToken } = pageById(
      page,
      engine.state.pools.values(),
      (pool) => sight.pool(pool),
      ({ hosts }) => hosts.length * bytesOfHostName,
    );
    const storagePools = items.map((pool) => poolInSight(engine.state, sight, pool));
    return { response: { storagePools, nextPageToken } };
  }),

  UpdateStoragePool: mutation((request: UpdateStoragePoolRequest__Output, { engine }) => {
    const fields = new Fields();
    const pool = request.storagePool;
    if (!fields.present('storage_pool', pool))
      return { refusal: fields.refusal ?? notFound('storage pool', '') };
    const id = fields.name('storage_pool.name', 'storage pool', pool.name);
    const masked = maskedFields(fields, request.updateMask, {
      hosts: pool.hosts.length > 0,
      capacity_mib: pool.capacityMib !== 0,
    });
    const hosts = masked.has('hosts') ? hostsOf(fields, pool.hosts) : undefined;
    const capacityMib = masked.has('capacity_mib') ? capacityOf(fields, pool.capacityMib) : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'pool.update', id, hosts, capacityMib, etag: pool.etag });
    if (outcome.refusal) return outcome;
    return { response: { storagePool: poolMessage(engine.state, outcome.reply) } };
  }),

  DeleteStoragePool: mutation((request: DeleteStoragePoolRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'storage pool', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'pool.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
