/** HostService: the machines, as operators see and order them. They join by their agents (see `fleet/`). */
import type { CordonHostRequest__Output } from '../../proto/gen/secovia/v1/CordonHostRequest.js';
import type { ConfirmFenceRequest__Output } from '../../proto/gen/secovia/v1/ConfirmFenceRequest.js';
import type { EvacuateHostRequest__Output } from '../../proto/gen/secovia/v1/EvacuateHostRequest.js';
import type { FenceHostRequest__Output } from '../../proto/gen/secovia/v1/FenceHostRequest.js';
import type { GetHostRequest__Output } from '../../proto/gen/secovia/v1/GetHostRequest.js';
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { ListHostsRequest__Output } from '../../proto/gen/secovia/v1/ListHostsRequest.js';
import type { QuarantineHostRequest__Output } from '../../proto/gen/secovia/v1/QuarantineHostRequest.js';
import type { ReleaseHostRequest__Output } from '../../proto/gen/secovia/v1/ReleaseHostRequest.js';
import type { RemoveOrphanRequest__Output } from '../../proto/gen/secovia/v1/RemoveOrphanRequest.js';
import type { RetireHostRequest__Output } from '../../proto/gen/secovia/v1/RetireHostRequest.js';
import type { RevokeHostRequest__Output } from '../../proto/gen/secovia/v1/RevokeHostRequest.js';
import type { UpdateHostRequest__Output } from '../../proto/gen/secovia/v1/UpdateHostRequest.js';
import type { Sight } from '../core/access/sight.js';
import type { Host } from '../core/model.js';
import { notFound, type Refusal, refuse } from '../core/refusal.js';
import type { State } from '../core/state.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import type { FilterSchema } from './filter.js';
import { filterOf } from './filters.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { nameOf } from '../render/names.js';
import { pageById, pageOf } from './pages.js';
import { dedicationInSight, hostInSight } from '../render/in-sight.js';
import { hostMessage, hostStateNames, type LeaseReader } from '../render/host.js';
import { givenTraits } from './traits.js';

const reasonLimit = 200;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const filterSchema = (state: State, sight: Sight): FilterSchema<Host> => ({
  fields: {
    name: (host) => nameOf('host', host.id),
    site: (host) => nameOf('site', host.site),
    rack: (host) => host.rack,
    state: (host) => hostStateNames[host.state].replace('HOST_STATE_', ''),
    cordoned: (host) => host.cordoned,
    dedicated_to: (host) => dedicationInSight(state, sight, host),
  },
  lists: { traits: (host) => host.traits },
});

/** The administration that a host is kept for; null for anybody's. */
function dedicationOf(fields: Fields, { dedicatedTo }: Host__Output): string | null {
  return dedicatedTo === '' ? null : fields.name('host.dedicated_to', 'administration', dedicatedTo);
}

const knownBytes = new WeakMap<object, number>();

/** What a host's inventory takes on the wire, about; it is replaced as a whole when it changes. */
function inventoryBytes({ inventory }: Host): number {
  if (inventory === null) return 0;
  const known = knownBytes.get(inventory) ?? JSON.stringify(inventory).length;
  knownBytes.set(inventory, known);
  return known;
}

/** What the fleet knows of a host, and the state does not. */
export interface HostLink {
  leaseEndMs: LeaseReader;
  /** Whether its agent speaks with the scheduler now. */
  isHeard(host: string): boolean;
}

/** One whose agent speaks is not off, whatever libvirt does there. */
function stillHeard(state: State, id: string, { isHeard }: HostLink): Refusal | null {
  if (state.hosts.get(id)?.state !== 'suspect' || !isHeard(id)) return null;
  return refuse(
    'precondition',
    'HOST_NOT_LOST',
    `host "${id}" cannot be fenced: its agent still speaks, so it is not off; see: secovia host show ${id}`,
  );
}

