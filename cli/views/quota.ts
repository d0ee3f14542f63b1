/** Quotas and loans as people see them: what is used of what is allowed, and what was lent. */
import type { Holdings__Output } from '../../proto/gen/secovia/v1/Holdings.js';
import type { Loan__Output } from '../../proto/gen/secovia/v1/Loan.js';
import type { Quota__Output } from '../../proto/gen/secovia/v1/Quota.js';
import type { QuotaDifference__Output } from '../../proto/gen/secovia/v1/QuotaDifference.js';
import { type Paint, stateTone } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { type Amount, amountsOf, formatHoldings, formatLimits } from '../values/limits.js';
import { shortName } from '../values/names.js';
import { quotaWords, scopeWords } from '../values/scopes.js';
import { stateWord } from './enums.js';

/** What is allowed now: the limit, with what was borrowed and without what was lent; undefined where there is no bound. */
export function allowed({ of }: Amount, { limit, borrowed, lent }: Quota__Output): number | undefined {
  const own = of(limit);
  return own === undefined ? undefined : Math.max(0, own + (of(borrowed) ?? 0) - (of(lent) ?? 0));
}

/** The amounts that a quota speaks of. */
export function amountsOfQuota({ limit, borrowed, lent }: Quota__Output): Amount[] {
  return amountsOf(limit, borrowed, lent);
}

export function quotaColumns(): Column<Quota__Output>[] {
  const amount = (what: string): Column<Quota__Output>['value'] => {
    return (quota) => {
      const found = amountsOfQuota(quota).find((each) => each.what === what);
      return found === undefined ? '' : share(found, quota);
    };
  };
  return [
    { head: 'ADMINISTRATION', value: ({ name }) => quotaWords(name)?.administration ?? name },
    { head: 'WHERE', value: ({ scope }) => scopeWords(scope) },
    { head: 'VCPUS', value: amount('vCPUs'), align: 'right' },
    { head: 'MEMORY', value: amount('memory'), align: 'right' },
    { head: 'DISK', value: amount('disk'), align: 'right' },
    { head: 'VMS', value: amount('VMs'), align: 'right' },
    { head: 'EXTRAS', value: extras },
    { head: 'NOTE', value: lending },
  ];
}

/** `3/8`: held, of what is allowed; `3/-` when there is no bound. */
function share(amount: Amount, quota: Quota__Output): string {
  const most = allowed(amount, quota);
  return `${amount.format(amount.of(quota.used) ?? 0)}/${most === undefined ? '-' : amount.format(most)}`;
}

function extras(quota: Quota__Output): string {
  return amountsOfQuota(quota)
    .slice(4)
    .map((amount) => `${amount.what} ${share(amount, quota)}`)
    .join(', ');
}

function lending({ borrowed, lent }: Quota__Output): string {
  const got = formatHoldings(borrowed);
  const given = formatHoldings(lent);
  return [got === '' ? '' : `borrowed ${got}`, given === '' ? '' : `lent ${given}`]
    .filter(Boolean)
    .join('; ');
}

export function loanColumns(nowMs: number): Column<Loan__Output>[] {
  return [
    { head: 'NAME', value: (loan) => shortName(loan.name) },
    { head: 'FROM', value: (loan) => shortName(loan.lender) },
    { head: 'TO', value: (loan) => shortName(loan.borrower) },
    { head: 'WHERE', value: (loan) => scopeWords(loan.scope) },
    { head: 'STATE', value: (loan) => stateWord(loan.state), tone: (_loan, value) => stateTone(value) },
    { head: 'UNTIL', value: (loan) => formatMoment(timestampMs(loan.expireTime), nowMs) },
    { head: 'AMOUNT', value: (loan) => formatLimits(loan.amount) },
    { head: 'AGE', value: (loan) => formatAge(timestampMs(loan.createTime), nowMs), align: 'right' },
    { head: 'NOTE', value: (loan) => loan.note },
  ];
}

export function loanSheet(loan: Loan__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(loan.name)],
      ['From', shortName(loan.lender)],
      ['To', shortName(loan.borrower)],
      ['Where', scopeWords(loan.scope)],
      ['Amount', formatLimits(loan.amount)],
      ['State', stateWord(loan.state)],
      ['Until', formatMoment(timestampMs(loan.expireTime), nowMs)],
      ['Ended', formatMoment(timestampMs(loan.endTime), nowMs)],
      ['Note', loan.note],
      ['Etag', loan.etag],
      ['Created', formatMoment(timestampMs(loan.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(loan.updateTime), nowMs)],
    ],
    paint,
  );
}

export const differenceColumns: Column<QuotaDifference__Output>[] = [
  { head: 'NAME', value: ({ name }) => name },
  { head: 'KEPT', value: ({ kept }) => held(kept) },
  { head: 'ADDED UP', value: ({ addedUp }) => held(addedUp) },
];

function held(holdings: Holdings__Output | null): string {
  return formatHoldings(holdings) || 'nothing';
}
