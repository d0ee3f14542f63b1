/** The federation that the storm goes over: partners of three countries and one that is open, sites, a tree of administrations. */
import { randomUUID } from 'node:crypto';
import type { CreateAgreementRequest } from '../../../../proto/gen/secovia/v1/CreateAgreementRequest.js';
import type { Limits } from '../../../../proto/gen/secovia/v1/Limits.js';
import type { Scope } from '../../../../proto/gen/secovia/v1/Scope.js';
import { tinyImage } from '../federation.js';
import type { StormClient } from './client.js';
import type { HostSize } from './host.js';

export const partners = [
  { id: 'carnet', country: 'HR', open: false },
  { id: 'arnes', country: 'SI', open: false },
  { id: 'amres', country: 'RS', open: false },
  { id: 'commons', country: 'AT', open: true },
] as const;

export const sites = [
  { id: 'zagreb', partner: 'carnet', country: 'HR', jurisdictions: ['EU'] },
  { id: 'split', partner: 'carnet', country: 'HR', jurisdictions: ['EU'] },
  { id: 'ljubljana', partner: 'arnes', country: 'SI', jurisdictions: ['EU'] },
  { id: 'maribor', partner: 'arnes', country: 'SI', jurisdictions: ['EU'] },
  { id: 'beograd', partner: 'amres', country: 'RS', jurisdictions: [] },
  { id: 'graz', partner: 'commons', country: 'AT', jurisdictions: ['EU'] },
] as const;

/** Of each site, in racks of their own. */
export const hostsOfSite = 2;
export const hostSize: HostSize = { vcpus: 90, memoryMib: 120_000, diskMib: 1_500_000 };
export const hostsOf = (site: string): string[] =>
  Array.from({ length: hostsOfSite }, (_, index) => `${site}-${index + 1}`);

/** What the hosts of a site share. */
export const poolOf = (site: string): string => `san-${site}`;

/** To be made when the hosts have joined. */
export async function sharePools(client: StormClient): Promise<void> {
  for (const { id } of sites) {
    const storagePool = {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: `sites/${id}`,
      path: `/srv/${poolOf(id)}`,
      hosts: hostsOf(id).map((host) => `hosts/${host}`),
      capacityMib: 2_000_000,
    } as const;
    await client.ask('CreateStoragePool', {
      storagePoolId: poolOf(id),
      storagePool,
      requestId: randomUUID(),
    });
  }
}

/** By id, those above first; with the country, and the one above. */
export const administrations = [
  ['hr', 'HR', ''],
  ['hr-north', 'HR', 'hr'],
  ['hr-coast', 'HR', 'hr'],
  ['zagreb', 'HR', 'hr-north'],
  ['zagreb-zoo', 'HR', 'zagreb'],
  ['pula', 'HR', 'hr-coast'],
  ['split', 'HR', 'hr-coast'],
  ['si', 'SI', ''],
  ['si-west', 'SI', 'si'],
  ['kranj', 'SI', 'si-west'],
  ['bled', 'SI', 'si-west'],
  ['rs', 'RS', ''],
  ['rs-north', 'RS', 'rs'],
  ['novi-sad', 'RS', 'rs-north'],
  ['subotica', 'RS', 'rs-north'],
] as const;
export const parents = ['hr', 'hr-north', 'hr-coast', 'zagreb', 'si', 'si-west', 'rs', 'rs-north'] as const;

/** Where limits are set. */
export const scopes: readonly Scope[] = [
  {},
  {},
  {},
  { country: 'HR' },
  { country: 'SI' },
  { country: 'RS' },
  { site: 'sites/zagreb' },
  { site: 'sites/graz' },
];

const firstLimits: [administration: string, scope: Scope, limit: Limits][] = [
  ['hr', {}, { vcpus: 420, memoryMib: 700_000, vms: 260 }],
  ['hr-north', {}, { vcpus: 200, vms: 120 }],
  ['hr-coast', {}, { vcpus: 180, memoryMib: 260_000 }],
  ['zagreb', {}, { vcpus: 110, diskMib: 600_000 }],
  ['zagreb', { site: 'sites/zagreb' }, { vcpus: 60 }],
  ['pula', { country: 'HR' }, { vms: 40 }],
  ['si', {}, { vcpus: 300, vms: 170 }],
  ['si', { country: 'SI' }, { memoryMib: 300_000 }],
  ['kranj', {}, { vcpus: 70, vms: 50 }],
  ['bled', {}, { vcpus: 70, vms: 50 }],
  ['rs', {}, { vcpus: 200 }],
  ['subotica', {}, { vms: 30 }],
];

export const price = {
  currency: 'EUR',
  vcpuMicros: 9000,
  memoryGibMicros: 1000,
  diskGibMicros: 1,
  stoppedPercent: 20,
};

const firstAgreements: CreateAgreementRequest[] = [
  {
    agreementId: 'carnet-arnes',
    agreement: {
      partner: 'partners/carnet',
      beneficiaryPartner: 'partners/arnes',
      limit: { vcpus: 60 },
      reserve: { vcpus: 150 },
      price,
      noticeDays: 30,
    },
  },
  {
    agreementId: 'arnes-coast',
    agreement: {
      partner: 'partners/arnes',
      beneficiaryAdministration: 'administrations/hr-coast',
      limit: { vcpus: 90, vms: 60 },
      limitPercent: 20,
      reserve: { memoryMib: 60_000 },
      price,
      noticeDays: 0,
    },
  },
  {
    agreementId: 'carnet-rs',
    agreement: {
      partner: 'partners/carnet',
      beneficiaryAdministration: 'administrations/rs',
      limit: { memoryMib: 50_000 },
      price,
      noticeDays: 1,
    },
  },
];

/** Makes all of it but the hosts. */
export async function settle(client: StormClient): Promise<void> {
  const requestId = () => randomUUID();
  for (const { id, country, open } of partners) {
    const partner = { country, open };
    await client.ask('CreatePartner', { partnerId: id, partner, requestId: requestId() });
  }
  for (const { id: siteId, partner, country, jurisdictions } of sites) {
    const site = { partner, country, jurisdictions: [...jurisdictions] };
    await client.ask('CreateSite', { siteId, site, requestId: requestId() });
  }
  for (const [administrationId, country, above] of administrations) {
    const administration = { country, parent: above === '' ? '' : `administrations/${above}` };
    await client.ask('CreateAdministration', { administrationId, administration, requestId: requestId() });
  }
  await client.ask('CreateImage', { imageId: 'tiny', image: tinyImage, requestId: requestId() });
  for (const [administration, scope, limit] of firstLimits) {
    const parent = `administrations/${administration}`;
    await client.ask('SetQuota', { parent, scope, limit, requestId: requestId() });
  }
  for (const agreement of firstAgreements)
    await client.ask('CreateAgreement', { ...agreement, requestId: requestId() });
}
