/**
 * What is to be decided without anybody asking: something begins or ends now, or what was changed may have put VMs where
 * they may not be. Whoever runs commands runs these as well, so that they are in the journal like everything else.
 */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Administration, Site } from '../model.js';
import type { State } from '../state.js';
import type { Breach } from './model.js';
import { defaultClass } from './residency.js';
import { agreementBreachId, residencyBreachId, serviceBreachId } from './stay.js';
import { agreementAt, boundaryOf, loanAt, ruleAt } from './times.js';
import type { Cell } from './tree.js';

/** So many administrations are looked at in one decision, and others may come between. */
const reviewedTogether = 200;

export type DueCommand = CommandOf<'time.pass'> | CommandOf<'breaches.review'>;

/** The next command that is due, to be run before any other; null when there is none. Each is handed over once. */
export function takeDue({ tenancy }: State, nowMs: number): DueCommand | null {
  if (tenancy.nextMs <= nowMs) return { type: 'time.pass' };
  if (!tenancy.hasUnreviewed) return null;
  return { type: 'breaches.review', administrations: tenancy.takeUnreviewed(reviewedTogether) };
}

/** Loans that expire, rules that begin and end, agreements that go from one state to the next. */
export function passTime(
  { tenancy }: State,
  _command: CommandOf<'time.pass'>,
  nowMs: number,
): Decision<null> {
  const changes: Change[] = [];
  const next = <T extends { revision: number; updatedMs: number }>(record: T): T => ({
    ...record,
    revision: record.revision + 1,
    updatedMs: nowMs,
  });
  for (const loan of tenancy.loans.values())
    if (boundaryOf(loan) <= nowMs) changes.push({ type: 'loan.set', loan: next(loanAt(loan, nowMs)) });
  for (const rule of tenancy.rules.values())
    if (boundaryOf(rule) <= nowMs) changes.push({ type: 'residency.set', rule: next(ruleAt(rule, nowMs)) });
  for (const agreement of tenancy.agreements.values()) {
    if (boundaryOf(agreement) <= nowMs)
      changes.push({ type: 'agreement.set', agreement: next(agreementAt(agreement, nowMs)) });
  }
  return { changes, reply: () => null };
}

/** Notes what is in breach now, and forgets what is no more. VMs go on running: they are listed until they have moved. */
export function reviewBreaches(
  state: State,
  { administrations }: CommandOf<'breaches.review'>,
  nowMs: number,
): Decision<null> {
  const { breaches } = state.tenancy;
  const found = new Map<string, Breach>();
  const note = (breach: Omit<Breach, 'sinceMs'>) =>
    found.set(breach.id, { ...breach, sinceMs: breaches.get(breach.id)?.sinceMs ?? nowMs });
  const reviewed = new Set(administrations);
  for (const id of reviewed) {
    const administration = state.administrations.get(id);
    if (administration === undefined) continue;
    for (const cell of state.tenancy.tree.node(id).cells.values())
      reviewCell(state, administration, cell, note);
  }
  reviewAgreements(state, note);
  const changes: Change[] = [];
  for (const [id, breach] of found)
    if (!isSame(breaches.get(id), breach)) changes.push({ type: 'breach.began', breach });
  for (const { id, administration } of breaches.values()) {
    const isReviewed = administration === null || reviewed.has(administration);
    if (isReviewed && !found.has(id)) changes.push({ type: 'breach.ended', id });
  }
  return { changes, reply: () => null };
}

function isSame(before: Breach | undefined, breach: Breach): boolean {
  return before?.because === breach.because && before.startUntilMs === breach.startUntilMs;
}

type Note = (breach: Omit<Breach, 'sinceMs'>) => void;

function reviewCell(state: State, administration: Administration, cell: Cell, note: Note): void {
  const { site, classes } = cell;
  for (const dataClass of classes.keys()) {
    const { lawful } = state.tenancy.admission(administration.id, dataClass);
    if (lawful === null || lawful.has(site.id)) continue;
    const { rule } = state.tenancy.residency(administration, dataClass, site);
    note({
      id: residencyBreachId(administration.id, dataClass, site.id),
      code: 'NOT_LAWFUL',
      administration: administration.id,
      dataClass,
      site: site.id,
      because: rule?.id ?? null,
      startUntilMs: rule?.startUntilMs ?? null,
    });
  }
  if (cell.withoutAgreement === 0 || isServedFreely(state, administration, site)) return;
  note({
    id: serviceBreachId(administration.id, site.id),
    code: 'NO_AGREEMENT',
    administration: administration.id,
    dataClass: null,
    site: site.id,
    because: null,
    startUntilMs: null,
  });
}

function isServedFreely({ tenancy }: State, administration: Administration, { id }: Site): boolean {
  const { served, foreign } = tenancy.admission(administration.id, defaultClass).service;
  return (served === null || served.has(id)) && !foreign.some(({ sites }) => sites.includes(id));
}

function reviewAgreements({ tenancy }: State, note: Note): void {
  for (const { agreement, used } of tenancy.agreementMeters()) {
    if (agreement.state !== 'ended' || used.vms === 0) continue;
    const { id } = agreement;
    note({
      id: agreementBreachId(id),
      code: 'AGREEMENT_ENDED',
      administration: null,
      dataClass: null,
      site: null,
      because: id,
      startUntilMs: null,
    });
  }
}
