/** Every listing, as everybody, over random federations: it has what a naive reader finds, and its pages add up. */
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { test } from 'tap';
import type { World } from '../../core/world.js';
import type { Api, MethodName } from '../client.js';
import { failureOf } from '../client.js';
import { addIdentity, identityCaller, place, settle } from './callers.js';
import { shouldSee } from './oracle.js';
import { serve } from './server.js';

const keys: Record<string, string> = {
  ListSites: 'sites',
  ListPartners: 'partners',
  ListImages: 'images',
  ListDataClasses: 'dataClasses',
  ListHosts: 'hosts',
  ListAdministrations: 'administrations',
  ListVms: 'vms',
  ListOperations: 'operations',
  ListStoragePools: 'storagePools',
  ListQuotas: 'quotas',
  ListLoans: 'loans',
  ListResidencyRules: 'residencyRules',
  ListAgreements: 'agreements',
  ListIdentities: 'identities',
  ListJoinTokens: 'joinTokens',
};

/** All pages of a listing; null when the caller may not have it. */
async function listed(api: Api, method: string, pageSize: number): Promise<string[] | null> {
  const names: string[] = [];
  let pageToken = '';
  for (let pages = 0; pages < 1000; pages += 1) {
    let page: object;
    try {
      page = await api.call(method as MethodName, { pageSize, pageToken } as object);
    } catch (error) {
      const { code } = failureOf(error as Parameters<typeof failureOf>[0]);
      if (code === status.PERMISSION_DENIED) return null;
      throw error;
    }
    const rows = (page as Record<string, { name: string }[]>)[keys[method] as string] ?? [];
    if (rows.length > pageSize) throw new Error(`a page of ${rows.length}`);
    names.push(...rows.map(({ name }) => name));
    pageToken = (page as { nextPageToken: string }).nextPageToken;
    if (pageToken === '') return names;
  }
  throw new Error(`${method} does not end`);
}

/** Something that changes who sees what. */
type Deed =
  | { kind: 'administration'; parent: number; country: number }
  | { kind: 'vm'; administration: number; site: number }
  | { kind: 'dedicate'; host: number; administration: number }
  | { kind: 'move'; administration: number; parent: number }
  | { kind: 'own'; partner: number; administration: number }
  | { kind: 'identity'; administration: number }
  | { kind: 'agreement'; partner: number; administration: number }
  | { kind: 'open'; partner: number };

const small = fc.nat({ max: 11 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('administration' as const), parent: small, country: small }),
  fc.record({ kind: fc.constant('vm' as const), administration: small, site: small }),
  fc.record({ kind: fc.constant('vm' as const), administration: small, site: small }),
  fc.record({ kind: fc.constant('dedicate' as const), host: small, administration: small }),
  fc.record({ kind: fc.constant('move' as const), administration: small, parent: small }),
  fc.record({ kind: fc.constant('own' as const), partner: small, administration: small }),
  fc.record({ kind: fc.constant('identity' as const), administration: small }),
  fc.record({ kind: fc.constant('agreement' as const), partner: small, administration: small }),
  fc.record({ kind: fc.constant('open' as const), partner: small }),
);

/** Does it if it can be done. */
function act(world: World, deed: Deed, index: number): void {
  const { state } = world;
  const administrations = [...state.administrations.keys()];
  const partners = [...state.tenancy.partners.keys()];
  const pick = (ids: readonly string[], at: number): string => ids[at % ids.length] as string;
  const countries = ['HR', 'MK', 'RS'];
  switch (deed.kind) {
    case 'administration': {
      const country = pick(countries, deed.country);
      const parent = pick([...administrations, ''], deed.parent) || null;
      world.try({ type: 'administration.create', id: `new-${index}`, title: '', parent, country });
      return;
    }
    case 'vm':
      try {
        place(
          world,
          pick(administrations, deed.administration),
          `vm-${index}`,
          pick([...state.sites.keys()], deed.site),
        );
      } catch {
        // There is no room, or it may not be there.
      }
      return;
    case 'dedicate': {
      const dedicatedTo = pick(administrations, deed.administration);
      world.try({ type: 'host.update', id: pick([...state.hosts.keys()], deed.host), dedicatedTo, etag: '' });
      return;
    }
    case 'move': {
      const parent = pick(administrations, deed.parent);
      world.try({
        type: 'administration.move',
        id: pick(administrations, deed.administration),
        parent,
        etag: '',
      });
      return;
    }
    case 'own': {
      const own = [pick(administrations, deed.administration)];
      world.try({ type: 'partner.update', id: pick(partners, deed.partner), administrations: own, etag: '' });
      return;
    }
    case 'identity': {
      const administration = pick(administrations, deed.administration);
      addIdentity(world, { id: `who-${index}`, role: 'administration_user', administration });
      return;
    }
    case 'agreement': {
      const partner = pick(partners, deed.partner);
      const beneficiary = {
        kind: 'administration' as const,
        administration: pick(administrations, deed.administration),
      };
      const price = { currency: '', vcpuMicros: 0, memoryGibMicros: 0, diskGibMicros: 0, stoppedPercent: 0 };
      const terms = { limit: {}, limitPercent: null, reserve: {}, price, fromMs: null, untilMs: null };
      world.try({
        type: 'agreement.create',
        id: `agreement-${index}`,
        title: '',
        partner,
        beneficiary,
        ...terms,
        noticeDays: 0,
      });
      return;
    }
    case 'open':
      world.try({ type: 'partner.update', id: pick(partners, deed.partner), open: true, etag: '' });
  }
}

test('every listing, as everybody, is what a naive reader finds', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { maxLength: 25 }),
      fc.constantFrom(1, 2, 1000),
      async (deeds, pageSize) => {
        const { world, as, close } = await serve(t, (fresh) => {
          settle(fresh);
          for (const [index, each] of deeds.entries()) act(fresh, each, index);
        });
        try {
          for (const who of [...world.state.access.identities.values()]) {
            if (who.role === 'portal') continue;
            const { id, role, partner, administration } = who;
            const viewer = {
              id,
              role,
              ...(partner === null ? {} : { partner }),
              ...(administration === null ? {} : { administration }),
            };
            const api = as(identityCaller(world.state, id));
            for (const [method, should] of Object.entries(shouldSee(world.state, viewer))) {
              // One row a page takes a while where there are many.
              const size = method === 'ListVms' || pageSize > 1 ? pageSize : 3;
              const found = await listed(api, method, size);
              if (JSON.stringify(found?.sort() ?? null) !== JSON.stringify(should))
                throw new Error(
                  `${method} as ${id}: ${JSON.stringify(found)} instead of ${JSON.stringify(should)}`,
                );
            }
          }
        } finally {
          close();
        }
      },
    ),
    { numRuns: 12 },
  );
  t.pass('as everybody');
});
