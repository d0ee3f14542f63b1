/** A federation of three countries for tests of tenancy: each has a partner with a site and a host, and a tree. */
import type { CommandOf } from '../../../../scheduler/core/commands.js';
import type { Refusal } from '../../../../scheduler/core/refusal.js';
import type {
  Agreement,
  Limits,
  Places,
  ResidencyRule,
  Scope,
} from '../../../../scheduler/core/tenancy/model.js';
import { World } from '../world.js';

export const everywhere: Scope = { kind: 'everywhere' };
export const noPlaces: Places = { countries: [], jurisdictions: [] };
export const inCountries = (...countries: string[]): Places => ({ countries, jurisdictions: [] });
export const dayMs = 86_400_000;

/**
 * Sites `zagreb` (HR, partner carnet), `ljubljana` (SI, arnes) and `skopje` (MK, marnet), each with a host of its name and
 * 64 vCPUs; administrations croatia > istria > pula, slovenia, macedonia.
 */
export function threeCountries(): World {
  const world = new World();
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('zagreb', 'HR', 'carnet');
  world.site('ljubljana', 'SI', 'arnes');
  world.site('skopje', 'MK', 'marnet');
  world.administration('croatia');
  world.administration('istria', 'croatia');
  world.administration('pula', 'istria');
  world.administration('slovenia', null, 'SI');
  world.administration('macedonia', null, 'MK');
  world.image('tiny');
  for (const site of ['zagreb', 'ljubljana', 'skopje']) world.host(`${site}-1`, site);
  return world;
}

/** Creates a VM of an administration; gives its host, or the refusal. */
export function create(
  world: World,
  administration: string,
  id: string,
  change: Parameters<World['newVm']>[1] = {},
): string | Refusal {
  const outcome = world.try(world.createOf([world.newVm(id, change)], administration));
  return 'refusal' in outcome ? outcome.refusal : (outcome.reply.vms[0]?.host ?? 'none');
}

export function quota(world: World, administration: string, limit: Limits, scope: Scope = everywhere): void {
  world.run({ type: 'quota.set', administration, scope, limit, etag: '' });
}

export function agree(world: World, change: Partial<CommandOf<'agreement.create'>> = {}): Agreement {
  return world.run({
    type: 'agreement.create',
    id: 'hr-in-si',
    title: '',
    partner: 'arnes',
    beneficiary: { kind: 'partner', partner: 'carnet' },
    limit: {},
    limitPercent: null,
    reserve: {},
    price: { currency: 'EUR', vcpuMicros: 10_000, memoryGibMicros: 0, diskGibMicros: 0, stoppedPercent: 0 },
    fromMs: null,
    untilMs: null,
    noticeDays: 30,
    ...change,
  });
}

export function rule(world: World, change: Partial<CommandOf<'residency.create'>> = {}): ResidencyRule {
  return world.run({
    type: 'residency.create',
    id: 'rule',
    dataClass: 'personal',
    administration: null,
    allowed: noPlaces,
    forbidden: noPlaces,
    legalBasis: 'GDPR, article 45',
    priority: 10,
    fromMs: null,
    untilMs: null,
    startUntilMs: null,
    ...change,
  });
}

/** All sites serve everybody, for tests in which partners are of no interest. */
export function openAll(world: World): void {
  for (const id of ['carnet', 'arnes', 'marnet'])
    world.run({ type: 'partner.update', id, open: true, etag: '' });
}
