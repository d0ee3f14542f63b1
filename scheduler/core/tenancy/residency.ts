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

/** What the rules say to a site. They are those of one class that hold for an administration, in any order and state. */
export function residencyOf(
  rules: readonly ResidencyRule[],
  level: number,
  country: string,
  site: Site,
): ResidencyVerdict {
  const inForce = rules.filter(({ state }) => state === 'in_force');
  for (const some of byPriority(inForce)) {
    const forbids = some.find(({ forbidden }) => isAmong(site, forbidden));
    if (forbids !== undefined) return { lawful: false, rule: forbids };
    const allows = some.find(({ allowed }) => isAmong(site, allowed));
    if (allows !== undefined) return { lawful: true, rule: allows };
    const allowsOthers = some.find(({ allowed }) => !isEmpty(allowed));
    if (allowsOthers !== undefined) return { lawful: false, rule: allowsOthers };
  }
  return { lawful: level <= internalLevel || site.country === country, rule: null };
}

/** Those of one priority together, the highest first; within it by id, so that the rule that is named is always the same. */
function byPriority(rules: readonly ResidencyRule[]): ResidencyRule[][] {
  const groups = new Map<number, ResidencyRule[]>();
  for (const rule of rules) {
    const group = groups.get(rule.priority);
    if (group === undefined) groups.set(rule.priority, [rule]);
    else group.push(rule);
  }
  const sorted = [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
  for (const group of sorted) group.sort((a, b) => (a.id < b.id ? -1 : 1));
  return sorted;
}

export function isEmpty({ countries, jurisdictions }: Places): boolean {
  return countries.length + jurisdictions.length === 0;
}

function isAmong(site: Site, { countries, jurisdictions }: Places): boolean {
  return countries.includes(site.country) || jurisdictions.some((one) => site.jurisdictions.includes(one));
}
