/**
 * A loan moves a part of a limit: it is taken off the quotas on the way from the lender up to the ancestor that both have,
 * and added on the way up from the borrower; above that nothing changes. Where there is no quota in the loan's scope there
 * is nothing to move.
 */
import { heldOf } from './holdings.js';
import type { Loan } from './model.js';
import { scopeKey } from './scope.js';
import type { Meter, Node, Tree } from './tree.js';

/** Works out anew what all quotas have borrowed and lent. */
export function spreadLoans(loans: Iterable<Loan>, tree: Tree): void {
  const touched = new Set<Meter>();
  for (const node of tree.nodes()) {
    for (const meter of node.meters.values()) {
      if (isZero(meter)) continue;
      meter.borrowed.clear();
      meter.lent.clear();
      touched.add(meter);
    }
  }
  for (const loan of loans) {
    if (loan.state !== 'active') continue;
    const { lenders, borrowers } = metersOf(loan, tree);
    for (const meter of lenders) meter.lent.add(heldOf(loan.amount), 1);
    for (const meter of borrowers) meter.borrowed.add(heldOf(loan.amount), 1);
    for (const meter of [...lenders, ...borrowers]) touched.add(meter);
  }
  for (const meter of touched) meter.settle();
}

function isZero({ borrowed, lent }: Meter): boolean {
  const extras = Object.keys(borrowed.extras).length + Object.keys(lent.extras).length;
  const { vcpus, memoryMib, diskMib, vms } = borrowed;
  return (
    extras + vcpus + memoryMib + diskMib + vms + lent.vcpus + lent.memoryMib + lent.diskMib + lent.vms === 0
  );
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
