/** Where data may be: the rules in force for an administration and a data class, asked of one site. */
import type { Site } from '../model.js';
import type { DataClass, Places, ResidencyRule } from './model.js';

/** The class of a VM that has none. */
export const defaultClass = 'internal';
/** Above this level data stay in their own country unless a rule allows more. */
export const internalLevel = 10;

export const builtInClasses: readonly DataClass[] = [
  { id: 'public', title: 'Open to everybody', level: 0, builtIn: true, createdMs: 0 },
  {
    id: defaultClass,
    title: 'For the administration itself',
    level: internalLevel,
    builtIn: true,
    createdMs: 0,
  },
  { id: 'personal', title: 'Personal data', level: 20, builtIn: true, createdMs: 0 },
  { id: 'special', title: 'Special categories of personal data', level: 30, builtIn: true, createdMs: 0 },
];

export interface ResidencyVerdict {
  lawful: boolean;
  /** The rule that decides; null when none does, and the level of the class decides. */
  rule: ResidencyRule | null;
}

/** The rules of one class that hold for an administration now, those of one priority together, the highest first. */
export type RulesInForce = readonly (readonly ResidencyRule[])[];

/** Of rules in any order and state; within a priority by id, so that the rule that is named is always the same. */
export function rulesInForce(rules: readonly ResidencyRule[]): RulesInForce {
  if (rules.length === 0) return [];
  const inForce = rules
    .filter(({ state }) => state === 'in_force')
    .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  const groups: ResidencyRule[][] = [];
  for (const rule of inForce) {
    const group = groups.at(-1);
    if (group?.[0]?.priority === rule.priority) group.push(rule);
    else groups.push([rule]);
  }
  return groups;
}

/** What rules say to a site about data of a class of this level. */
export function residencyOf(
  rules: RulesInForce,
  level: number,
  country: string,
  site: Site,
): ResidencyVerdict {
  for (const some of rules) {
    const forbids = some.find(({ forbidden }) => isAmong(site, forbidden));
    if (forbids !== undefined) return { lawful: false, rule: forbids };
    const allows = some.find(({ allowed }) => isAmong(site, allowed));
    if (allows !== undefined) return { lawful: true, rule: allows };
    const allowsOthers = some.find(({ allowed }) => !isEmpty(allowed));
    if (allowsOthers !== undefined) return { lawful: false, rule: allowsOthers };
  }
  return { lawful: level <= internalLevel || site.country === country, rule: null };
}

/** The ids of the sites where such data may be; null for all of them. */
export function lawfulSites(
  rules: RulesInForce,
  level: number,
  country: string,
  sites: readonly Site[],
): Set<string> | null {
  if (rules.length === 0 && level <= internalLevel) return null;
  const lawful = sites.filter((site) => residencyOf(rules, level, country, site).lawful);
  return lawful.length === sites.length ? null : new Set(lawful.map(({ id }) => id));
}

export function isEmpty({ countries, jurisdictions }: Places): boolean {
  return countries.length + jurisdictions.length === 0;
}

function isAmong(site: Site, { countries, jurisdictions }: Places): boolean {
  return countries.includes(site.country) || jurisdictions.some((one) => site.jurisdictions.includes(one));
}
