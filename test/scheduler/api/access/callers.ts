/**
 * A federation in which everybody has something of their own, something in sight, and something that is none of their
 * business: three partners, three trees of administrations, VMs at home and abroad, and an identity in every role.
 */
import type { Caller, Subject } from '../../../../scheduler/core/access/caller.js';
import type { Role } from '../../../../scheduler/core/access/model.js';
import { hostUri, identityUri } from '../../../../scheduler/core/access/uris.js';
import type { State } from '../../../../scheduler/core/state.js';
import type { World } from '../../core/world.js';

export const dayMs = 24 * 3600 * 1000;

interface Who {
  id: string;
  role: Role;
  partner?: string;
  administration?: string;
  serves?: string[];
}

const identities: Who[] = [
  { id: 'root', role: 'federation_administrator' },
  { id: 'auditor', role: 'auditor' },
  { id: 'north-op', role: 'partner_operator', partner: 'north' },
  { id: 'north-op-2', role: 'partner_operator', partner: 'north' },
  { id: 'south-op', role: 'partner_operator', partner: 'south' },
  { id: 'hr-admin', role: 'administration_administrator', administration: 'hr' },
  { id: 'hr-user', role: 'administration_user', administration: 'hr' },
  { id: 'city-admin', role: 'administration_administrator', administration: 'hr-city' },
  { id: 'city-user', role: 'administration_user', administration: 'hr-city' },
  { id: 'mk-admin', role: 'administration_administrator', administration: 'mk' },
  { id: 'mk-user', role: 'administration_user', administration: 'mk' },
  { id: 'portal', role: 'portal', serves: ['mk'] },
];

/** Adds an identity with a certificate that lasts a year. */
export function addIdentity(world: World, who: Who): void {
  const { partner = null, administration = null, serves = [] } = who;
  world.run({ type: 'identity.create', title: '', ...who, partner, administration, serves });
  certify(world, who.id);
}

export function certify(world: World, id: string, serial = `${id}-1`, lifeMs = 365 * dayMs): void {
  const certificate = { serial, issuedMs: world.nowMs, endMs: world.nowMs + lifeMs };
  world.run({ type: 'identity.certify', id, certificate });
}

export function settle(world: World): void {
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  for (const [site, country, partner] of [
    ['zagreb', 'HR', 'north'],
    ['skopje', 'MK', 'south'],
    ['beograd', 'RS', 'east'],
  ] as const)
    world.site(site, country, partner);
  for (const [id, parent, country] of [
    ['hr', null, 'HR'],
    ['hr-city', 'hr', 'HR'],
    ['hr-block', 'hr-city', 'HR'],
    ['mk', null, 'MK'],
    ['mk-city', 'mk', 'MK'],
    ['rs', null, 'RS'],
    ['rs-city', 'rs', 'RS'],
  ] as const)
    world.administration(id, parent, country);
  world.image('tiny');
  for (const [host, site] of [
    ['zg-1', 'zagreb'],
    ['zg-2', 'zagreb'],
    ['sk-1', 'skopje'],
    ['bg-1', 'beograd'],
  ] as const)
    world.host(host, site);
  agree(world, 'north-mk', 'north', { kind: 'administration', administration: 'mk' });
  agree(world, 'south-north', 'south', { kind: 'partner', partner: 'north' });
  agree(world, 'east-south', 'east', { kind: 'partner', partner: 'south' });
  for (const administration of ['hr', 'hr-city', 'hr-block', 'mk', 'mk-city', 'rs']) {
    const limit = { vcpus: 100, memoryMib: 1_000_000 };
    const scope = { kind: 'everywhere' } as const;
    world.run({ type: 'quota.set', administration, scope, limit, etag: '' });
  }
  lend(world, 'inner', 'hr-city', 'hr-block');
  lend(world, 'cross', 'hr', 'mk');
  lend(world, 'away', 'mk', 'rs');
  lend(world, 'mk-inner', 'mk', 'mk-city');
  lend(world, 'rs-hr', 'rs', 'hr');
  for (const [id, administration] of [
    ['for-all', null],
    ['for-hr', 'hr'],
    ['for-mk', 'mk'],
    ['for-rs', 'rs'],
  ] as const)
    rule(world, id, administration);
  for (const [id, site, host] of [
    ['zg-pool', 'zagreb', 'zg-1'],
    ['sk-pool', 'skopje', 'sk-1'],
  ] as const)
    world.run({ type: 'pool.create', id, site, path: '/srv/pool', hosts: [host], capacityMib: 100_000 });
  for (const [id, site] of [
    ['t-north', 'zagreb'],
    ['t-south', 'skopje'],
  ] as const) {
    const secretHash = 'a'.repeat(64);
    world.run({
      type: 'token.create',
      id,
      site,
      secretHash,
      endMs: world.nowMs + dayMs,
      uses: 1,
      creator: 'x',
    });
  }
  for (const who of identities) addIdentity(world, who);
  place(world, 'hr-city', 'web', 'zagreb');
  place(world, 'hr', 'top', 'zagreb');
  place(world, 'mk', 'guest', 'zagreb');
  place(world, 'mk-city', 'web', 'skopje');
  place(world, 'rs-city', 'web', 'beograd');
}

