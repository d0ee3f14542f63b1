/** HostService: the machines, as operators see and order them. They join by their agents (see `fleet/`). */
import type { CordonHostRequest__Output } from '../../proto/gen/secovia/v1/CordonHostRequest.js';
import type { ConfirmFenceRequest__Output } from '../../proto/gen/secovia/v1/ConfirmFenceRequest.js';
import type { DrainHostRequest__Output } from '../../proto/gen/secovia/v1/DrainHostRequest.js';
import type { EvacuateHostRequest__Output } from '../../proto/gen/secovia/v1/EvacuateHostRequest.js';
import type { FenceHostRequest__Output } from '../../proto/gen/secovia/v1/FenceHostRequest.js';
import type { GetHostRequest__Output } from '../../proto/gen/secovia/v1/GetHostRequest.js';
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { ListHostsRequest__Output } from '../../proto/gen/secovia/v1/ListHostsRequest.js';
import type { PauseDrainRequest__Output } from '../../proto/gen/secovia/v1/PauseDrainRequest.js';
import type { QuarantineHostRequest__Output } from '../../proto/gen/secovia/v1/QuarantineHostRequest.js';
import type { ReleaseHostRequest__Output } from '../../proto/gen/secovia/v1/ReleaseHostRequest.js';
import type { RemoveOrphanRequest__Output } from '../../proto/gen/secovia/v1/RemoveOrphanRequest.js';
import type { ResumeDrainRequest__Output } from '../../proto/gen/secovia/v1/ResumeDrainRequest.js';
import type { RetireHostRequest__Output } from '../../proto/gen/secovia/v1/RetireHostRequest.js';
import type { RevokeHostRequest__Output } from '../../proto/gen/secovia/v1/RevokeHostRequest.js';
import type { UncordonHostRequest__Output } from '../../proto/gen/secovia/v1/UncordonHostRequest.js';
import type { UndrainHostRequest__Output } from '../../proto/gen/secovia/v1/UndrainHostRequest.js';
import type { UpdateHostRequest__Output } from '../../proto/gen/secovia/v1/UpdateHostRequest.js';
import type { CommandOf } from '../core/commands.js';
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
import { pageInOrder, pageOf } from './pages.js';
import { dedicationInSight, hostInSight } from '../render/in-sight.js';
import { hostMessage, hostStateNames, type LeaseReader } from '../render/host.js';
import { momentIn } from './tenancy-fields.js';
import { givenTraits } from './traits.js';
import { orphanForm, orphanUid } from './vm-adoption.js';

const reasonLimit = 200;

const filterSchema = (state: State, sight: Sight): FilterSchema<Host> => ({
  fields: {
    name: (host) => nameOf('host', host.id),
    site: (host) => nameOf('site', host.site),
    rack: (host) => host.rack,
    state: (host) => hostStateNames[host.state].replace('HOST_STATE_', ''),
    cordoned: (host) => host.cordoned,
    draining: (host) => host.drain !== undefined && sight.numbersOfHost(host),
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

/** What operators order about a host. */
type HostOrder = CommandOf<
  | 'host.cordon'
  | 'host.drain'
  | 'host.drain_pause'
  | 'host.undrain'
  | 'host.quarantine'
  | 'host.release'
  | 'host.revoke'
  | 'host.fence'
  | 'host.fence_confirm'
  | 'host.evacuate'
  | 'host.remove_orphan'
  | 'host.retire'
>;

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
  /** An order about the host that a request names; `unfit` is asked once its form is right. */
  const order = <Request extends { name: string; requestId: string }>(
    commandOf: (id: string, request: Request, fields: Fields) => HostOrder,
    unfit: (state: State, id: string) => Refusal | null = () => null,
  ) =>
    mutation((request: Request, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'host', request.name);
      const command = commandOf(id, request, fields);
      const refusal = fields.refusal ?? unfit(engine.state, id);
      if (refusal) return { refusal };
      const outcome = engine.run(command);
      if (outcome.refusal) return outcome;
      return { response: { host: hostMessage(engine.state, outcome.reply, leaseEndMs) } };
    });
  const heard = (state: State, id: string) => stillHeard(state, id, link);

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
      const { items, nextPageToken } = pageInOrder(
        page,
        state.hostsAfter(page.after),
        (host) => sees(host) && matches(host),
        inventoryBytes,
      );
      const hosts = items.map((host) => hostInSight(state, sight, host, leaseEndMs));
      return { response: { hosts, nextPageToken } };
    }),

    CordonHost: order((id, _: CordonHostRequest__Output) => ({ type: 'host.cordon', id, cordoned: true })),
    UncordonHost: order((id, _: UncordonHostRequest__Output) => ({
      type: 'host.cordon',
      id,
      cordoned: false,
    })),

    DrainHost: order((id, { deadline }: DrainHostRequest__Output, fields) => {
      return { type: 'host.drain', id, deadlineMs: momentIn(fields, 'deadline', deadline) };
    }),
    PauseDrain: order((id, _: PauseDrainRequest__Output) => ({ type: 'host.drain_pause', id, paused: true })),
    ResumeDrain: order((id, _: ResumeDrainRequest__Output) => ({
      type: 'host.drain_pause',
      id,
      paused: false,
    })),
    UndrainHost: order((id, _: UndrainHostRequest__Output) => ({ type: 'host.undrain', id })),

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

    QuarantineHost: order((id, request: QuarantineHostRequest__Output, fields) => {
      const reason = fields.text('reason', request.reason, reasonLimit);
      const why = reason === '' ? 'quarantined by an operator' : `quarantined by an operator: ${reason}`;
      return { type: 'host.quarantine', id, reason: why };
    }),

    ReleaseHost: order((id, _: ReleaseHostRequest__Output) => ({ type: 'host.release', id })),

    RevokeHost: order((id, request: RevokeHostRequest__Output, fields) => ({
      type: 'host.revoke',
      id,
      reason: fields.text('reason', request.reason, reasonLimit),
    })),

    FenceHost: order((id, request: FenceHostRequest__Output, fields) => {
      return { type: 'host.fence', id, reason: fields.text('reason', request.reason, reasonLimit) };
    }, heard),

    ConfirmFence: order((id, request: ConfirmFenceRequest__Output, fields) => {
      const reason = fields.text('reason', request.reason, reasonLimit);
      if (request.reason.trim() === '') fields.fault('reason', 'say how it is known that the host is off');
      return { type: 'host.fence_confirm', id, reason };
    }, heard),

    EvacuateHost: order((id, _: EvacuateHostRequest__Output) => ({ type: 'host.evacuate', id })),

    RemoveOrphan: order((id, { orphan }: RemoveOrphanRequest__Output, fields) => {
      if (!orphanUid.test(orphan)) fields.fault('orphan', orphanForm);
      return { type: 'host.remove_orphan', id, uid: orphan };
    }),

    RetireHost: order((id, { etag, destroyed }: RetireHostRequest__Output) => ({
      type: 'host.retire',
      id,
      etag,
      ...(destroyed ? { destroyed } : {}),
    })),
  };
}
