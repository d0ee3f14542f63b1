import { status } from '@grpc/grpc-js';
import t from 'tap';
import { packStatus } from '../../../proto/errors.js';
import { operation, succeeded, vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const size = ['--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB', '--image', 'tiny'];

t.test('create sends sizes, policy and place', async (t) => {
  server.on('VmService', 'CreateVm', ({ parent, vmId }) => ({
    vm: vm({ name: `${parent}/vms/${vmId}` }),
    operation: operation(),
  }));
  t.match(await secovia('vm', 'create', 'web', '--administration', 'city', ...size), {
    code: 0,
    out: 'creating city/web on sofia-1-a (operation op-1)\n',
    err: '',
  });
  await secovia(
    ...['vm', 'create', 'city/db', ...size, '--site', 'sofia-1', '--site', 'varna', '--country', 'bg'],
    ...[
      '--exclude-host',
      'x',
      '--pool',
      'nfs-1',
      '--label',
      'env=prod',
      '--label',
      'tier=db',
      '--title',
      'Данни',
    ],
    ...['--extra', 'gpu:a30=2', '--extra', 'sriov-vf'],
    ...['--hugepages', '2MiB', '--numa', 'one', '--dedicated-cpus'],
    ...['--stopped', '--deletion-protection', '--on-guest-shutdown', 'restart', '--rebuildable'],
  );
  t.match(server.sent('VmService', 'CreateVm'), [
    {
      parent: 'administrations/city',
      vmId: 'web',
      requestId: /^[0-9a-f-]{36}$/,
      vm: {
        spec: { vcpus: 1, memoryMib: 128, diskMib: 1024, image: 'images/tiny', storagePool: '' },
        policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED', rebuildable: false },
        placement: { sites: [], countries: [], excludedHosts: [] },
        desiredPowerState: 'POWER_STATE_RUNNING',
        deletionProtection: false,
        labels: {},
      },
    },
    {
      vmId: 'db',
      vm: {
        title: 'Данни',
        labels: { env: 'prod', tier: 'db' },
        spec: {
          storagePool: 'storagePools/nfs-1',
          extras: { 'gpu:a30': 2, 'sriov-vf': 1 },
          hugepageSizeKib: 2048,
          numa: { cells: 1, dedicatedCpus: true },
        },
        policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART', rebuildable: true },
        placement: {
          sites: ['sites/sofia-1', 'sites/varna'],
          countries: ['BG'],
          excludedHosts: ['hosts/x'],
        },
        desiredPowerState: 'POWER_STATE_STOPPED',
        deletionProtection: true,
      },
    },
  ]);
});

t.test('wrong words are refused here, with what to type', async (t) => {
  const before = server.received.length;
  const replaced = (flag: string, value: string) =>
    size.map((word, index) => (size[index - 1] === flag ? value : word));
  const cases: [string[], RegExp][] = [
    [replaced('--memory', '128MB'), /Units are binary.*write 128MiB/],
    [replaced('--memory', '128'), /Say the unit: 128MiB/],
    [replaced('--disk', '1.5GiB'), /write 1536MiB/],
    [replaced('--vcpus', '0'), /whole number of at least 1/],
    [replaced('--vcpus', '-2'), /whole number of at least 1/],
    [replaced('--image', 'a b'), /cannot name an image: use letters/],
    [[...size, '--label', 'novalue'], /Write KEY=VALUE/],
    [[...size, '--label', 'a=1', '--label', 'a=2'], /given twice/],
    [[...size, '--extra', 'gpu:a30=many'], /--extra <extra>.*Write 1 to 64 of it/],
    [[...size, '--hugepages', '4KiB'], /Allowed choices are 2MiB, 1GiB/],
    [[...size, '--numa', '9'], /Write one, for a VM that fits into one cell, or 2 to 8/],
    [[...size, '--numa', '0'], /Write one/],
    [[...size, '--dedicated-cpus'], /--dedicated-cpus needs --numa/],
    [[...size, '--country', 'BGR'], /two letters/],
    [[...size, '--count', '10001'], /--count is at most 10000/],
    [[...size, '--best-effort'], /--best-effort goes with --count/],
    [[...size, '--on-guest-shutdown', 'maybe'], /Allowed choices are stay-stopped, restart/],
    [[...size, '--memroy', '1GiB'], /unknown option '--memroy'\. Did you mean --memory\?/],
    [[...size, 'extra'], /too many arguments/],
    [size.slice(2), /required option '--vcpus <count>' not specified/],
  ];
  for (const [words, sentence] of cases) {
    t.match(await secovia('vm', 'create', 'city/web', ...words), { code: 2, err: sentence }, words.join(' '));
  }
  t.match(await secovia('vm', 'create', 'web', ...size), { code: 2, err: /Whose VM shall it be/ });
  t.equal(server.received.length, before, 'nothing was sent');
});

t.test('--count is one call for all of them', async (t) => {
  server.on('VmService', 'BatchCreateVms', ({ parent, requests }) => ({
    vms: requests.map(({ vmId }) => vm({ name: `${parent}/vms/${vmId}` })),
    operation: operation({ targetCount: requests.length }),
  }));
  const result = await secovia('vm', 'create', 'node', '-A', 'city', ...size, '--count', '10');
  t.equal(result.code, 0);
  t.match(result.out, /^NAME +STATE.*\ncity\/node-01 .*\n/);
  t.match(result.out, /city\/node-10 .*\ncreating 10 VMs \(operation op-1\)\n$/);
  const [sent] = server.sent('VmService', 'BatchCreateVms');
  t.match(sent, { parent: 'administrations/city', requestId: /^[0-9a-f-]{36}$/ });
  t.same(
    sent?.requests.map(({ vmId, requestId }) => [vmId, requestId]),
    ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10'].map((digits) => [`node-${digits}`, '']),
  );
  t.match(sent?.requests[9], { vm: { spec: { memoryMib: 128 } } });
  const names = await secovia('vm', 'create', 'n', '-A', 'city', ...size, '--count', '2', '-o', 'name');
  t.equal(names.out, 'administrations/city/vms/n-1\nadministrations/city/vms/n-2\n');
});

t.test('no room is told in one sentence, with what to do', async (t) => {
  server.on('VmService', 'CreateVm', () => {
    throw new Refused(
      status.RESOURCE_EXHAUSTED,
      'no host can take this VM: 2 hosts lack memory, 1 is cordoned',
      { errorInfo: { reason: 'NO_HOST', metadata: {} } },
    );
  });
  t.match(await secovia('vm', 'create', 'city/web', ...size), {
    code: 4,
    out: '',
    err:
      'secovia: no host can take this VM: 2 hosts lack memory, 1 is cordoned (RESOURCE_EXHAUSTED, NO_HOST). ' +
      'Ask for less, or add a host; secovia vm explain says more.\n',
  });
});

t.test('--wait follows one VM to its end', async (t) => {
  server.on('VmService', 'CreateVm', () => ({
    vm: vm({ state: 'VM_STATE_PLACED' }),
    operation: operation(),
  }));
  const answers = [operation({ progress: 'fetching image 43 %' }), succeeded()];
  server.on('OperationService', 'WaitOperation', () => ({ operation: answers.shift() ?? succeeded() }));
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  const result = await secovia('vm', 'create', 'city/web', ...size, '--wait');
  t.match(result, { code: 0, out: 'city/web is RUNNING on sofia-1-a, create took 2s\n' });
  t.match(result.err, /^create city\/web {2}fetching image 43 %$/m, 'a line a change, beside the result');
  t.match(server.sent('OperationService', 'WaitOperation')[0], { name: 'operations/op-1' });
});

t.test('--wait of a batch shows each VM and the sum', async (t) => {
  server.on('VmService', 'BatchCreateVms', () => ({
    vms: [vm({ state: 'VM_STATE_PLACED' }), vm({ state: 'VM_STATE_PLACED' })],
    operation: operation({ targetCount: 2 }),
  }));
  server.on('OperationService', 'WaitOperation', () => ({
    operation: succeeded({ targetCount: 2, succeededCount: 2 }),
  }));
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  const result = await secovia('vm', 'create', 'node', '-A', 'city', ...size, '--count', '2', '--wait');
  t.match(result, { code: 0, out: /2 of 2 VMs made, create took 2s\n$/ });
  t.match(result.out, /city\/web +RUNNING/);
  const json = await secovia('vm', 'create', 'n', '-A', 'c', ...size, '--count', '2', '--wait', '-o', 'json');
  t.match(JSON.parse(json.out), {
    vms: [{ state: 'VM_STATE_RUNNING' }, { state: 'VM_STATE_RUNNING' }],
    operation: { done: true },
  });
});

t.test('--best-effort tells which VMs were refused, and why of the first few', async (t) => {
  const refused = (index: number) => ({
    index,
    vmId: `node-${index + 1}`,
    status: packStatus(status.RESOURCE_EXHAUSTED, 'no host can take it', {
      errorInfo: { reason: 'NO_HOST', metadata: {} },
    }),
  });
  server.on('VmService', 'BatchCreateVms', ({ parent, requests }) => ({
    vms: requests.slice(0, 2).map(({ vmId }) => vm({ name: `${parent}/vms/${vmId}` })),
    operation: operation({ targetCount: 2 }),
    refused: requests.slice(2).map((_, index) => refused(index + 2)),
  }));
  const batch = ['vm', 'create', 'node', '-A', 'city', ...size, '--count', '9', '--best-effort'];
  const result = await secovia(...batch);
  t.match(server.sent('VmService', 'BatchCreateVms').at(-1), { mode: 'BATCH_MODE_BEST_EFFORT' });
  t.match(result, { code: 4, out: /city\/node-2 .*\ncreating 2 VMs \(operation op-1\)\n$/ });
  const told = 'no host can take it (RESOURCE_EXHAUSTED, NO_HOST).';
  t.match(result.err, `secovia: 7 of 9 VMs were refused:\n  node-3: ${told}`);
  t.match(result.err, /\n {2}node-7: .*\n {2}\.\.\. and 2 more; --output json has all of them\n$/);
  t.notMatch(result.err, 'node-8');
  const json = await secovia(...batch, '-o', 'json');
  t.equal(json.code, 4, 'in every format');
  t.match(JSON.parse(json.out), { refused: [{ index: 2, vmId: 'node-3', status: { code: 8 } }] });
  const rehearsed = await secovia(...batch, '--dry-run');
  t.match(rehearsed, {
    code: 4,
    out: /2 VMs would go there; this was a dry run/,
    err: /7 of 9 VMs were refused/,
  });
});

t.test('a batch of which nothing could be made says so', async (t) => {
  server.on('VmService', 'BatchCreateVms', () => ({ refused: [{ index: 0, vmId: 'n-1' }] }));
  const result = await secovia('vm', 'create', 'n', '-A', 'city', ...size, '--count', '1', '--best-effort');
  t.match(result, { code: 4, out: 'no VM was made\n', err: /1 of 1 VMs were refused:\n {2}n-1: refused\n$/ });
});

t.test(
  'of a large batch the first rows are shown, and after waiting only those are asked after',
  async (t) => {
    server.on('VmService', 'BatchCreateVms', ({ parent, requests }) => ({
      vms: requests.map(({ vmId }) => vm({ name: `${parent}/vms/${vmId}` })),
      operation: operation({ targetCount: requests.length }),
    }));
    server.on('OperationService', 'WaitOperation', () => ({
      operation: succeeded({ targetCount: 100, succeededCount: 100 }),
    }));
    server.on('VmService', 'GetVm', () => ({ vm: vm() }));
    const before = server.sent('VmService', 'GetVm').length;
    const result = await secovia('vm', 'create', 'n', '-A', 'city', ...size, '--count', '100', '--wait');
    t.match(result, { code: 0, out: /\n\.\.\. and 80 more\n100 of 100 VMs made, create took 2s\n$/ });
    t.equal(server.sent('VmService', 'GetVm').length - before, 20);
  },
);
