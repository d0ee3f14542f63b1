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
server.on('FederationService', 'GetFederation', () => ({ federation: { title: 'Adria: north' } }));
server.on('SiteService', 'ListSites', ({ pageToken }) =>
  pageToken === ''
    ? {
        sites: [{ name: 'sites/sofia-1', country: 'BG', jurisdictions: ['EU'], priceTier: 2 }],
        nextPageToken: 'x',
      }
    : { sites: [{ name: 'sites/varna', country: 'BG', jurisdictions: [], cordoned: true }] },
);
server.on('AdministrationService', 'ListAdministrations', () => ({
  administrations: [
    { name: 'administrations/city', parent: 'administrations/state' },
    { name: 'administrations/state' },
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
    vm({ name: 'administrations/city/vms/web', placement: { countries: ['BG'], preferCheap: true } }),
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
    /^ {2}- \{ name: web, administration: city, host: sofia-1-a, vcpus: 2, .* preferCheap: true \}$/m,
    'a line a VM',
  );
  t.same(parse(out), {
    about: 'Adria: north as it was',
    sites: {
      'sofia-1': { country: 'BG', jurisdictions: ['EU'], priceTier: 2 },
      varna: { country: 'BG', jurisdictions: [], cordoned: true },
    },
    administrations: { city: { parent: 'state' }, state: {} },
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
    vms: [
      {
        name: 'web',
        administration: 'city',
        host: 'sofia-1-a',
        vcpus: 2,
        memory: 2048,
        disk: 10_240,
        image: 'tiny',
        countries: ['BG'],
        preferCheap: true,
      },
      { name: 'lost', administration: 'city', vcpus: 1, memory: 64, disk: 10, image: 'gone' },
    ],
  });
  const [host] = simulate(out).hosts.filter(({ id }) => id === 'sofia-1-a');
  t.match(host, { used: { vcpus: 2, memoryMib: 2048 }, total: { vcpus: 28, memoryMib: 8192 } });
});

t.test('it has no other format', async (t) => {
  t.match(await secovia('federation', 'export', '-o', 'json'), { code: 2, err: /leave --output out/ });
});
