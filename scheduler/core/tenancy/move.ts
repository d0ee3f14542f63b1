/**
 * Whether an administration may hang elsewhere, as far as quotas are concerned. Above its new parent it counts with what
 * its subtree holds and with what that has lent to others, and brings what it has borrowed; where it leaves it takes all
 * of that away.
 */
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { amountWords, heldOf, type Shortage, Sum } from './holdings.js';
import type { Loan, Scope } from './model.js';
import { refuseExceeded } from './refusals.js';
import { covers, scopeKey, scopeWords } from './scope.js';
import type { Exceeded } from './limits.js';
import { heldBySite, type Meter, type Node } from './tree.js';

/** The refusal when a quota would be exceeded that is not so now, or more than now. */
export function refuseMove({ tenancy }: State, id: string, parent: string | null): Refusal | null {
  const { tree } = tenancy;
  const node = tree.node(id);
  const before = node.parent === null ? [] : [...node.parent.upwards()];
  const after = parent === null ? [] : [...tree.node(parent).upwards()];
  const loans = loansAcross(tenancy.loans.values(), node);
  const held = heldBySite(node);
  const counts = ({ scope }: Meter['quota']): Sum => {
    const sum = new Sum();
    for (const [site, own] of held) if (covers(scope, site)) sum.add(own, 1);
    return sum;
  };
  const exceeded: Exceeded[] = [];
  for (const meter of metersOnlyOf(after, before)) {
    const more = counts(meter.quota);
    more.add(lentIn(loans, meter.quota.scope), 1);
    const short = meter.shortage(more);
    if (short !== null) exceeded.push({ ...short, code: 'QUOTA_EXCEEDED', quota: meter.quota });
  }
  const [first, ...others] = exceeded;
  if (first !== undefined) return refuseExceeded([first, ...others]);
  // Without loans, those that it leaves only gain by it.
  if (loans.length === 0) return null;
  for (const meter of metersOnlyOf(before, after)) {
    const less = new Sum();
    less.add(counts(meter.quota), -1);
    less.add(lentIn(loans, meter.quota.scope), -1);
    const short = meter.shortage(less);
    if (short !== null) return refuseToTakeAway(id, meter, short, loans);
  }
  return null;
}

/** A loan between the subtree and others; `sign` is 1 when the subtree lends, and -1 when it borrows. */
interface LoanAcross {
  loan: Loan;
  sign: 1 | -1;
}

function loansAcross(loans: Iterable<Loan>, node: Node): LoanAcross[] {
  const across: LoanAcross[] = [];
  const active = [...loans].filter(({ state }) => state === 'active');
  if (active.length === 0) return across;
  const inside = new Set([...node.subtree()].map(({ id }) => id));
  for (const loan of active) {
    const [lends, borrows] = [inside.has(loan.lender), inside.has(loan.borrower)];
    if (lends !== borrows) across.push({ loan, sign: lends ? 1 : -1 });
  }
  return across;
}

/** What the subtree has lent to others in a scope, less what it has borrowed from them. */
function lentIn(loans: readonly LoanAcross[], scope: Scope): Sum {
  const sum = new Sum();
  const key = scopeKey(scope);
  for (const { loan, sign } of loans) if (scopeKey(loan.scope) === key) sum.add(heldOf(loan.amount), sign);
  return sum;
}

/** The quotas of some administrations, without those that are among the others as well. */
function metersOnlyOf(some: readonly Node[], others: readonly Node[]): Meter[] {
  return some.filter((node) => !others.includes(node)).flatMap(({ meters }) => [...meters.values()]);
}

function refuseToTakeAway(
  id: string,
  { quota: { administration, scope } }: Meter,
  { resource, limit, used, more }: Shortage,
  loans: readonly LoanAcross[],
): Refusal {
  const ids = loans.filter(({ sign }) => sign === -1).map(({ loan }) => loan.id);
  const missing = amountWords(used + more - limit, resource);
  return refuse(
    'precondition',
    'LOAN_IN_USE',
    `administration "${administration}" uses ${scopeWords(scope)} what "${id}" has borrowed: without it ${missing} would be missing; free them, or recall the loans first (${ids.slice(0, 5).join(', ')})`,
    { administration, resource, loans: ids.join(',') },
  );
}
