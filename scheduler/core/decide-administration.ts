/** Decisions about administrations and their tree. */
import { administrationIsNamed } from './access/naming.js';
import type { Change } from './changes.js';
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { staleEtag } from './etag.js';
import { canPark, inheritedPolicy } from './parking.js';
import type { Administration, Vm } from './model.js';
import { alreadyExists, notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';
import { refuseMove } from './tenancy/move.js';

/** How deep the tree may be: a country, its regions, their municipalities, and room for more. */
export const administrationDepthLimit = 8;

export function createAdministration(
  state: State,
  command: CommandOf<'administration.create'>,
  nowMs: number,
): Decision<Administration> {
  const { id, title, parent, country } = command;
  if (state.administrations.has(id)) return { refusal: alreadyExists('administration', id) };
  if (parent !== null) {
    if (!state.administrations.has(parent)) return { refusal: notFound('administration', parent) };
    if (state.tenancy.tree.node(parent).depth >= administrationDepthLimit)
      return { refusal: tooDeep(parent) };
  }
  if (isAnothersFormer(state, id, parent)) return { refusal: wasAnothers(id) };
  const administration: Administration = {
    id,
    title,
    parent,
    country,
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'administration.created', administration }], reply: () => administration };
}

/** What is recorded under an id is for whoever has it: only where it was before may it be given again. */
function isAnothersFormer({ federation }: State, id: string, parent: string | null): boolean {
  const { formerAdministrations = {} } = federation;
  return Object.hasOwn(formerAdministrations, id) && formerAdministrations[id] !== (parent ?? '');
}

function wasAnothers(id: string): Refusal {
  const message = `there was an administration "${id}" elsewhere in the tree, and what is recorded of it is not for this one to see; choose another id`;
  return { ...alreadyExists('administration', id), reason: 'ADMINISTRATION_ID_USED', message };
}

export function updateAdministration(
  state: State,
  command: CommandOf<'administration.update'>,
): Decision<Administration> {
  const found = find(state, command.id, command.etag);
  if (found.refusal) return found;
  const { administration } = found;
  const { id, title = administration.title } = command;
  const stoppedVms =
    command.stoppedVms === undefined ? (administration.stoppedVms ?? null) : command.stoppedVms;
  const parks = (stoppedVms ?? inheritedPolicy(state, administration.parent)) === 'free';
  const parked = parks
    ? [...stoppedWithin(state, id)].map(({ uid }): Change => ({ type: 'vm.parked', uid }))
    : [];
  return {
    changes: [{ type: 'administration.updated', id, title, stoppedVms }, ...parked],
    reply: () => administration,
  };
}

/** VMs that are seen stopped and hold what they would have given up under the policy of this administration. */
function* stoppedWithin(state: State, id: string): Iterable<Vm> {
  for (const vm of state.vmsWithin(id)) if (canPark(vm) && decidesFor(state, id, vm.administration)) yield vm;
}

/** Whether no administration between them says something else. */
function decidesFor(state: State, ancestor: string, id: string): boolean {
  for (const { id: at } of state.tenancy.tree.node(id).upwards()) {
    if (at === ancestor) return true;
    if (state.administrations.get(at)?.stoppedVms !== undefined) return false;
  }
  return false;
}

export function moveAdministration(
  state: State,
  command: CommandOf<'administration.move'>,
): Decision<Administration> {
  const { id, parent } = command;
  const found = find(state, id, command.etag);
  if (found.refusal) return found;
  const { administration } = found;
  if (administration.parent === parent) return { changes: [], reply: () => administration };
  const refusal = (parent === null ? null : cannotHang(state, id, parent)) ?? refuseMove(state, id, parent);
  if (refusal) return { refusal };
  return { changes: [{ type: 'administration.moved', id, parent }], reply: () => administration };
}

