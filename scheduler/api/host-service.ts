/** HostService: the machines, as operators see and order them. They join by their agents (see `fleet/`). */
import type { CordonHostRequest__Output } from '../../proto/gen/secovia/v1/CordonHostRequest.js';
import type { GetHostRequest__Output } from '../../proto/gen/secovia/v1/GetHostRequest.js';
import type { ListHostsRequest__Output } from '../../proto/gen/secovia/v1/ListHostsRequest.js';
import type { RetireHostRequest__Output } from '../../proto/gen/secovia/v1/RetireHostRequest.js';
import type { Host } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import { Fields } from './fields.js';
import type { FilterSchema } from './filter.js';
import { filterOf } from './filters.js';
import { type Answer, mutation, query } from './methods.js';
import { nameOf } from '../render/names.js';
import { pageById, pageOf } from './pages.js';
import { hostMessage, hostStateNames, type LeaseReader } from '../render/host.js';

const filterSchema: FilterSchema<Host> = {
  fields: {
    name: (host) => nameOf('host', host.id),
    site: (host) => nameOf('site', host.site),
    rack: (host) => host.rack,
    state: (host) => hostStateNames[host.state].replace('HOST_STATE_', ''),
    cordoned: (host) => host.cordoned,
  },
};

const knownBytes = new WeakMap<object, number>();

/** What a host's inventory takes on the wire, about; it is replaced as a whole when it changes. */
function inventoryBytes({ inventory }: Host): number {
  if (inventory === null) return 0;
  const known = knownBytes.get(inventory) ?? JSON.stringify(inventory).length;
  knownBytes.set(inventory, known);
  return known;
}

export function hostService(leaseEndMs: LeaseReader) {
  const cordon = (cordoned: boolean) =>
    mutation((request: CordonHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.cordon', id, cordoned });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    });

  return {
    GetHost: query((request: GetHostRequest__Output, { engine }): Answer<object> => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const host = engine.state.hosts.get(id);
      if (host === undefined) return { refusal: notFound('host', request.name) };
      return { response: { host: hostMessage(engine.state, host, leaseEndMs) } };
    }),

    ListHosts: query((request: ListHostsRequest__Output, { engine }): Answer<object> => {
      const fields = new Fields();
      const matches = filterOf(fields, request.filter, filterSchema);
      const page = pageOf(fields, request, `hosts ${request.filter}`);
      if (fields.refusal) return { refusal: fields.refusal };
      const { items, nextPageToken } = pageById(page, engine.state.hosts.values(), matches, inventoryBytes);
      const hosts = items.map((host) => hostMessage(engine.state, host, leaseEndMs));
      return { response: { hosts, nextPageToken } };
    }),

    CordonHost: cordon(true),
    UncordonHost: cordon(false),

    RetireHost: mutation((request: RetireHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.retire', id, etag: request.etag });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),
  };
}
