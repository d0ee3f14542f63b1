/**
 * Entities as messages, as far as somebody sees them. Whoever runs VMs is told where each is and in what state that host
 * is, and not what else is there; whoever runs hosts is told what it takes to run a VM (its name, size, state and class of
 * data), and not what its owner calls it or wishes for. Names that are out of sight are shown as `-` where leaving them out
 * would mean something else.
 */
import type { Administration as AdministrationMessage } from '../../proto/gen/secovia/v1/Administration.js';
import type { Agreement as AgreementMessage } from '../../proto/gen/secovia/v1/Agreement.js';
import type { Host as HostMessage } from '../../proto/gen/secovia/v1/Host.js';
import type { Operation as OperationMessage } from '../../proto/gen/secovia/v1/Operation.js';
import type { Partner as PartnerMessage } from '../../proto/gen/secovia/v1/Partner.js';
import type { Site as SiteMessage } from '../../proto/gen/secovia/v1/Site.js';
import type { StoragePool as StoragePoolMessage } from '../../proto/gen/secovia/v1/StoragePool.js';
import type { Vm as VmMessage } from '../../proto/gen/secovia/v1/Vm.js';
import type { Sight } from '../core/access/sight.js';
import type { RecordedChange, Visibility } from '../core/audit/questions.js';
import type { Administration, Fault, Host, Operation, Site, StoragePool, Vm } from '../core/model.js';
import type { State } from '../core/state.js';
import type { Agreement, Partner } from '../core/tenancy/model.js';
import { administrationMessage, poolMessage, siteMessage } from './federation.js';
import { hostMessage, type LeaseReader } from './host.js';
import { drainMessage, moveMessage } from './moves.js';
import { idIn, nameOf } from './names.js';
import { agreementMessage, partnerMessage } from './tenancy.js';
import { operationMessage, vmMessage } from './vm.js';

export function siteInSight(state: State, sight: Sight, site: Site): SiteMessage {
  const message = siteMessage(state, site);
  if (sight.isWhole || sight.ownsSite(site)) return message;
  return { ...message, hostCount: 0 };
}

export function hostInSight(state: State, sight: Sight, host: Host, leaseEndMs: LeaseReader): HostMessage {
  const message = hostMessage(state, host, leaseEndMs);
  if (sight.numbersOfHost(host)) {
    // Whom a host is kept for does not see the VMs of others that are there from before.
    return sight.top === null
      ? message
      : { ...message, drain: drainMessage(state, host, (vm) => sight.vm(vm)) };
  }
  const {
    name,
    site,
    rack,
    state: stands,
    stateTime,
    cordoned,
    traits,
    etag,
    createTime,
    updateTime,
  } = message;
  const dedicatedTo = dedicationInSight(state, sight, host);
  return {
    name,
    site,
    rack,
    state: stands,
    stateTime,
    cordoned,
    traits,
    dedicatedTo,
    etag,
    createTime,
    updateTime,
  };
}

/** What a host is kept for, as far as that is in sight. */
export function dedicationInSight(state: State, sight: Sight, { dedicatedTo }: Host): string {
  const administration = dedicatedTo === null ? undefined : state.administrations.get(dedicatedTo);
  if (administration === undefined || !sight.administration(administration)) return '';
  return nameOf('administration', administration.id);
}

export function administrationInSight(
  state: State,
  sight: Sight,
  administration: Administration,
): AdministrationMessage {
  const message = administrationMessage(state, administration);
  if (sight.isWhole || sight.isInSubtree(administration.id)) return message;
  const { parent } = administration;
  const above = parent === null ? undefined : state.administrations.get(parent);
  return {
    ...message,
    parent:
      above === undefined || sight.administration(above) ? message.parent : nameOf('administration', '-'),
    claimed: null,
    stoppedVms: 'STOPPED_VM_POLICY_UNSPECIFIED',
  };
}

export function partnerInSight(state: State, sight: Sight, partner: Partner): PartnerMessage {
  const message = partnerMessage(state, partner);
  if (sight.isWhole) return message;
  const seen = partner.administrations.filter((id) => {
    const administration = state.administrations.get(id);
    return administration !== undefined && sight.administration(administration);
  });
  // An empty list would mean all administrations of its country.
  const hidden = seen.length < partner.administrations.length ? ['-'] : [];
  const administrations = [...seen, ...hidden].map((id) => nameOf('administration', id));
  const isOwn = partner.id === sight.partner;
  return { ...message, administrations, ...(isOwn ? {} : { offered: null, heldByOthers: null }) };
}

export function agreementInSight(state: State, sight: Sight, agreement: Agreement): AgreementMessage {
  const message = agreementMessage(state, agreement);
  return sight.useOfAgreement(agreement) ? message : { ...message, used: null };
}

export function poolInSight(state: State, sight: Sight, pool: StoragePool): StoragePoolMessage {
  const message = poolMessage(state, pool);
  if (sight.isWhole || sight.ownsSite(state.sites.get(pool.site))) return message;
  const { name, kind, site, etag, createTime } = message;
  return { name, kind, site, etag, createTime };
}

