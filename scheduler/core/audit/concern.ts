/**
 * Whom a change concerns. Partners: those whose sites, hosts, storage or agreements it is about, where a VM is before or
 * after it, and whose own administration it is about; what holds for everybody concerns every partner. Administrations:
 * those whose VMs, quotas, loans, rules and the like it is about.
 *
 * Both are asked before the change is applied; of changes `isSettledAfter` says yes to, once more after that.
 */
import type { Identity } from '../access/model.js';
import type { Change } from '../changes.js';
import type { Operation } from '../model.js';
import type { State } from '../state.js';
import type { Agreement, Loan, Scope } from '../tenancy/model.js';

/** One id, several, none at all, or null: the change says no more than the rest of its decision does. */
export type Concerned = string | readonly string[] | null;

const nobody: readonly string[] = [];

/** Whose own an administration is, and who is above it, is known only when the change has been applied. */
export function isSettledAfter({ type }: Change): boolean {
  return type === 'administration.created' || type === 'administration.moved';
}

export function partnersOf(state: State, change: Change): Concerned {
  switch (change.type) {
    case 'vm.created':
      return partnerOfHost(state, change.vm.host);
    case 'vm.placed':
    case 'vm.adopted':
      return both(partnerOfVm(state, change.uid), partnerOfHost(state, change.host));
    case 'operation.started':
      return partnerOfOperation(state, change.operation);
    case 'operation.cancelled':
      return partnerOfOperation(state, state.operations.get(change.id));
    case 'operation.target_ended':
      return state.vms.has(change.uid) ? partnerOfVm(state, change.uid) : null;
    case 'host.joined':
      return partnerOfSite(state, change.host.site);
    case 'site.created':
      return change.site.partner;
    case 'site.updated':
    case 'site.cordoned':
    case 'site.deleted':
      return partnerOfSite(state, change.id);
    case 'pool.created':
      return partnerOfSite(state, change.pool.site);
    case 'pool.updated':
    case 'pool.deleted':
      return partnerOfSite(state, state.pools.get(change.id)?.site);
    case 'recovery.entered':
      return all(change.sites.map((site) => partnerOfSite(state, site)));
    case 'recovery.ended':
      return partnerOfSite(state, change.site);
    case 'host.cleared':
    case 'host.leftover':
      return partnerOfHost(state, change.id);
    case 'partner.set':
      return change.partner.id;
    case 'partner.deleted':
      return change.id;
    case 'token.set':
      return partnerOfSite(state, change.token.site);
    case 'token.deleted':
      return partnerOfSite(state, state.access.tokens.get(change.id)?.site);
    case 'identity.set':
      return partnersOfIdentity(state, change.identity);
    case 'identity.deleted':
      return partnersOfIdentity(state, state.access.identities.get(change.id));
    case 'agreement.set':
      return both(
        partnersOfAgreement(state, change.agreement),
        partnersOfAgreement(state, state.tenancy.agreements.get(change.agreement.id)),
      );
    case 'agreement.deleted':
      return partnersOfAgreement(state, state.tenancy.agreements.get(change.id));
    case 'breach.began':
    case 'breach.ended': {
      const breach = change.type === 'breach.began' ? change.breach : state.tenancy.breaches.get(change.id);
      if (breach === undefined) return nobody;
      const { administration, site, because } = breach;
      const agreement = because === null ? undefined : state.tenancy.agreements.get(because);
      const there = site === null ? nobody : partnerOfSite(state, site);
      return all([there, homes(state, administration), partnersOfAgreement(state, agreement)]);
    }
    case 'quota.set':
      return partnersOfQuota(state, change.quota.administration, change.quota.scope);
    case 'quota.deleted':
      return partnersOfQuota(state, change.administration, change.scope);
    case 'loan.set':
      return partnersOfLoan(state, change.loan);
    case 'administration.created':
      return homes(state, change.administration.id);
    case 'administration.updated':
    case 'administration.moved':
    case 'administration.suspended':
    case 'administration.deleted':
      return homes(state, change.id);
    case 'residency.set': {
      const { administration } = change.rule;
      return administration === null ? everyPartner(state) : homes(state, administration);
    }
    case 'residency.deleted': {
      const administration = state.tenancy.rules.get(change.id)?.administration ?? null;
      return administration === null ? everyPartner(state) : homes(state, administration);
    }
    case 'federation.opened':
    case 'clock.jumped':
    case 'class.set':
    case 'class.deleted':
    case 'image.created':
    case 'image.deleted':
      return everyPartner(state);
    case 'attempts.refused':
      return nobody;
    default:
      return 'uid' in change ? partnerOfVm(state, change.uid) : partnerOfHost(state, change.id);
  }
}

