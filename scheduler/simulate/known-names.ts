/** The names that a scenario has, and a fault for each that it speaks of and that is not there. */
import { builtInClasses } from '../core/tenancy/residency.js';
import type { Scenario } from './format.js';
import type { Fault, Path } from './source.js';

export type Kind =
  | 'site'
  | 'administration'
  | 'image'
  | 'pool'
  | 'host'
  | 'VM'
  | 'partner'
  | 'class'
  | 'rule'
  | 'agreement'
  | 'loan';

const plurals: Record<Kind, string> = {
  site: 'sites',
  administration: 'administrations',
  image: 'images',
  pool: 'pools',
  host: 'hosts',
  VM: 'VMs',
  partner: 'partners',
  class: 'classes',
  rule: 'rules',
  agreement: 'agreements',
  loan: 'loans',
};
const mostTold = 12;

export class KnownNames {
  readonly faults: Fault[] = [];
  readonly #known: Record<Kind, Set<string>>;

  constructor(scenario: Scenario) {
    const { sites, administrations, images, pools, hosts, steps } = scenario;
    const joining = steps.flatMap((step) => ('join' in step ? step.join.ids : []));
    const namesOf = (entries: object) => new Set(Object.keys(entries));
    this.#known = {
      site: namesOf(sites),
      administration: namesOf(administrations),
      image: namesOf(images),
      pool: namesOf(pools),
      host: new Set([...hosts.flatMap(({ ids }) => ids), ...joining]),
      VM: new Set(),
      partner: namesOf(scenario.partners),
      class: new Set([...builtInClasses.map(({ id }) => id), ...Object.keys(scenario.classes)]),
      rule: namesOf(scenario.residency),
      agreement: namesOf(scenario.agreements),
      loan: namesOf(scenario.loans),
    };
  }

  add(kind: Kind, name: string): void {
    this.#known[kind].add(name);
  }

  has(kind: Kind): boolean {
    return this.#known[kind].size > 0;
  }

  name(kind: Kind, name: string | null | undefined, path: Path): void {
    if (name == null || this.#known[kind].has(name)) return;
    this.fault(path, `speaks of ${kind} "${name}", which is not there; ${this.#listed(kind)}`);
  }

  names(kind: Kind, names: readonly string[], path: Path): void {
    for (const name of names) this.name(kind, name, path);
  }

  /** A name that may be left out where there is only one. */
  choice(kind: Kind, name: string | undefined, path: Path): void {
    if (name !== undefined) this.name(kind, name, path);
    else if (this.#known[kind].size !== 1) this.fault(path, `is missing; ${this.#listed(kind)}`);
  }

  fault(path: Path, message: string): void {
    this.faults.push({ path, message });
  }

  #listed(kind: Kind): string {
    const known = [...this.#known[kind]];
    if (known.length === 0) return `there are no ${plurals[kind]}`;
    const told = known.slice(0, mostTold).join(', ');
    return `${plurals[kind]} are ${told}${known.length > mostTold ? ', ...' : ''}`;
  }
}
