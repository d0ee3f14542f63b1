/** Decisions about quotas, and about loans between them. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { staleEtag } from '../etag.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { amountWords, heldOf, type Shortage } from './holdings.js';
import { metersOf } from './loans.js';
import type { Limits, Loan, Quota, Scope } from './model.js';
import { quotaKey, scopeKey, scopeWords } from './scope.js';
import type { Meter } from './tree.js';

export function setQuota(state: State, command: CommandOf<'quota.set'>, nowMs: number): Decision<Quota> {
  const { administration, scope, limit, etag } = command;
  if (!state.administrations.has(administration))
    return { refusal: notFound('administration', administration) };
  const unknown = unknownSite(state, scope);
  if (unknown) return { refusal: unknown };
  const before = state.tenancy.quotas.get(quotaKey(administration, scope));
  if (before === undefined && etag !== '') {
    return { refusal: notFound('quota', `administrations/${administration}/quotas/${scopeKey(scope)}`) };
  }
  const stale = before === undefined ? null : staleEtag(etag, before.revision);
  if (stale) return { refusal: stale };
  const quota: Quota = {
    administration,
    scope,
    limit,
    revision: (before?.revision ?? 0) + 1,
    createdMs: before?.createdMs ?? nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'quota.set', quota }], reply: () => quota };
}

export function deleteQuota(state: State, command: CommandOf<'quota.delete'>): Decision<null> {
  const { administration, scope, etag } = command;
  const name = `administrations/${administration}/quotas/${scopeKey(scope)}`;
  const quota = state.tenancy.quotas.get(quotaKey(administration, scope));
  if (quota === undefined) return { refusal: notFound('quota', name) };
  const stale = staleEtag(etag, quota.revision);
  if (stale) return { refusal: stale };
  const meter = state.tenancy.tree.node(administration).meters.get(scopeKey(scope));
  const loans = [...state.tenancy.loans.values()].filter((loan) => {
    const { lenders, borrowers } = metersOf(loan, state.tenancy.tree);
    return loan.state === 'active' && [...lenders, ...borrowers].includes(meter as Meter);
  });
  if (loans.length > 0) {
    const ids = loans.map(({ id }) => id).sort();
    return {
      refusal: refuse(
        'precondition',
        'QUOTA_ON_LOAN',
        `${name} is part of active loans (${ids.slice(0, 5).join(', ')}); recall them first`,
        { loans: ids.join(',') },
      ),
    };
  }
  return { changes: [{ type: 'quota.deleted', administration, scope }], reply: () => null };
}

export function createLoan(state: State, command: CommandOf<'loan.create'>, nowMs: number): Decision<Loan> {
  const { id, lender, borrower, scope, amount, untilMs, note } = command;
  const { tenancy, administrations } = state;
  if (tenancy.loans.has(id)) return { refusal: alreadyExists('loan', id) };
  for (const one of [lender, borrower])
    if (!administrations.has(one)) return { refusal: notFound('administration', one) };
  const refusal = unknownSite(state, scope) ?? loanMakesSense(command, nowMs) ?? cannotLend(state, command);
  if (refusal) return { refusal };
  const loan: Loan = {
    id,
    lender,
    borrower,
    scope,
    amount,
    untilMs,
    note,
    state: 'active',
    endedMs: 0,
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'loan.set', loan }], reply: () => loan };
}

function loanMakesSense(
  { lender, borrower, untilMs }: CommandOf<'loan.create'>,
  nowMs: number,
): Refusal | null {
  if (lender === borrower)
    return refuse('precondition', 'LOAN_TO_ITSELF', `administration "${lender}" cannot lend to itself`);
  if (untilMs > nowMs) return null;
  return {
    ...refuse('invalid', 'LOAN_IN_THE_PAST', 'a loan ends in the future: say a later time'),
    violations: [{ field: 'loan.expire_time', description: 'must be in the future' }],
  };
}

/** What is lent must be there, unused, on the whole way up to the ancestor that both have; and must be of use. */
function cannotLend(
  { tenancy }: State,
  { lender, borrower, scope, amount }: CommandOf<'loan.create'>,
): Refusal | null {
  const { lenders, borrowers } = metersOf({ lender, borrower, scope }, tenancy.tree);
  const lendsFromAbove = [...tenancy.tree.node(borrower).upwards()].some(({ id }) => id === lender);
  const own = tenancy.tree.node(lender).meters.get(scopeKey(scope));
  if (own === undefined || !limitsAll(own.limit, amount)) {
    return refuse(
      'precondition',
      'NO_QUOTA_TO_LEND',
      `administration "${lender}" has no limit of that ${scopeWords(scope)}, so it has nothing to lend; set one first (secovia quota set)`,
    );
  }
  for (const meter of lendsFromAbove ? [own] : lenders) {
    const short = meter.shortage(heldOf(amount));
    if (short !== null) return tooLittleToLend(meter, short);
  }
  if (borrowers.some(({ limit }) => limitsAny(limit, amount))) return null;
  return refuse(
    'precondition',
    'LOAN_WITHOUT_EFFECT',
    `nothing limits administration "${borrower}" in that ${scopeWords(scope)}, so a loan would change nothing`,
  );
}

function tooLittleToLend({ quota }: Meter, { resource, limit, used, more }: Shortage): Refusal {
  const unused = Math.max(0, limit - used);
  return refuse(
    'exhausted',
    'NOT_ENOUGH_UNUSED',
    `administration "${quota.administration}" has ${amountWords(unused, resource)} unused ${scopeWords(quota.scope)}, and cannot lend ${more}`,
    { administration: quota.administration, resource, unused: String(unused), asked: String(more) },
  );
}

const namesOf = ({ extras, ...rest }: Limits): string[] => [
  ...Object.keys(rest),
  ...Object.keys(extras ?? {}),
];

function limitsAll(limit: Limits, amount: Limits): boolean {
  const limited = namesOf(limit);
  return namesOf(amount).every((name) => limited.includes(name));
}

function limitsAny(limit: Limits, amount: Limits): boolean {
  const limited = namesOf(limit);
  return namesOf(amount).some((name) => limited.includes(name));
}

export function recallLoan(state: State, command: CommandOf<'loan.recall'>, nowMs: number): Decision<Loan> {
  const before = state.tenancy.loans.get(command.id);
  if (before === undefined) return { refusal: notFound('loan', command.id) };
  const stale = staleEtag(command.etag, before.revision);
  if (stale) return { refusal: stale };
  if (before.state !== 'active') {
    const message = `loan "${before.id}" has ended already (${before.state})`;
    return { refusal: refuse('precondition', 'LOAN_ENDED', message, { state: before.state }) };
  }
  const revision = before.revision + 1;
  const loan: Loan = { ...before, state: 'recalled', endedMs: nowMs, revision, updatedMs: nowMs };
  return { changes: [{ type: 'loan.set', loan }], reply: () => loan };
}

function unknownSite(state: State, scope: Scope): Refusal | null {
  return scope.kind === 'site' && !state.sites.has(scope.site) ? notFound('site', scope.site) : null;
}
