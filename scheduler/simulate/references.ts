/**
 * Whether what a scenario speaks of is in it. The core would take a host that nobody has for one that is merely
 * excluded, and a wrong name in an expectation could never hold.
 */
import type { Scenario, Step } from './format.js';
import { isOfTenancy } from './format-tenancy.js';
import type { PresentVms, Shape } from './format-vms.js';
import { KnownNames } from './known-names.js';
import { noHost } from './names.js';
import { checkChange, checkSubject, checkTenancy, checkTenancyStep } from './references-tenancy.js';
import type { Fault, Path } from './source.js';

/** A fault for each name that names nothing, and for each that is missing and not clear. */
export function misnamed(scenario: Scenario): Fault[] {
  const known = new KnownNames(scenario);
  const check = new References(known);
  checkTenancy(known, scenario);
  for (const [id, { parent }] of Object.entries(scenario.administrations))
    known.name('administration', parent, ['administrations', id, 'parent']);
  for (const [id, pool] of Object.entries(scenario.pools)) {
    known.choice('site', pool.site, ['pools', id, 'site']);
    known.names('host', pool.hosts, ['pools', id, 'hosts']);
  }
  for (const [index, host] of scenario.hosts.entries()) check.host(host, ['hosts', index]);
  for (const [index, vms] of scenario.vms.entries()) check.present(vms, ['vms', index]);
  for (const [index, step] of scenario.steps.entries()) check.step(step, ['steps', index]);
  return known.faults;
}

class References {
  readonly #known: KnownNames;
  /** The administration that each VM was first placed for. */
  readonly #administrationOf = new Map<string, string>();

  constructor(known: KnownNames) {
    this.#known = known;
  }

  host(host: { ids: string[]; site?: string; dedicatedTo: string | null }, path: Path): void {
    this.#known.choice('site', host.site, [...path, 'site']);
    this.#known.name('administration', host.dedicatedTo, [...path, 'dedicatedTo']);
  }

  present({ names, host, agreement, shape }: PresentVms, path: Path): void {
    this.#known.name('agreement', agreement, [...path, 'agreement']);
    this.#shape(shape, path);
    this.#known.name('host', host, [...path, 'host']);
    for (const name of names) this.#known.add('VM', name);
  }

  step(step: Step, path: Path): void {
    if ('place' in step) {
      this.#known.names('VM', step.displace ?? [], [...path, 'displace']);
      for (const [index, vms] of step.place.entries()) this.#newVms(step.place[0]?.shape, vms, index, path);
    } else if ('remove' in step) this.#known.names('VM', step.remove, [...path, 'remove']);
    else if ('refuse' in step) this.#known.name('VM', step.refuse, [...path, 'refuse']);
    else if ('set' in step) this.#set(step.set, [...path, 'set']);
    else if ('join' in step) this.host(step.join, [...path, 'join']);
    else if ('lose' in step) {
      if ('site' in step.lose) this.#known.name('site', step.lose.site, [...path, 'lose', 'site']);
      else this.#known.name('host', step.lose.host, [...path, 'lose', 'host']);
    } else if ('evacuate' in step) {
      if ('site' in step.evacuate)
        this.#known.name('site', step.evacuate.site, [...path, 'evacuate', 'site']);
      else this.#known.name('host', step.evacuate.host, [...path, 'evacuate', 'host']);
    } else if ('explain' in step) this.#shape(step.explain, [...path, 'explain']);
    else if ('capacity' in step) this.#shape(step.capacity, [...path, 'capacity']);
    else if (!('wait' in step)) checkTenancyStep(this.#known, step, path);
    if ('expect' in step && step.expect !== undefined) this.#expectation(step.expect, [...path, 'expect']);
  }

  #set(change: Extract<Step, { set: unknown }>['set'], path: Path): void {
    if (isOfTenancy(change)) checkChange(this.#known, change, path);
    else if ('site' in change) this.#known.name('site', change.site, [...path, 'site']);
    else {
      this.#known.name('host', change.host, [...path, 'host']);
      this.#known.name('administration', change.dedicatedTo, [...path, 'dedicatedTo']);
    }
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
      this.#known.fault([...path, 'administration'], 'must be the same for all VMs of a step');
    const administration = shape.administration ?? '';
    for (const name of names) {
      this.#known.add('VM', name);
      const before = this.#administrationOf.get(name) ?? administration;
      this.#administrationOf.set(name, before);
      if (before !== administration)
        this.#known.fault(
          path,
          `names VM "${name}", which is of administration "${before}" in an earlier step`,
        );
    }
  }

  #shape(
    { administration, class: dataClass, image, pool, sites, preferSites, excludedHosts }: Shape,
    path: Path,
  ): void {
    this.#known.choice('administration', administration, [...path, 'administration']);
    this.#known.choice('image', image, [...path, 'image']);
    this.#known.name('class', dataClass, [...path, 'class']);
    this.#known.name('pool', pool, [...path, 'pool']);
    this.#known.names('site', sites, [...path, 'sites']);
    this.#known.names('site', preferSites, [...path, 'preferSites']);
    this.#known.names('host', excludedHosts, [...path, 'excludedHosts']);
  }

  #expectation(expected: Record<string, unknown>, path: Path): void {
    for (const fact of ['host', 'chosen', 'runnerUp', 'displaceHost']) {
      if (expected[fact] !== noHost) this.#known.name('host', expected[fact] as string | undefined, path);
    }
    const {
      hostOf = {},
      vmsOf = {},
      bySite = {},
      moves = {},
    } = expected as Record<string, Record<string, string>>;
    this.#known.names('VM', [...Object.keys(hostOf), ...Object.keys(moves)], path);
    const hosts = [...Object.values(hostOf), ...Object.keys(vmsOf), ...Object.values(moves)];
    this.#known.names(
      'host',
      hosts.filter((name) => name !== noHost),
      path,
    );
    this.#known.names('site', Object.keys(bySite), path);
    for (const subject of (expected['exceeded'] as string[] | undefined) ?? [])
      checkSubject(this.#known, subject, [...path, 'exceeded']);
  }
}
