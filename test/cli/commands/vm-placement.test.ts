import t from 'tap';
import { operation, vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const size = ['--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB', '--image', 'tiny'];
const place = [
  ...[
    '--jurisdiction',
    'EU',
    '--jurisdiction',
    'EEA',
    '--require-trait',
    'ssd',
    '--require-trait',
    'cpu:avx2',
  ],
  ...['--forbid-trait', 'slow', '--prefer-trait', 'quiet'],
  ...['--group', 'web:apart', '--group', 'db:spread:site:soft:2'],
  ...['--prefer-site', 'sofia-1', '--prefer-site', 'varna', '--prefer-sites-in-order', '--prefer-cheap'],
];
const placement = {
  jurisdictions: ['EU', 'EEA'],
  requiredTraits: ['ssd', 'cpu:avx2'],
  forbiddenTraits: ['slow'],
  preferredTraits: ['quiet'],
  groups: [
    {
      group: 'web',
      policy: 'GROUP_POLICY_ANTI_AFFINITY',
      scope: 'GROUP_SCOPE_HOST',
      soft: false,
      maxSkew: 0,
    },
    { group: 'db', policy: 'GROUP_POLICY_SPREAD', scope: 'GROUP_SCOPE_SITE', soft: true, maxSkew: 2 },
  ],
  preferredSites: ['sites/sofia-1', 'sites/varna'],
  preferredSitesInOrder: true,
  preferCheap: true,
} as const;

t.test('create sends jurisdictions, traits and groups', async (t) => {
  server.on('VmService', 'CreateVm', () => ({ vm: vm(), operation: operation() }));
  t.match(await secovia('vm', 'create', 'city/web', ...size, ...place), { code: 0 });
  const [sent] = server.sent('VmService', 'CreateVm');
  t.match(sent?.vm.placement, placement);
  t.equal(sent?.validateOnly, false);
});

t.test('a wrong rule or trait is refused here, with what to type', async (t) => {
  const before = server.received.length;
  const cases: [string[], RegExp][] = [
    [['--group', 'web:appart'], /--group <rule>.*"appart" is no policy: write web:together, web:apart or/],
    [['--group', 'web:apart', '--group', 'web:together'], /"web" is given twice/],
    [['--require-trait', 'a,b'], /Write one trait/],
  ];
  for (const [words, sentence] of cases) {
    t.match(await secovia('vm', 'create', 'city/web', ...size, ...words), { code: 2, err: sentence });
  }
  t.equal(server.received.length, before, 'nothing was sent');
});

t.test('show tells where a VM may be and with whom', async (t) => {
  const shown = { ...placement, groups: [...placement.groups] };
  server.on('VmService', 'GetVm', () => ({
    vm: vm({
      placement: {
        groups: shown.groups,
        jurisdictions: [...shown.jurisdictions],
        requiredTraits: [...shown.requiredTraits],
        forbiddenTraits: [...shown.forbiddenTraits],
        preferredTraits: [...shown.preferredTraits],
        preferredSites: [...shown.preferredSites],
        preferredSitesInOrder: true,
        preferCheap: true,
      },
    }),
  }));
  const { out } = await secovia('vm', 'show', 'city/web');
  for (const line of [
    /^Only jurisdictions +EU, EEA$/m,
    /^Required traits +ssd, cpu:avx2$/m,
    /^Forbidden traits +slow$/m,
    /^Preferred traits +quiet$/m,
    /^Preferred sites +cheap ones, and of these sofia-1, then varna$/m,
    /^Groups +web:apart:host\n +db:spread:site:soft:2$/m,
  ]) {
    t.match(out, line);
  }
  t.match(JSON.parse((await secovia('vm', 'show', 'city/web', '-o', 'json')).out), { vm: { placement } });
});

t.test('a dry run says where it would go, that nothing was made, and does not wait', async (t) => {
  server.on('VmService', 'CreateVm', ({ parent, vmId }) => ({
    vm: vm({ name: `${parent}/vms/${vmId}`, state: 'VM_STATE_PLACED' }),
    operation: operation(),
  }));
  const dryRun = ['vm', 'create', 'city/web', ...size, ...place, '--dry-run', '--wait'];
  t.match(await secovia(...dryRun), {
    code: 0,
    out: 'city/web would go to sofia-1-a; this was a dry run: nothing was made.\n',
    err: '',
  });
  const sent = server.sent('VmService', 'CreateVm').at(-1);
  t.match(sent, { parent: 'administrations/city', vmId: 'web', validateOnly: true, requestId: '' });
  t.match(sent?.vm, { spec: { memoryMib: 128 }, placement });
  t.same(server.sent('OperationService', 'WaitOperation'), []);

  const json = await secovia(...dryRun, '-o', 'json');
  t.match(JSON.parse(json.out), { vm: { host: 'hosts/sofia-1-a' } });
  t.equal(json.err, 'secovia: this was a dry run: nothing was made.\n', 'beside what a program reads');
  t.match(await secovia(...dryRun, '-o', 'name'), {
    out: 'administrations/city/vms/web\n',
    err: /nothing was made/,
  });
});

t.test('a dry run of a batch is one call that makes nothing', async (t) => {
  server.on('VmService', 'BatchCreateVms', ({ parent, requests }) => ({
    vms: requests.map(({ vmId }) => vm({ name: `${parent}/vms/${vmId}` })),
  }));
  const dryRun = ['vm', 'create', 'city/node', ...size, '--count', '2', '--dry-run'];
  t.match(await secovia(...dryRun), {
    code: 0,
    out: [
      'NAME         HOST       SITE',
      'city/node-1  sofia-1-a  sofia-1',
      'city/node-2  sofia-1-a  sofia-1',
      '2 VMs would go there; this was a dry run: nothing was made.',
      '',
    ].join('\n'),
  });
  t.match(server.sent('VmService', 'BatchCreateVms'), [
    {
      validateOnly: true,
      requestId: '',
      requests: [{ vmId: 'node-1', validateOnly: false }, { vmId: 'node-2' }],
    },
  ]);
  t.match(await secovia(...dryRun, '-o', 'json'), { err: /nothing was made/ });
});