export function hostService(link: HostLink) {
  const { leaseEndMs } = link;
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
    GetHost: query((request: GetHostRequest__Output, { engine }, caller): Answer<object> => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const host = engine.state.hosts.get(id);
      if (host === undefined) return { refusal: notFound('host', request.name) };
      return { response: { host: hostInSight(engine.state, sightOf(engine, caller), host, leaseEndMs) } };
    }),

    ListHosts: query((request: ListHostsRequest__Output, { engine }, caller): Answer<object> => {
      const fields = new Fields();
      const { state } = engine;
      const sight = sightOf(engine, caller);
      const matches = filterOf(fields, request.filter, filterSchema(state, sight));
      const page = pageOf(fields, request, `hosts ${request.filter}`);
      if (fields.refusal) return { refusal: fields.refusal };
      const sees = sight.hosts();
      const { items, nextPageToken } = pageById(
        page,
        state.hosts.values(),
        (host) => sees(host) && matches(host),
        inventoryBytes,
      );
      const hosts = items.map((host) => hostInSight(state, sight, host, leaseEndMs));
      return { response: { hosts, nextPageToken } };
    }),

    CordonHost: cordon(true),
    UncordonHost: cordon(false),

    UpdateHost: mutation((request: UpdateHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const { host } = request;
      if (!fields.present('host', host)) return { refusal: fields.refusal ?? notFound('host', '') };
      const id = fields.name('host.name', 'host', host.name);
      const masked = maskedFields(fields, request.updateMask, {
        traits: host.traits.length > 0,
        dedicated_to: host.dedicatedTo !== '',
        vcpu_overcommit_percent: host.vcpuOvercommitPercent !== 0,
      });
      const traits = masked.has('traits') ? givenTraits(fields, 'host.traits', host.traits) : undefined;
      const dedicatedTo = masked.has('dedicated_to') ? dedicationOf(fields, host) : undefined;
      const vcpuOvercommitPercent = masked.has('vcpu_overcommit_percent')
        ? fields.overcommitPercent('host.vcpu_overcommit_percent', host.vcpuOvercommitPercent)
        : undefined;
      if (fields.refusal) return { refusal: fields.refusal };
      const { etag } = host;
      const changes = { traits, dedicatedTo, vcpuOvercommitPercent };
      const outcome = engine.run({ type: 'host.update', id, ...changes, etag });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    QuarantineHost: mutation((request: QuarantineHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      const reason = fields.text('reason', request.reason, reasonLimit);
      if (fields.refusal) return { refusal: fields.refusal };
      const why = reason === '' ? 'quarantined by an operator' : `quarantined by an operator: ${reason}`;
      const outcome = engine.run({ type: 'host.quarantine', id, reason: why });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    ReleaseHost: mutation((request: ReleaseHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.release', id });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    RevokeHost: mutation((request: RevokeHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      const reason = fields.text('reason', request.reason, reasonLimit);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.revoke', id, reason });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    FenceHost: mutation((request: FenceHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      const reason = fields.text('reason', request.reason, reasonLimit);
      if (fields.refusal) return { refusal: fields.refusal };
      const heard = stillHeard(engine.state, id, link);
      if (heard) return { refusal: heard };
      const outcome = engine.run({ type: 'host.fence', id, reason });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    ConfirmFence: mutation((request: ConfirmFenceRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      const reason = fields.text('reason', request.reason, reasonLimit);
      if (request.reason.trim() === '') fields.fault('reason', 'say how it is known that the host is off');
      if (fields.refusal) return { refusal: fields.refusal };
      const heard = stillHeard(engine.state, id, link);
      if (heard) return { refusal: heard };
      const outcome = engine.run({ type: 'host.fence_confirm', id, reason });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    EvacuateHost: mutation((request: EvacuateHostRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.evacuate', id });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

    RemoveOrphan: mutation((request: RemoveOrphanRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      if (!uuid.test(request.orphan)) {
        fields.fault('orphan', 'must be the UUID of an orphan, as secovia host show has it');
      }
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.remove_orphan', id, uid: request.orphan });
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    }),

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