export function place(world: World, administration: string, id: string, site: string): void {
  const vm = world.newVm(id, {
    title: `title of ${id}`,
    labels: { owner: administration },
    placement: { sites: [site], countries: [], excludedHosts: [] },
  });
  world.run(world.createOf([vm], administration));
}

function agree(
  world: World,
  id: string,
  partner: string,
  beneficiary: { kind: 'partner'; partner: string } | { kind: 'administration'; administration: string },
): void {
  const price = {
    currency: 'EUR',
    vcpuMicros: 10,
    memoryGibMicros: 10,
    diskGibMicros: 1,
    stoppedPercent: 50,
  };
  const terms = { limit: { vcpus: 50 }, limitPercent: null, reserve: {}, price };
  const times = { fromMs: null, untilMs: world.nowMs + 300 * dayMs, noticeDays: 30 };
  world.run({ type: 'agreement.create', id, title: '', partner, beneficiary, ...terms, ...times });
}

function lend(world: World, id: string, lender: string, borrower: string): void {
  const scope = { kind: 'everywhere' } as const;
  const untilMs = world.nowMs + 100 * dayMs;
  world.run({ type: 'loan.create', id, lender, borrower, scope, amount: { vcpus: 1 }, untilMs, note: '' });
}

function rule(world: World, id: string, administration: string | null): void {
  const nowhere = { countries: [], jurisdictions: [] };
  const places = { allowed: { countries: ['HR', 'MK', 'RS'], jurisdictions: [] }, forbidden: nowhere };
  const times = { fromMs: null, untilMs: null, startUntilMs: null };
  const law = { legalBasis: 'a law', priority: 1 };
  world.run({
    type: 'residency.create',
    id,
    dataClass: 'personal',
    administration,
    ...places,
    ...law,
    ...times,
  });
}

/** Whoever has this identity, with its first certificate. */
export function identityCaller(state: State, id: string, serial = `${id}-1`): Caller {
  const identity = state.access.identities.get(id);
  if (identity === undefined) throw new Error(`no identity ${id}`);
  const endMs = identity.certificates.find((one) => one.serial === serial)?.endMs ?? 0;
  return caller(identityUri(state.federation.name, identity), { kind: 'identity', id, serial }, endMs);
}

/** A user of the portal. */
export function delegateCaller(
  state: State,
  administration: string,
  role: 'administration_administrator' | 'administration_user',
): Caller {
  const { identity, certificateEndMs } = identityCaller(state, 'portal');
  const subject = { kind: 'delegate', portal: 'portal', serial: 'portal-1', administration, role } as const;
  return { ...caller(identity, subject, certificateEndMs), onBehalf: 'https://issuer.test user' };
}

export function hostCaller(state: State, id: string): Caller {
  const serial = `${id}-1`;
  return caller(hostUri(state.federation.name, id), { kind: 'host', id, serial, keyHash: 'key' }, 0);
}

export function nobodyCaller(): Caller {
  return caller('nobody', { kind: 'nobody', reason: 'no certificate was shown' }, 0);
}

function caller(identity: string, subject: Subject, certificateEndMs: number): Caller {
  return { identity, onBehalf: '', subject, certificateEndMs };
}