function cannotHang(state: State, id: string, parent: string): Refusal | null {
  if (!state.administrations.has(parent)) return notFound('administration', parent);
  if (state.isWithin(parent, id)) {
    const message = `administration "${id}" cannot be moved below itself: "${parent}" is ${parent === id ? 'the same' : 'below it'}`;
    return refuse('precondition', 'TREE_LOOPS', message);
  }
  const { tree } = state.tenancy;
  const node = tree.node(id);
  if (tree.node(parent).depth + node.height > administrationDepthLimit) return tooDeep(parent);
  return null;
}

export function suspendAdministration(
  state: State,
  { id, suspended }: CommandOf<'administration.suspend'>,
): Decision<Administration> {
  const found = find(state, id, '');
  if (found.refusal) return found;
  const { administration } = found;
  const changes: Change[] =
    (administration.suspended ?? false) === suspended
      ? []
      : [{ type: 'administration.suspended', id, suspended }];
  return { changes, reply: () => administration };
}

function find(
  state: State,
  id: string,
  etag: string,
): { administration: Administration; refusal?: undefined } | { refusal: Refusal } {
  const administration = state.administrations.get(id);
  if (administration === undefined) return { refusal: notFound('administration', id) };
  const stale = staleEtag(etag, administration.revision);
  return stale ? { refusal: stale } : { administration };
}

function tooDeep(parent: string): Refusal {
  return refuse(
    'precondition',
    'TREE_TOO_DEEP',
    `administrations can be nested ${administrationDepthLimit} deep, which would be exceeded below "${parent}"`,
    { limit: String(administrationDepthLimit) },
  );
}

export function deleteAdministration(
  state: State,
  command: CommandOf<'administration.delete'>,
): Decision<null> {
  const found = find(state, command.id, command.etag);
  if (found.refusal) return found;
  const children = [...state.administrations.values()].filter((other) => other.parent === command.id).length;
  const vms = state.vmCountOfAdministration(command.id);
  if (children + vms > 0) {
    return {
      refusal: refuse(
        'precondition',
        'ADMINISTRATION_IN_USE',
        `administration "${command.id}" still has ${vms} VMs and ${children} administrations below it; delete them first`,
        { vms: String(vms), children: String(children) },
      ),
    };
  }
  const dedicated = [...state.hosts.values()].find(
    (host) => host.dedicatedTo === command.id && host.state !== 'retired',
  );
  if (dedicated !== undefined) {
    return {
      refusal: refuse(
        'precondition',
        'ADMINISTRATION_IN_USE',
        `host "${dedicated.id}" is dedicated to administration "${command.id}"; change that first`,
        { host: dedicated.id },
      ),
    };
  }
  const tied = tiesOf(state, command.id);
  if (tied !== null) {
    const message = `administration "${command.id}" is ${tied}; change that first`;
    return { refusal: refuse('precondition', 'ADMINISTRATION_IN_USE', message) };
  }
  const named = administrationIsNamed(state, command.id);
  if (named) return { refusal: named };
  const { quotas, rules } = state.tenancy;
  const own: Change[] = [];
  for (const { administration, scope } of quotas.values())
    if (administration === command.id) own.push({ type: 'quota.deleted', administration, scope });
  for (const { id, administration } of rules.values())
    if (administration === command.id) own.push({ type: 'residency.deleted', id });
  return { changes: [...own, { type: 'administration.deleted', id: command.id }], reply: () => null };
}

/** What of tenancy keeps an administration from being deleted. */
function tiesOf({ tenancy }: State, id: string): string | null {
  for (const loan of tenancy.loans.values()) {
    if (loan.state === 'active' && (loan.lender === id || loan.borrower === id))
      return `part of the active loan "${loan.id}"`;
  }
  for (const { id: agreement, beneficiary, state } of tenancy.agreements.values()) {
    if (state !== 'ended' && beneficiary.kind === 'administration' && beneficiary.administration === id)
      return `the beneficiary of agreement "${agreement}"`;
  }
  for (const partner of tenancy.partners.values())
    if (partner.administrations.includes(id)) return `named as one of partner "${partner.id}"`;
  return null;
}
