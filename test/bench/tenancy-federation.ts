/**
 * Two federations that are alike but for tenancy: the same sites, hosts, VMs and administrations. In one nobody has a
 * limit, no rule says where data may be, and all partners are open. The other has a tree, limits on all its levels and
 * scopes, residency rules, and partners that serve others under agreements alone.
 */
import { apply } from '../../scheduler/core/apply.js';
import type { Administration } from '../../scheduler/core/model.js';
import type { Limits, Scope } from '../../scheduler/core/tenancy/model.js';
import { Random } from '../scheduler/core/placement/random.js';
import type { World } from '../scheduler/core/world.js';
import { World as EmptyWorld } from '../scheduler/core/world.js';
import { makeHosts } from './placement-fleet.js';

export const administrationCount = 10_000;
export const limitCount = 50_000;
export const ruleCount = 5_000;
const depth = 5;
const hostCount = 10_000;
const siteCount = 20;
const partnerCount = 10;
const countries = ['BG', 'GR', 'HR', 'MK', 'SI'];
export const classes = ['public', 'internal', 'internal', 'internal', 'personal', 'special'];

const countryOf = (number: number) => countries[number % countries.length] as string;

/** The number of an administration's parent: each level has about seven times as many as the one above it. */
function parentOf(number: number): number | null {
  return number < countries.length ? null : Math.floor((number - countries.length) / 7);
}

export const nameOf = (number: number): string => `a${number}`;

/** Administrations of a federation, by number; each has the country of its root. */
export function makeFederation(withTenancy: boolean): World {
  const world = new EmptyWorld();
  world.run({ type: 'federation.open', instance: 'bench', name: 'bench', incarnation: 1 });
  for (let number = 0; number < siteCount; number += 1) {
    const partner = `p${number % partnerCount}`;
    world.site(`s${number}`, countryOf(number % partnerCount), partner);
  }
  world.image('tiny');
  const random = new Random(5);
  const roots: number[] = [];
  for (let number = 0; number < administrationCount; number += 1) {
    const parent = parentOf(number);
    roots[number] = parent === null ? number : (roots[parent] as number);
    addAdministration(world, {
      id: nameOf(number),
      title: '',
      parent: !withTenancy || parent === null ? null : nameOf(parent),
      country: countryOf(roots[number] as number),
      revision: 1,
      createdMs: 0,
      updatedMs: 0,
    });
  }
  for (let number = 0; number < partnerCount; number += 1)
    world.run({ type: 'partner.update', id: `p${number}`, open: !withTenancy, etag: '' });
  if (withTenancy) addTenancy(world, random);
  const capacity = { vcpus: 64, memoryMib: 262_144, diskMib: 4_194_304, vms: 500 };
  for (const host of makeHosts(hostCount, (row) => ({ site: `s${row % siteCount}`, capacity })))
    world.state.addHost(host);
  world.state.takeTouched();
  return world;
}

/** A change is enough: a command each would be looked at in vain. */
function addAdministration(world: World, administration: Administration): void {
  apply(world.state, { type: 'administration.created', administration }, 0);
}

function addTenancy(world: World, random: Random): void {
  addAgreements(world);
  const scopes = (number: number): Scope[] => [
    { kind: 'everywhere' },
    ...countries.map((country): Scope => ({ kind: 'country', country })),
    { kind: 'site', site: `s${number % siteCount}` },
  ];
  let made = 0;
  for (let number = 0; made < limitCount; number = (number + 1) % administrationCount) {
    for (const scope of scopes(number).slice(0, 5)) {
      const limit: Limits = { vcpus: 10 ** 6, memoryMib: 10 ** 9, diskMib: 10 ** 10, vms: 10 ** 6 };
      const quota = { administration: nameOf(number), scope, limit, revision: 1, createdMs: 0, updatedMs: 0 };
      apply(world.state, { type: 'quota.set', quota }, 0);
      made += 1;
    }
  }
  for (let number = 0; number < ruleCount; number += 1) {
    const administration = nameOf(random.below(administrationCount));
    // Somewhere its VMs may always be: what a refusal costs, which looks at every host, is another matter.
    const { country = '' } = world.state.administrations.get(administration) ?? {};
    const rule = {
      id: `r${number}`,
      dataClass: random.pick(['internal', 'personal', 'special']),
      administration,
      allowed: { countries: [country, ...countries.filter(() => random.next() < 0.7)], jurisdictions: [] },
      forbidden: { countries: [], jurisdictions: [] },
      legalBasis: 'a law',
      priority: random.below(10),
      fromMs: 0,
      untilMs: null,
      startUntilMs: null,
      state: 'in_force' as const,
      revision: 1,
      createdMs: 0,
      updatedMs: 0,
    };
    apply(world.state, { type: 'residency.set', rule }, 0);
  }
  world.catchUp();
}

/** Every partner lets every other one use its sites, up to a share, and keeps a reserve. */
function addAgreements(world: World): void {
  for (let provider = 0; provider < partnerCount; provider += 1) {
    for (let other = 0; other < partnerCount; other += 1) {
      if (other % countries.length === provider % countries.length) continue;
      world.run({
        type: 'agreement.create',
        id: `g${provider}-${other}`,
        title: '',
        partner: `p${provider}`,
        beneficiary: { kind: 'partner', partner: `p${other}` },
        limit: { vms: 10 ** 6 },
        limitPercent: 90,
        reserve: { vcpus: 1000 },
        price: { currency: 'EUR', vcpuMicros: 1, memoryGibMicros: 1, diskGibMicros: 1, stoppedPercent: 0 },
        fromMs: null,
        untilMs: null,
        noticeDays: 30,
      });
    }
  }
}

/** The tree's depth, which is a part of what is promised. */
export function depthOf(world: World): number {
  let deepest = 0;
  for (const id of world.state.administrations.keys())
    deepest = Math.max(deepest, world.state.tenancy.tree.node(id).depth);
  if (deepest !== depth && deepest !== 1) throw new Error(`the tree is ${deepest} deep`);
  return deepest;
}
