/** Scopes, limits, places and moments of requests, checked for form: what the services of tenancy have in common. */
import type { Timestamp__Output } from '../../proto/gen/google/protobuf/Timestamp.js';
import type { Limits__Output } from '../../proto/gen/secovia/v1/Limits.js';
import type { Places__Output } from '../../proto/gen/secovia/v1/Places.js';
import type { Scope__Output } from '../../proto/gen/secovia/v1/Scope.js';
import { isExtraName, sortedExtras } from '../core/extras.js';
import type { Limits, Places, Quota, Scope } from '../core/tenancy/model.js';
import { scopeOfKey } from '../core/tenancy/scope.js';
import { quotaNamePattern, quotaRefIn } from '../render/names.js';
import { extraNameWords } from './extras.js';
import { type Fields, quoted } from './fields.js';
import { mostLimitedExtras, mostOfALimit, mostRuleCountries } from './limits.js';

/** The year 9000, in seconds: a notice that begins then still ends within what a google.protobuf.Timestamp can say. */
const lastSecond = Date.UTC(9000, 0) / 1000;

const everywhere: Scope = { kind: 'everywhere' };

/** Unset means everywhere. */
export function scopeIn(fields: Fields, field: string, scope: Scope__Output | null): Scope {
  if (scope?.country !== undefined)
    return { kind: 'country', country: fields.country(`${field}.country`, scope.country) };
  if (scope?.site !== undefined)
    return { kind: 'site', site: fields.name(`${field}.site`, 'site', scope.site) };
  return everywhere;
}

/** Which quota a name means. */
export function quotaIn(
  fields: Fields,
  field: string,
  name: string,
): Pick<Quota, 'administration' | 'scope'> {
  const ref = quotaRefIn(name);
  const scope = ref === null ? null : scopeOfKey(ref.key);
  if (ref === null || scope === null) {
    fields.fault(field, `${quoted(name)} must look like ${quotaNamePattern}`);
    return { administration: '', scope: everywhere };
  }
  return { administration: ref.administration, scope };
}

const amounts = [
  ['vcpus', 'vcpus'],
  ['memoryMib', 'memory_mib'],
  ['diskMib', 'disk_mib'],
  ['vms', 'vms'],
] as const;

/** What is unset has no bound. `least` is the smallest amount that may be said. */
export function limitsIn(fields: Fields, field: string, sent: Limits__Output | null, least = 0): Limits {
  const limits: Limits = {};
  for (const [key, name] of amounts) {
    const amount = sent?.[key];
    if (amount !== undefined) limits[key] = fields.whole(`${field}.${name}`, amount, least, mostOfALimit);
  }
  const extras = sent?.extras ?? {};
  for (const name of fields.list(`${field}.extras`, Object.keys(extras), mostLimitedExtras)) {
    if (isExtraName(name))
      fields.whole(`${field}.extras.${name}`, extras[name] as number, least, mostOfALimit);
    else fields.fault(`${field}.extras.${quoted(name)}`, extraNameWords);
  }
  const sorted = sortedExtras(extras);
  return sorted === undefined ? limits : { ...limits, extras: sorted };
}

/** Each once. */
export function placesIn(fields: Fields, field: string, sent: Places__Output | null): Places {
  const countries = fields.list(`${field}.countries`, sent?.countries ?? [], mostRuleCountries);
  for (const country of countries) fields.country(`${field}.countries`, country);
  return {
    countries: [...new Set(countries)],
    jurisdictions: fields.jurisdictions(`${field}.jurisdictions`, sent?.jurisdictions ?? []),
  };
}

/** Milliseconds since 1970; null when it is unset. */
export function momentIn(fields: Fields, field: string, sent: Timestamp__Output | null): number | null {
  if (sent === null) return null;
  const { seconds, nanos } = sent;
  const isMoment = seconds >= 1 && seconds <= lastSecond && nanos >= 0 && nanos < 1e9;
  if (!isMoment) fields.fault(field, 'must be a moment between the years 1970 and 9000');
  return isMoment ? seconds * 1000 + Math.floor(nanos / 1e6) : null;
}

/** What begins must begin before it ends; null is at once, or without an end. */
export function checkOrder(
  fields: Fields,
  field: string,
  fromMs: number | null | undefined,
  untilMs: number | null | undefined,
): void {
  if (typeof fromMs === 'number' && typeof untilMs === 'number' && untilMs <= fromMs) {
    fields.fault(field, 'must be later than the moment from which it is valid');
  }
}
