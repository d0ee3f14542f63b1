import t from 'tap';
import { parse } from 'yaml';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import { vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const total = { vcpus: 16, memoryMib: 8192, diskMib: 40_000, vms: 100 };
/** Of the VMs of these tests: five hours before their now. */
const createdMs = Date.UTC(2026, 10, 23, 2);

server.on('IdentityService', 'GetCaller', () => ({ role: 'ROLE_AUDITOR' as const }));
server.on('FederationService', 'GetFederation', () => ({ federation: { title: 'Adria: north' } }));
server.on('SiteService', 'ListSites', ({ pageToken }) =>
  pageToken === ''
    ? {
        sites: [
          { name: 'sites/sofia-1', partner: 'bg-gov', country: 'BG', jurisdictions: ['EU'], priceTier: 2 },
        ],
        nextPageToken: 'x',
      }
    : {
        sites: [{ name: 'sites/varna', partner: 'bg-gov', country: 'BG', jurisdictions: [], cordoned: true }],
      },
);
server.on('AdministrationService', 'ListAdministrations', () => ({
  administrations: [
    { name: 'administrations/city', parent: 'administrations/state', country: 'BG', suspended: true },
    { name: 'administrations/state', country: 'SI', stoppedVms: 'STOPPED_VM_POLICY_FREE' as const },
  ],
}));
server.on('PartnerService', 'ListPartners', () => ({
  partners: [
    { name: 'partners/bg-gov', country: 'BG', open: true },
    { name: 'partners/arnes', country: 'SI', administrations: ['administrations/state'] },
  ],
}));
server.on('QuotaService', 'ListQuotas', ({ parent }) => ({
  quotas: [
    {
      name: `${parent.replace('/-', '/city')}/quotas/site-varna`,
      scope: { site: 'sites/varna' },
      limit: { vcpus: 0, memoryMib: 5_000_000, extras: { 'gpu:a': 2 } },
    },
    { name: 'administrations/state/quotas/everywhere', scope: {}, limit: { vms: 9 } },
    { name: 'administrations/state/quotas/country-bg', scope: { country: 'BG' }, limit: { vcpus: 4 } },
  ],
}));
server.on('QuotaService', 'ListLoans', () => ({
  loans: [
    {
      name: 'loans/summer',
      lender: 'administrations/state',
      borrower: 'administrations/city',
      scope: { country: 'BG' },
      amount: { vcpus: 2 },
      state: 'LOAN_STATE_ACTIVE' as const,
    },
    { name: 'loans/over', state: 'LOAN_STATE_EXPIRED' as const },
  ],
}));
server.on('ResidencyService', 'ListDataClasses', () => ({
  dataClasses: [
    { name: 'dataClasses/personal', level: 20, builtIn: true },
    { name: 'dataClasses/tax', level: 15 },
  ],
}));
server.on('ResidencyService', 'ListResidencyRules', () => ({
  residencyRules: [
    {
      name: 'residencyRules/gdpr',
      dataClass: 'dataClasses/personal',
      allowed: { jurisdictions: ['EU'] },
      legalBasis: 'GDPR, article 6',
      priority: 5,
      state: 'RULE_STATE_IN_FORCE' as const,
    },
    { name: 'residencyRules/later', state: 'RULE_STATE_PLANNED' as const },
  ],
}));
server.on('AgreementService', 'ListAgreements', () => ({
  agreements: [
    {
      name: 'agreements/bg-for-si',
      partner: 'partners/bg-gov',
      beneficiaryPartner: 'partners/arnes',
      limitPercent: 25,
      reserve: { vcpus: 4 },
      price: { currency: 'EUR', vcpuMicros: 7000 },
      noticeDays: 30,
      state: 'AGREEMENT_STATE_NOTICE' as const,
    },
    {
      name: 'agreements/over',
      partner: 'partners/bg-gov',
      beneficiaryAdministration: 'administrations/city',
      limit: { vms: 1 },
      state: 'AGREEMENT_STATE_ENDED' as const,
    },
    { name: 'agreements/unused', state: 'AGREEMENT_STATE_ENDED' as const },
    { name: 'agreements/later', state: 'AGREEMENT_STATE_PLANNED' as const },
  ],
}));
server.on('ImageService', 'ListImages', () => ({
  images: [{ name: 'images/tiny', architecture: 'x86_64', virtualSizeMib: 100 }],
}));
server.on('StoragePoolService', 'ListStoragePools', () => ({}));
server.on('HostService', 'ListHosts', () => ({
  hosts: [
    {
      name: 'hosts/sofia-1-a',
      site: 'sites/sofia-1',
      rack: 'r1',
      state: 'HOST_STATE_READY' as const,
      // Overcommitted twofold.
      capacity: { ...total, vcpus: 28 },
      inventory: { architecture: 'x86_64', total, reserved: { vcpus: 2 }, cpuFeatures: ['avx2'] },
      vcpuOvercommitPercent: 200,
    },
    { name: 'hosts/old', site: 'sites/varna', state: 'HOST_STATE_RETIRED' as const },
    { name: 'hosts/new', site: 'sites/varna', state: 'HOST_STATE_JOINED' as const },
  ],
}));
server.on('VmService', 'ListVms', () => ({
  vms: [
    vm({
      name: 'administrations/city/vms/web',
      dataClass: 'dataClasses/tax',
      agreement: 'agreements/over',
      parked: true,
      placement: { countries: ['BG'], preferCheap: true },
    }),
    vm({
      name: 'administrations/city/vms/lost',
      host: '',
      spec: { vcpus: 1, memoryMib: 64, diskMib: 10, image: 'images/gone' },
    }),
  ],
}));

t.test('the federation is written as a scenario that runs as it is', async (t) => {
  const { code, out, err } = await secovia('federation', 'export');
  t.match({ code, err }, { code: 0, err: '' });
  t.match(
    out,
    /^ {2}- \{ name: web, administration: city, host: sofia-1-a, agreement: over, .* vcpus: 2, .* preferCheap: true \}$/m,
    'a line a VM',
  );
  t.same(parse(out), {
    about: 'Adria: north as it was',
    sites: {
      'sofia-1': { partner: 'bg-gov', country: 'BG', jurisdictions: ['EU'], priceTier: 2 },
      varna: { partner: 'bg-gov', country: 'BG', jurisdictions: [], cordoned: true },
    },
    partners: {
      'bg-gov': { country: 'BG', open: true },
      arnes: { country: 'SI', administrations: ['state'] },
    },
    administrations: {
      city: { parent: 'state', country: 'BG', suspended: true },
      state: { country: 'SI', stoppedVms: 'free' },
    },
    classes: { tax: { level: 15 } },
    images: { tiny: { size: 100 }, gone: {} },
    hosts: [
      {
        id: 'sofia-1-a',
        site: 'sofia-1',
        rack: 'r1',
        vcpus: 14,
        memory: 8192,
        disk: 40_000,
        vms: 100,
        cpuFeatures: ['avx2'],
        vcpuOvercommit: 200,
      },
      { id: 'new', site: 'varna', vcpus: 0, memory: 0, disk: 0, vms: 0, state: 'joined' },
    ],
    quotas: [
      {
        administration: 'city',
        site: 'varna',
        limit: { vcpus: 0, memory: 5_000_000, extras: { 'gpu:a': 2 } },
      },
      { administration: 'state', limit: { vms: 9 } },
      { administration: 'state', country: 'BG', limit: { vcpus: 4 } },
    ],
    loans: { summer: { lender: 'state', borrower: 'city', country: 'BG', amount: { vcpus: 2 } } },
    residency: {
      gdpr: {
        class: 'personal',
        allowed: { jurisdictions: ['EU'] },
        priority: 5,
        legalBasis: 'GDPR, article 6',
      },
    },
    agreements: {
      'bg-for-si': {
        partner: 'bg-gov',
        beneficiary: { partner: 'arnes' },
        percent: 25,
        reserve: { vcpus: 4 },
        vcpuPrice: 7000,
        notice: 30,
        state: 'notice',
      },
      over: {
        partner: 'bg-gov',
        beneficiary: { administration: 'city' },
        limit: { vms: 1 },
        state: 'ended',
      },
    },
    vms: [
      {
        name: 'web',
        administration: 'city',
        host: 'sofia-1-a',
        agreement: 'over',
        parked: true,
        createdMs,
        vcpus: 2,
        memory: 2048,
        disk: 10_240,
        image: 'tiny',
        class: 'tax',
        countries: ['BG'],
        preferCheap: true,
      },
      { name: 'lost', administration: 'city', createdMs, vcpus: 1, memory: 64, disk: 10, image: 'gone' },
    ],
  });
  const [host] = simulate(out).hosts.filter(({ id }) => id === 'sofia-1-a');
  t.match(host, { used: { vcpus: 0, memoryMib: 0, diskMib: 10_240 }, total: { vcpus: 28, memoryMib: 8192 } });
});

t.test('it has no other format', async (t) => {
  t.match(await secovia('federation', 'export', '-o', 'json'), { code: 2, err: /say table/ });
});
