/** Puts up whom a scenario has, and what each may use, before there are any VMs. */
import type { Agreement } from '../core/tenancy/model.js';
import { noticed } from '../core/tenancy/times.js';
import type { Cluster } from './cluster.js';
import type { Scenario } from './format.js';
import type { AgreementEntry, LoanEntry } from './format-tenancy.js';
import { at, Impossible } from './impossible.js';

const dayMs = 86_400_000;
const plainCountry = 'HR';

/** Parents first, in whatever order they are written. */
export function addAdministrations(cluster: Cluster, { administrations }: Scenario): void {
  const { state } = cluster;
  const add = (id: string, below: readonly string[]) => {
    if (state.administrations.has(id)) return;
    const entry = administrations[id];
    const parent = entry?.parent ?? null;
    if (below.includes(id)) throw new Impossible(`is above itself: ${[...below, id].join(' is below ')}`);
    if (parent !== null) add(parent, [...below, id]);
    const above = parent === null ? undefined : state.administrations.get(parent);
    const country = entry?.country ?? above?.country ?? plainCountry;
    cluster.run({ type: 'administration.create', id, title: '', parent, country });
    const stoppedVms = entry?.stoppedVms;
    if (stoppedVms !== undefined) cluster.run({ type: 'administration.update', id, stoppedVms, etag: '' });
  };
  for (const id of Object.keys(administrations)) at(['administrations', id, 'parent'], () => add(id, []));
}

export function addPartners(cluster: Cluster, { partners }: Scenario): void {
  const entries = Object.entries(partners);
  // Where nothing is said of partners, all sites serve everybody.
  if (entries.length === 0)
    cluster.run({ type: 'partner.create', id: '', title: '', country: '', administrations: [], open: true });
  for (const [id, partner] of entries) cluster.run({ type: 'partner.create', id, title: '', ...partner });
}

export function addTenancy(cluster: Cluster, scenario: Scenario): void {
  const { classes, quotas, loans, residency, agreements } = scenario;
  for (const [id, { level }] of Object.entries(classes))
    at(['classes', id], () => cluster.run({ type: 'class.create', id, title: '', level }));
  for (const [index, { scope, limit, ...entry }] of quotas.entries()) {
    const administration = cluster.administrationOf(entry);
    at(['quotas', index], () => cluster.run({ type: 'quota.set', administration, scope, limit, etag: '' }));
  }
  for (const [id, loan] of Object.entries(loans)) at(['loans', id], () => addLoan(cluster, id, loan));
  for (const [id, { class: dataClass, administration = null, ...rule }] of Object.entries(residency)) {
    const dates = { fromMs: null, untilMs: null, startUntilMs: null };
    at(['residency', id], () =>
      cluster.run({ type: 'residency.create', id, dataClass, administration, ...rule, ...dates }),
    );
  }
  for (const [id, agreement] of Object.entries(agreements))
    at(['agreements', id], () => addAgreement(cluster, id, agreement));
}

/** It is there, whatever the lender could lend today. */
function addLoan(cluster: Cluster, id: string, { lender, borrower, scope, amount, days }: LoanEntry): void {
  if (lender === borrower) throw new Impossible(`administration "${lender}" cannot lend to itself`);
  const loan = { id, lender, borrower, scope, amount, untilMs: endOf(cluster, days), note: '' };
  const times = { endedMs: 0, revision: 1, createdMs: cluster.nowMs, updatedMs: cluster.nowMs };
  cluster.apply({ type: 'loan.set', loan: { ...loan, state: 'active', ...times } });
}

/** In so many days, or never. */
export function endOf({ nowMs }: Cluster, days: number | undefined): number {
  return days === undefined ? Number.POSITIVE_INFINITY : nowMs + days * dayMs;
}

function addAgreement(cluster: Cluster, id: string, entry: AgreementEntry): void {
  const { partner, beneficiary, limit, percent, reserve, vcpuPrice, notice, state } = entry;
  const price = {
    currency: 'EUR',
    vcpuMicros: vcpuPrice,
    memoryGibMicros: 0,
    diskGibMicros: 0,
    stoppedPercent: 0,
  };
  const dates = { fromMs: null, untilMs: null, noticeDays: notice };
  const terms = { partner, beneficiary, limit, limitPercent: percent ?? null, reserve, price, ...dates };
  const agreement = cluster.run({ type: 'agreement.create', id, title: '', ...terms });
  if (state === 'in_force') return;
  cluster.apply({ type: 'agreement.set', agreement: ending(agreement, state, cluster.nowMs) });
}

function ending(agreement: Agreement, state: 'notice' | 'ended', nowMs: number): Agreement {
  return { ...noticed(agreement, nowMs), state, recalled: true };
}

/** Last, so that what belongs to a suspended administration could be put up. */
export function suspend(cluster: Cluster, { administrations }: Scenario): void {
  for (const [id, { suspended }] of Object.entries(administrations))
    if (suspended) cluster.run({ type: 'administration.suspend', id, suspended });
}
