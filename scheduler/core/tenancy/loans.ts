/**
 * A loan moves a part of a limit: it is taken off the quotas on the way from the lender up to the ancestor that both have,
 * and added on the way up from the borrower; above that nothing changes. Where there is no quota in the loan's scope there
 * is nothing to move.
 */
import { heldOf } from './holdings.js';
import type { Loan } from './model.js';
import { scopeKey } from './scope.js';
import type { Meter, Node, Tree } from './tree.js';

/** Works out anew what all quotas have borrowed and lent under the loans that are active. */
export function spreadLoans(loans: Iterable<Loan>, tree: Tree): void {
  const touched = new Set<Meter>();
  for (const node of tree.nodes()) {
    for (const meter of node.meters.values()) {
      if (!meter.isOnLoan) continue;
      meter.forgetLoans();
      touched.add(meter);
    }
  }
  for (const loan of loans) {
    const { lenders, borrowers } = metersOf(loan, tree);
    for (const meter of lenders) meter.lend(heldOf(loan.amount), -1);
    for (const meter of borrowers) meter.lend(heldOf(loan.amount), 1);
    for (const meter of [...lenders, ...borrowers]) touched.add(meter);
  }
  for (const meter of touched) meter.settle();
}

/** The quotas that a loan takes from, and those that it adds to. */
export function metersOf(
  { lender, borrower, scope }: Pick<Loan, 'lender' | 'borrower' | 'scope'>,
  tree: Tree,
): { lenders: Meter[]; borrowers: Meter[] } {
  const above = [...tree.node(lender).upwards()];
  const others = [...tree.node(borrower).upwards()];
  const key = scopeKey(scope);
  const meters = (nodes: readonly Node[], common: readonly Node[]) =>
    nodes
      .filter((node) => !common.includes(node))
      .map((node) => node.meters.get(key))
      .filter((meter) => meter !== undefined);
  return { lenders: meters(above, others), borrowers: meters(others, above) };
}
