/** Alarms about who may use what, and where: limits that are exceeded, VMs in breach, and what is about to end. */
import { momentWords } from '../moment.js';
import type { State } from '../state.js';
import { breachSentence } from '../tenancy/breach-words.js';
import { amountWords, countedResources, isExceeded } from '../tenancy/holdings.js';
import type { Agreement, Breach, Loan } from '../tenancy/model.js';
import { scopeKey, scopeWords } from '../tenancy/scope.js';
import type { Meter } from '../tenancy/tree.js';
import type { Alarm } from './alarm.js';

const dayMs = 86_400_000;
const loanEndsSoonMs = 14 * dayMs;
const agreementEndsSoonMs = 30 * dayMs;

export function breachAlarm(breach: Breach): Alarm {
  const { administration, dataClass, site, because, sinceMs } = breach;
  const ofAgreement = administration === null;
  return {
    code: breach.code === 'NOT_LAWFUL' ? 'RESIDENCY_BREACH' : 'AGREEMENT_BREACH',
    severity: breach.code === 'NOT_LAWFUL' ? 'critical' : 'warning',
    about: ofAgreement
      ? { kind: 'agreement', id: because ?? '' }
      : { kind: 'administration', id: administration, site },
    ...(ofAgreement ? {} : { of: [dataClass, site].filter(Boolean).join('.') }),
    sinceMs,
    message: `VMs are where they may not be any more: ${breachSentence(breach)}`,
    advice: ofAgreement
      ? 'secovia residency breaches lists them; have each moved, or the agreement extended'
      : `secovia residency breaches --administration ${administration} lists them; have each moved`,
  };
}

/** Null for a quota that is kept. */
export function quotaAlarm(state: State, meter: Meter): Alarm | null {
  const { limit, used, quota } = meter;
  if (!isExceeded(limit, used)) return null;
  const { administration, scope } = quota;
  return {
    code: 'QUOTA_EXCEEDED',
    severity: 'warning',
    about: { kind: 'quota', administration, key: scopeKey(scope) },
    sinceMs: limitSinceMs(state, meter),
    message: `"${administration}" and those below it hold more than their quota ${scopeWords(scope)}: ${overWords(meter)}`,
    advice: 'nothing of it can grow: delete, resize or stop VMs, or have the quota raised by who is above',
  };
}

function overWords({ limit, used }: Meter): string {
  const over = countedResources
    .filter((resource) => used[resource] > (limit[resource] ?? Number.POSITIVE_INFINITY))
    .map((resource) => `${amountWords(used[resource], resource)} of ${limit[resource]}`);
  for (const [name, most] of Object.entries(limit.extras ?? {})) {
    const held = used.extras[name] ?? 0;
    if (held > most) over.push(`${amountWords(held, name)} of ${most}`);
  }
  return over.join(', ');
}

/** Since when the limit is what it is: as it was set, or as loans have changed it after that. */
function limitSinceMs(state: State, { quota, isOnLoan }: Meter): number {
  let sinceMs = quota.updatedMs;
  // A loan that has ended has changed it too.
  if (!isOnLoan && state.tenancy.loans.size === 0) return sinceMs;
  const key = scopeKey(quota.scope);
  for (const loan of state.tenancy.loans.values()) {
    if (loan.updatedMs <= sinceMs || scopeKey(loan.scope) !== key) continue;
    if ([loan.lender, loan.borrower].some((one) => state.isWithin(one, quota.administration)))
      sinceMs = loan.updatedMs;
  }
  return sinceMs;
}

export function loanAlarm(loan: Loan, nowMs: number): Alarm | null {
  const { id, lender, borrower, untilMs, createdMs } = loan;
  const sinceMs = Math.max(untilMs - loanEndsSoonMs, createdMs);
  if (loan.state !== 'active' || nowMs < sinceMs) return null;
  return {
    code: 'LOAN_ENDING',
    severity: 'notice',
    about: { kind: 'loan', id },
    sinceMs,
    message: `what "${lender}" lends to "${borrower}" (loan "${id}") ends ${momentWords(untilMs)}`,
    advice: `"${borrower}" has to need less by then, or agree on another loan (secovia lend)`,
  };
}

export function agreementAlarm(agreement: Agreement, nowMs: number): Alarm | null {
  const { id, partner, untilMs, noticeUntilMs, noticeDays, recalled } = agreement;
  const about = { kind: 'agreement', id } as const;
  if (agreement.state === 'notice' && noticeUntilMs !== null) {
    return {
      code: 'AGREEMENT_IN_NOTICE',
      severity: 'warning',
      about,
      sinceMs: noticeUntilMs - noticeDays * dayMs,
      message: `agreement "${id}" of partner "${partner}" ${recalled ? 'was recalled' : 'has expired'}: VMs under it have to be elsewhere by ${momentWords(noticeUntilMs)}`,
      advice: `move or delete them, or have it extended: secovia agreement update ${id} --until`,
    };
  }
  if (agreement.state !== 'in_force' || untilMs === null) return null;
  const sinceMs = Math.max(untilMs - agreementEndsSoonMs, agreement.fromMs);
  if (nowMs < sinceMs) return null;
  return {
    code: 'AGREEMENT_ENDING',
    severity: 'notice',
    about,
    sinceMs,
    message: `agreement "${id}" of partner "${partner}" ends ${momentWords(untilMs)}, and its notice begins`,
    advice: `extend it (secovia agreement update ${id} --until), or plan where its VMs go`,
  };
}