export function administrationsOf(state: State, change: Change): Concerned {
  switch (change.type) {
    case 'vm.created':
      return change.vm.administration;
    case 'operation.started':
    case 'operation.cancelled':
      return null;
    case 'operation.target_ended':
      return state.vms.get(change.uid)?.administration ?? null;
    case 'administration.created':
      return change.administration.id;
    case 'administration.updated':
    case 'administration.moved':
    case 'administration.suspended':
    case 'administration.deleted':
      return change.id;
    case 'quota.set':
      return change.quota.administration;
    case 'quota.deleted':
      return change.administration;
    case 'loan.set':
      return [change.loan.lender, change.loan.borrower];
    case 'residency.set':
      return change.rule.administration ?? nobody;
    case 'residency.deleted':
      return state.tenancy.rules.get(change.id)?.administration ?? nobody;
    case 'breach.began':
      return change.breach.administration ?? nobody;
    case 'breach.ended':
      return state.tenancy.breaches.get(change.id)?.administration ?? nobody;
    case 'agreement.set':
      return beneficiary(change.agreement);
    case 'agreement.deleted':
      return beneficiary(state.tenancy.agreements.get(change.id));
    case 'identity.set':
      return change.identity.administration ?? nobody;
    case 'identity.deleted':
      return state.access.identities.get(change.id)?.administration ?? nobody;
    default:
      return 'uid' in change ? (state.vms.get(change.uid)?.administration ?? nobody) : nobody;
  }
}

function beneficiary(agreement: Agreement | undefined): Concerned {
  return agreement?.beneficiary.kind === 'administration' ? agreement.beneficiary.administration : nobody;
}

function partnerOfVm(state: State, uid: string): Concerned {
  return partnerOfHost(state, state.vms.get(uid)?.host ?? null);
}

function partnerOfHost(state: State, id: string | null): Concerned {
  return id === null ? nobody : partnerOfSite(state, state.hosts.get(id)?.site);
}

function partnerOfSite(state: State, id: string | undefined): Concerned {
  return id === undefined ? nobody : (state.sites.get(id)?.partner ?? nobody);
}

/** An operation of VMs of several partners is shown to none of them: changes of the VMs themselves are. */
function partnerOfOperation(state: State, operation: Operation | undefined): Concerned {
  let found: Concerned = null;
  for (const uid of operation?.targets ?? nobody) {
    const partner = partnerOfVm(state, uid);
    if (found === null) found = partner;
    else if (partner !== found) return nobody;
  }
  return found;
}

/** A federation's own identities may act on everybody's hosts. */
function partnersOfIdentity(state: State, identity: Identity | undefined): Concerned {
  if (identity === undefined) return nobody;
  if (identity.partner !== null) return identity.partner;
  return identity.administration === null ? everyPartner(state) : homes(state, identity.administration);
}

function partnersOfAgreement(state: State, agreement: Agreement | undefined): Concerned {
  if (agreement === undefined) return nobody;
  const { partner, beneficiary: to } = agreement;
  return both(partner, to.kind === 'partner' ? to.partner : homes(state, to.administration));
}

function partnersOfQuota(state: State, administration: string, scope: Scope): Concerned {
  return both(
    homes(state, administration),
    scope.kind === 'site' ? partnerOfSite(state, scope.site) : nobody,
  );
}

function partnersOfLoan(state: State, { lender, borrower, scope }: Loan): Concerned {
  return both(partnersOfQuota(state, lender, scope), homes(state, borrower));
}

function homes(state: State, administration: string | null): Concerned {
  return administration === null ? nobody : (state.tenancy.homePartner(administration)?.id ?? nobody);
}

function everyPartner(state: State): Concerned {
  return [...state.tenancy.partners.keys()];
}

/** What either of two names. */
export function both(one: Concerned, other: Concerned): Concerned {
  if (one === other || other === null) return one;
  if (one === null) return other;
  if (typeof one !== 'string' && one.length === 0) return other;
  if (typeof other !== 'string' && other.length === 0) return one;
  return [...new Set([one, other].flat())];
}

function all(some: readonly Concerned[]): Concerned {
  return some.reduce(both, nobody);
}
