/** What limits say to a request: quotas from the administration upwards, and agreements of the partners that it may use. */
import type { Counted, Counting } from './admission.js';
import type { Held, Shortage } from './holdings.js';
import type { Agreement, Quota } from './model.js';
import type { AgreementMeter } from './partners.js';
import type { TenancyRequest } from './request.js';
import type { Tenancy } from './tenancy.js';
import type { Meter } from './tree.js';

/** A limit that a request would exceed. */
export type Exceeded = Shortage &
  (
    | { code: 'QUOTA_EXCEEDED'; quota: Quota }
    | { code: 'AGREEMENT_EXHAUSTED' | 'RESERVE_KEPT'; agreement: Agreement }
  );

export type ClosingCode = Exceeded['code'];

/** The first quota, from the administration upwards, that stands against a request wherever it goes; null if none does. */
export function exceededEverywhere(
  tenancy: Tenancy,
  { administration, dataClass, holds, counted }: TenancyRequest,
): Exceeded | null {
  const { counting } = tenancy.admission(administration, dataClass);
  const more = counted === null ? holds : counted.growth;
  if (haveRoom(tenancy, counting, more)) return null;
  const { meters, rows } = counting.everywhere;
  for (let at = 0; at < rows.length; at += 1) {
    if (hasRoom(tenancy, rows[at] as number, more)) continue;
    const meter = meters[at] as Meter;
    const short = meter.shortage(more);
    if (short !== null) return { ...short, code: 'QUOTA_EXCEEDED', quota: meter.quota };
  }
  return null;
}

/** Tells of each limit that closes some sites to a request. */
export function closing(
  tenancy: Tenancy,
  request: TenancyRequest,
  tell: (exceeded: Exceeded, sites: readonly string[]) => void,
): void {
  const { counting, service } = tenancy.admission(request.administration, request.dataClass);
  if (!haveRoom(tenancy, counting, request.holds)) closingQuotas(tenancy, request, counting.scoped, tell);
  for (const { sites, agreements } of service.foreign) {
    let first: Exceeded | null = null;
    for (const meter of agreements) {
      const exceeded = exceeds(meter, request, sites);
      if (exceeded === null) {
        first = null;
        break;
      }
      first ??= exceeded;
    }
    if (first !== null) tell(first, sites);
  }
}

function closingQuotas(
  tenancy: Tenancy,
  { holds, counted }: TenancyRequest,
  { meters, rows }: Counted,
  tell: (exceeded: Exceeded, sites: readonly string[]) => void,
): void {
  for (let at = 0; at < rows.length; at += 1) {
    // Whatever of it is counted there already, there is room for all of it.
    if (hasRoom(tenancy, rows[at] as number, holds)) continue;
    const meter = meters[at] as Meter;
    const { sites } = meter;
    const more = counted !== null && sites.includes(counted.site) ? counted.growth : holds;
    const short = meter.shortage(more);
    if (short !== null) tell({ ...short, code: 'QUOTA_EXCEEDED', quota: meter.quota }, sites);
  }
}

/** Whether all quotas have room for sure. */
function haveRoom({ tree }: Tenancy, { groups }: Counting, more: Held): boolean {
  return more.extras === undefined && tree.rooms.haveAll(groups, more);
}

/** Whether a quota has room for sure; extras are a matter of its own. */
function hasRoom({ tree }: Tenancy, row: number, more: Held): boolean {
  return more.extras === undefined && tree.rooms.has(row, more);
}

function exceeds(
  meter: AgreementMeter,
  { holds, counted }: TenancyRequest,
  sites: readonly string[],
): Exceeded | null {
  const { agreement } = meter;
  const own = counted !== null && counted.agreement === agreement.id ? counted.growth : holds;
  const isThere = counted !== null && counted.agreement !== undefined && sites.includes(counted.site);
  const short = meter.shortage(own, isThere ? counted.growth : holds);
  return short === null ? null : { ...short, agreement };
}

/** The agreement that a request would use on a site that is open to it; undefined when it needs none. */
export function agreementFor(tenancy: Tenancy, request: TenancyRequest, site: string): string | undefined {
  const { foreign } = tenancy.admission(request.administration, request.dataClass).service;
  if (foreign.length === 0) return undefined;
  const there = foreign.find(({ sites }) => sites.includes(site));
  return there?.agreements.find((meter) => exceeds(meter, request, there.sites) === null)?.agreement.id;
}

/** Whether sites may close to such requests as VMs are placed. */
export function mayClose(tenancy: Tenancy, administration: string, dataClass: string): boolean {
  const { counting, service } = tenancy.admission(administration, dataClass);
  return counting.everywhere.rows.length + counting.scoped.rows.length + service.foreign.length > 0;
}
