/**
 * Whom the VMs of a large federation belong to, and what keeps them apart: partners with sites and agreements, a tree of
 * administrations with limits on all its levels, and rules of residency. All of it by the commands that calls become.
 */
import type { CommandOf, CommandType, ReplyOf } from '../../scheduler/core/commands.js';
import type { VmPlacement } from '../../scheduler/core/model.js';
import type { Random } from '../scheduler/core/placement/random.js';
import { sites } from './placement-places.js';

export type Decide = <T extends CommandType>(command: CommandOf<T>) => ReplyOf<T>;

const countries = ['BG', 'GR', 'HR', 'MK', 'SI'];
const partnerCount = 10;
const administrationCount = 2_000;
const ruleCount = 500;
/** Each level of the tree has about so many times as many as the one above it. */
const branching = 7;
const classes = ['public', 'internal', 'internal', 'internal', 'personal', 'special'];
const plenty = { vcpus: 10 ** 7, memoryMib: 10 ** 10, diskMib: 10 ** 11, vms: 10 ** 7 };

const countryOf = (number: number) => countries[number % countries.length] as string;
const nameOf = (number: number) => `adm-${number}`;

export function foundTenancy(decide: Decide, random: Random): void {
  for (const [number, { id }] of sites.entries()) {
    const partner = `partner-${number % partnerCount}`;
    const country = countryOf(number % partnerCount);
    decide({ type: 'site.create', id, title: id, partner, country, jurisdictions: ['EU', 'EEA'] });
  }
  for (let number = 0; number < administrationCount; number += 1) {
    const above = number < countries.length ? null : Math.floor((number - countries.length) / branching);
    const parent = above === null ? null : nameOf(above);
    const country = countryOf(rootOf(number));
    decide({ type: 'administration.create', id: nameOf(number), title: nameOf(number), parent, country });
  }
  addAgreements(decide);
  for (let number = 0; number < administrationCount; number += 1) {
    const administration = nameOf(number);
    const country = countryOf(rootOf(number));
    decide({ type: 'quota.set', administration, scope: { kind: 'everywhere' }, limit: plenty, etag: '' });
    decide({
      type: 'quota.set',
      administration,
      scope: { kind: 'country', country },
      limit: plenty,
      etag: '',
    });
  }
  for (let number = 0; number < ruleCount; number += 1) {
    const administration = random.below(administrationCount);
    const home = countryOf(rootOf(administration));
    const allowed = [...new Set([home, ...countries.filter(() => random.next() < 0.7)])];
    decide({
      ...{ type: 'residency.create', id: `rule-${number}`, dataClass: random.pick(['personal', 'special']) },
      ...{ administration: nameOf(administration), allowed: { countries: allowed, jurisdictions: [] } },
      ...{ forbidden: { countries: [], jurisdictions: [] }, legalBasis: 'a law', priority: random.below(10) },
      ...{ fromMs: null, untilMs: null, startUntilMs: null },
    });
  }
}

/** Every partner serves the administrations of its country, and those of other countries under agreements alone. */
function addAgreements(decide: Decide): void {
  const price = { currency: 'EUR', vcpuMicros: 1, memoryGibMicros: 1, diskGibMicros: 1, stoppedPercent: 0 };
  for (let provider = 0; provider < partnerCount; provider += 1) {
    for (let other = 0; other < partnerCount; other += 1) {
      if (other % countries.length === provider % countries.length) continue;
      decide({
        ...{ type: 'agreement.create', id: `agreement-${provider}-${other}`, title: '' },
        ...{ partner: `partner-${provider}`, beneficiary: { kind: 'partner', partner: `partner-${other}` } },
        ...{ limit: { vms: plenty.vms }, limitPercent: 90, reserve: { vcpus: 1000 }, price },
        ...{ fromMs: null, untilMs: null, noticeDays: 30 },
      });
    }
  }
}

function rootOf(number: number): number {
  let at = number;
  while (at >= countries.length) at = Math.floor((at - countries.length) / branching);
  return at;
}

/** Some administrations have many VMs, and most have few. */
export function drawAdministration(random: Random): string {
  return nameOf(Math.floor(administrationCount * random.next() ** 2));
}

export function drawDataClass(random: Random): string {
  return random.pick(classes);
}

/** Most VMs may be anywhere; some are to be in the administration's own country, or would rather be on some site. */
export function drawPlacement(administration: string, random: Random): VmPlacement {
  const anywhere = { sites: [], countries: [], excludedHosts: [] };
  const drawn = random.next();
  if (drawn < 0.1) {
    const country = countryOf(rootOf(Number(administration.slice('adm-'.length))));
    return { ...anywhere, countries: [country] };
  }
  if (drawn < 0.2) return { ...anywhere, preferredSites: [random.pick(sites).id] };
  if (drawn > 0.95) {
    const group = { group: 'tier', policy: 'anti_affinity', scope: 'rack', soft: true, maxSkew: 0 } as const;
    return { ...anywhere, groups: [group] };
  }
  return anywhere;
}
