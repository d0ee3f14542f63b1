/** What begins and ends at a time, and what it is then. */
import type { Agreement, Loan, ResidencyRule } from './model.js';

const dayMs = 86_400_000;
const never = Number.POSITIVE_INFINITY;

/** When the record next becomes something else by itself. */
export function boundaryOf(record: Loan | ResidencyRule | Agreement): number {
  if ('lender' in record) return record.state === 'active' ? record.untilMs : never;
  if (record.state === 'planned') return record.fromMs;
  if (record.state === 'in_force') return record.untilMs ?? never;
  return record.state === 'notice' && 'partner' in record ? (record.noticeUntilMs ?? never) : never;
}

/** The loan as it is at a time. */
export function loanAt(loan: Loan, nowMs: number): Loan {
  if (boundaryOf(loan) > nowMs) return loan;
  return { ...loan, state: 'expired', endedMs: loan.untilMs };
}

export function ruleAt(rule: ResidencyRule, nowMs: number): ResidencyRule {
  let at = rule;
  while (boundaryOf(at) <= nowMs) at = { ...at, state: at.state === 'planned' ? 'in_force' : 'expired' };
  return at;
}

/** An agreement that expires has its notice period before it ends. */
export function agreementAt(agreement: Agreement, nowMs: number): Agreement {
  let at = agreement;
  while (boundaryOf(at) <= nowMs) {
    if (at.state === 'planned') at = { ...at, state: 'in_force' };
    else if (at.state === 'in_force') at = noticed(at, at.untilMs as number);
    else at = { ...at, state: 'ended' };
  }
  return at;
}

/** The agreement with its notice running from a time. */
export function noticed(agreement: Agreement, fromMs: number): Agreement {
  return { ...agreement, state: 'notice', noticeUntilMs: fromMs + agreement.noticeDays * dayMs };
}