export function vmInSight(state: State, sight: Sight, vm: Vm, removed = false): VmMessage {
  const message = vmMessage(state, vm, removed);
  if (sight.isWhole) return message;
  if (!sight.isInSubtree(vm.administration)) return withoutOwnersWords(message);
  const taker = vm.displacedFor === undefined ? undefined : state.vms.get(vm.displacedFor);
  // That it has given up its room is its own matter; for whom may be another's.
  if (vm.displacedFor !== undefined && (taker === undefined || !sight.vm(taker)))
    message.displacedFor = 'vms/-';
  if (message.move) message.move = moveMessage(vm, hostNames(state, sight));
  return message;
}

/** Its own host everybody knows whose VM it is; the other one of a move only who has VMs there. */
function hostNames(state: State, sight: Sight): (id: string) => string {
  return (id) => {
    const host = state.hosts.get(id);
    return host === undefined ? nameOf('host', '-') : hostNameInSight(sight, host);
  };
}

/** A VM that is only thought of: which host it would get is for those alone who see that host. */
export function rehearsedVm(state: State, sight: Sight, vm: Vm): Vm {
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  if (host === undefined || sight.host(host)) return vm;
  const { numaCells: _cells, ...rest } = vm;
  return { ...rest, host: null };
}

/** The name of the site of a VM that may be no part of the state. */
export function siteNameOf(state: State, { host }: Vm): string {
  const site = host === null ? undefined : state.hosts.get(host)?.site;
  return site === undefined ? '' : nameOf('site', site);
}

function withoutOwnersWords(message: VmMessage): VmMessage {
  const { name, uid, spec, policy, desiredPowerState, state, stateTime, lastKnownState, host, site } =
    message;
  const { generation, observedGeneration, term, operation, error, createTime, updateTime } = message;
  const { numaCells, currentSize, restartRequired, heldSize, dataClass, agreement, parked, breachTime } =
    message;
  const { move } = message;
  return {
    ...{ name, uid, spec, policy, desiredPowerState, state, stateTime, lastKnownState, host, site },
    ...{ generation, observedGeneration, term, operation, error, createTime, updateTime },
    ...{ numaCells, currentSize, restartRequired, heldSize, dataClass, agreement, parked, breachTime },
    move,
  };
}

/** A VM that the reader does not see any more: what it was called, and nothing of what has become of it. */
export function lostFromSight({ name, uid }: VmMessage): VmMessage {
  return { name, uid };
}

/** Of an operation on VMs here and elsewhere an operator sees what concerns its hosts. */
export function operationInSight(state: State, sight: Sight, operation: Operation): OperationMessage {
  if (sight.isWhole) return operationMessage(state, operation);
  if (sight.top !== null) return operationMessage(state, withoutHosts(operation));
  const seen = (uid: string) => {
    const vm = state.vms.get(uid);
    return vm !== undefined && sight.vm(vm) ? vm : undefined;
  };
  const targets = operation.targets.filter((uid) => seen(uid) !== undefined);
  const message = operationMessage(state, { ...operation, targets }, seen);
  if (targets.length === operation.targets.length) return message;
  return { ...message, succeededCount: 0, failedCount: 0, error: null };
}

/** Why a move has failed names the host where the VM was to go, which is not its owner's to know. */
function withoutHosts(operation: Operation): Operation {
  const { verb, fault } = operation;
  if (verb !== 'migrate' || fault === null || operation.state === 'cancelled') return operation;
  return { ...operation, fault: notMoved(fault) };
}

function notMoved({ code, reason }: Fault): Fault {
  return { code, reason, message: `it has not moved (${reason}); the operators of its host see why` };
}

/**
 * A change as whoever sees so much of the record may be told it: how a move has ended names hosts as well. Of an operation
 * that is forgotten it is not known whether it was one.
 */
export function changeInSight(
  { operations }: State,
  change: RecordedChange,
  { kind }: Visibility,
): RecordedChange {
  if (kind !== 'administrations' || change.type !== 'operation.target_ended') return change;
  const { fault, id } = change;
  const verb = operations.get(id)?.verb;
  if (fault === null || (verb !== undefined && verb !== 'migrate')) return change;
  return { ...change, fault: notMoved(fault) };
}

/** A host's name, or `hosts/-` for one that is out of sight. */
export function hostNameInSight(sight: Sight, host: Host): string {
  return nameOf('host', sight.host(host) ? host.id : '-');
}

/** Whether a party of a settlement, as a name, is the caller or of its subtree. */
export function isPartyInSight(sight: Sight, party: string): boolean {
  if (sight.isWhole) return true;
  const partner = idIn('partner', party);
  if (partner !== null) return partner === sight.partner;
  const administration = idIn('administration', party);
  return administration !== null && sight.isInSubtree(administration);
}
