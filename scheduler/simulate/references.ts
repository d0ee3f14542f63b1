/**
 * Whether what a scenario speaks of is in it. The core would take a host that nobody has for one that is merely
 * excluded, and a wrong name in an expectation could never hold.
 */
import type { PresentVms, Scenario, Shape, Step } from './format.js';
import { noHost } from './names.js';
import type { Fault, Path } from './source.js';

type Kind = 'site' | 'administration' | 'image' | 'pool' | 'host' | 'VM';
const plurals: Record<Kind, string> = {
  site: 'sites',
  administration: 'administrations',
  image: 'images',
  pool: 'pools',
  host: 'hosts',
  VM: 'VMs',
};
const mostTold = 12;

/** A fault for each name that names nothing, and for each that is missing and not clear. */
export function misnamed(scenario: Scenario): Fault[] {
  const check = new References(scenario);
  for (const [id, { parent }] of Object.entries(scenario.administrations))
    check.name('administration', parent, ['administrations', id, 'parent']);
  for (const [id, pool] of Object.entries(scenario.pools)) {
    check.choice('site', pool.site, ['pools', id, 'site']);
    check.names('host', pool.hosts, ['pools', id, 'hosts']);
  }
  for (const [index, host] of scenario.hosts.entries()) check.host(host, ['hosts', index]);
  for (const [index, vms] of scenario.vms.entries()) check.present(vms, ['vms', index]);
  for (const [index, step] of scenario.steps.entries()) check.step(step, ['steps', index]);
  return check.faults;
}

class References {
  readonly faults: Fault[] = [];
  readonly #known: Record<Kind, Set<string>>;
  /** The administration that each VM was first placed for. */
  readonly #administrationOf = new Map<string, string>();

  constructor({ sites, administrations, images, pools, hosts, steps }: Scenario) {
    const joining = steps.flatMap((step) => ('join' in step ? step.join.ids : []));
    this.#known = {
      site: new Set(Object.keys(sites)),
      administration: new Set(Object.keys(administrations)),
      image: new Set(Object.keys(images)),
      pool: new Set(Object.keys(pools)),
      host: new Set([...hosts.flatMap(({ ids }) => ids), ...joining]),
      VM: new Set(),
    };
  }

  name(kind: Kind, name: string | null | undefined, path: Path): void {
    if (name == null || this.#known[kind].has(name)) return;
    this.#fault(path, `speaks of ${kind} "${name}", which is not there; ${this.#listed(kind)}`);
  }

  names(kind: Kind, names: readonly string[], path: Path): void {
    for (const name of names) this.name(kind, name, path);
  }

  /** A name that may be left out where there is only one. */
  choice(kind: Kind, name: string | undefined, path: Path): void {
    if (name !== undefined) this.name(kind, name, path);
    else if (this.#known[kind].size !== 1) this.#fault(path, `is missing; ${this.#listed(kind)}`);
  }

  host(host: { ids: string[]; site?: string; dedicatedTo: string | null }, path: Path): void {
    this.choice('site', host.site, [...path, 'site']);
    this.name('administration', host.dedicatedTo, [...path, 'dedicatedTo']);
  }

  present({ names, host, shape }: PresentVms, path: Path): void {
    this.#shape(shape, path);
    this.name('host', host, [...path, 'host']);
    for (const name of names) this.#known.VM.add(name);
  }

  step(step: Step, path: Path): void {
    if ('place' in step) {
      this.names('VM', step.displace ?? [], [...path, 'displace']);
      for (const [index, vms] of step.place.entries()) this.#newVms(step.place[0]?.shape, vms, index, path);
    } else if ('remove' in step) this.names('VM', step.remove, [...path, 'remove']);
    else if ('refuse' in step) this.name('VM', step.refuse, [...path, 'refuse']);
    else if ('set' in step) {
      if ('site' in step.set) this.name('site', step.set.site, [...path, 'set', 'site']);
      else {
        this.name('host', step.set.host, [...path, 'set', 'host']);
        this.name('administration', step.set.dedicatedTo, [...path, 'set', 'dedicatedTo']);
      }
    } else if ('join' in step) this.host(step.join, [...path, 'join']);
    else if ('lose' in step) {
      if ('site' in step.lose) this.name('site', step.lose.site, [...path, 'lose', 'site']);
      else this.name('host', step.lose.host, [...path, 'lose', 'host']);
    } else if ('evacuate' in step) {
      if ('site' in step.evacuate) this.name('site', step.evacuate.site, [...path, 'evacuate', 'site']);
      else this.name('host', step.evacuate.host, [...path, 'evacuate', 'host']);
    } else if ('explain' in step) this.#shape(step.explain, [...path, 'explain']);
    else this.#shape(step.capacity, [...path, 'capacity']);
    if ('expect' in step && step.expect !== undefined) this.#expectation(step.expect, [...path, 'expect']);
  }

  #newVms(
    first: Shape | undefined,
    { names, shape }: { names: string[]; shape: Shape },
    index: number,
    step: Path,
  ): void {
    const path = index === 0 ? [...step, 'place'] : [...step, 'place', index];
    this.#shape(shape, path);
    if (shape.administration !== first?.administration)
      this.#fault([...path, 'administration'], 'must be the same for all VMs of a step');
    const administration = shape.administration ?? '';
    for (const name of names) {
      this.#known.VM.add(name);
      const before = this.#administrationOf.get(name) ?? administration;
      this.#administrationOf.set(name, before);
      if (before !== administration)
        this.#fault(path, `names VM "${name}", which is of administration "${before}" in an earlier step`);
    }
  }

  #shape({ administration, image, pool, sites, preferSites, excludedHosts }: Shape, path: Path): void {
    this.choice('administration', administration, [...path, 'administration']);
    this.choice('image', image, [...path, 'image']);
    this.name('pool', pool, [...path, 'pool']);
    this.names('site', sites, [...path, 'sites']);
    this.names('site', preferSites, [...path, 'preferSites']);
    this.names('host', excludedHosts, [...path, 'excludedHosts']);
  }

  #expectation(expected: Record<string, unknown>, path: Path): void {
    for (const fact of ['host', 'chosen', 'runnerUp', 'displaceHost']) {
      if (expected[fact] !== noHost) this.name('host', expected[fact] as string | undefined, path);
    }
    const { hostOf = {}, vmsOf = {}, bySite = {} } = expected as Record<string, Record<string, string>>;
    this.names('VM', Object.keys(hostOf), path);
    const hosts = [...Object.values(hostOf), ...Object.keys(vmsOf)];
    this.names(
      'host',
      hosts.filter((name) => name !== noHost),
      path,
    );
    this.names('site', Object.keys(bySite), path);
  }

  #listed(kind: Kind): string {
    const known = [...this.#known[kind]];
    if (known.length === 0) return `there are no ${plurals[kind]}`;
    const told = known.slice(0, mostTold).join(', ');
    return `${plurals[kind]} are ${told}${known.length > mostTold ? ', ...' : ''}`;
  }

  #fault(path: Path, message: string): void {
    this.faults.push({ path, message });
  }
}
