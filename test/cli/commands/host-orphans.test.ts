import t from 'tap';
import { host, operation, vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const orphan = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';
const adopt = ['host', 'adopt-orphan', 'sofia-1-a', '--orphan', orphan];

t.test('show tells what is known of each orphan, and what stands against adopting it', async (t) => {
  const other = '7f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a22';
  const orphans = [`domain web ${orphan}`, `volume ${orphan}.qcow2`, `volume ${other}.ab.partial`];
  const resources = { vcpus: 2, memoryMib: 4096, diskMib: 20_480, vms: 0, extras: { 'gpu:a30': 1 } };
  server.on('HostService', 'GetHost', () => ({
    host: host({
      orphans,
      orphanVms: [
        {
          uid: orphan,
          kind: 'ORPHAN_KIND_DOMAIN',
          vmName: 'administrations/city/vms/web',
          running: true,
          resources,
        },
        { uid: other, kind: 'ORPHAN_KIND_DISK', problem: 'its disk is only half made' },
      ],
    }),
  }));
  const { out } = await secovia('host', 'show', 'sofia-1-a');
  for (const line of [
    `Orphans +domain web ${orphan}: runs, was city/web, 2 vCPUs, 4 GiB memory, 20 GiB disk, 1 gpu:a30`,
    ` +volume ${orphan}.qcow2`,
    ` +volume ${other}.ab.partial: a disk alone, its disk is only half made`,
  ]) {
    t.match(out, new RegExp(`^${line}$`, 'm'));
  }
});

t.test('an orphan is adopted under a name, with what is said of it', async (t) => {
  const name = 'administrations/city/vms/web';
  server.on('VmService', 'AdoptVm', () => ({
    vm: vm({ name }),
    operation: operation({ name: 'operations/o-1', verb: 'adopt', done: false }),
  }));
  t.match(await secovia('host', 'adopt-orphan', 'sofia-1-a', '--name', 'city/web'), {
    code: 2,
    err: /--orphan/,
  });
  t.match(await secovia(...adopt), { code: 2, err: /--name/ });
  t.match(await secovia(...adopt, '--name', 'web'), { code: 2, err: /administration/ });
  t.same(server.sent('VmService', 'AdoptVm'), []);
  t.match(await secovia(...adopt, '--name', 'web', '-A', 'city'), {
    code: 0,
    out: 'adopting city/web on sofia-1-a (operation o-1)\n',
  });
  const [plain] = server.sent('VmService', 'AdoptVm');
  t.match(plain, { parent: 'administrations/city', vmId: 'web', host: 'hosts/sofia-1-a', orphan });
  t.match(plain, { vm: { spec: { vcpus: 0, memoryMib: 0, diskMib: 0, image: '', storagePool: '' } } });
  const said = [
    '--image',
    'tiny',
    '--vcpus',
    '2',
    '--memory',
    '4GiB',
    '--disk',
    '20GiB',
    '--extra',
    'licence:db=2',
  ];
  const more = ['--group', 'web:apart', '--data-class', 'personal', '--priority', 'high', '--title', 'Web'];
  const policy = [
    '--label',
    'env=prod',
    '--on-host-loss',
    'restart',
    '--rebuildable',
    '--deletion-protection',
  ];
  t.match(await secovia(...adopt, '--name', 'city/web', ...said, ...more, ...policy), { code: 0 });
  t.match(server.sent('VmService', 'AdoptVm').at(-1), {
    vm: {
      title: 'Web',
      labels: { env: 'prod' },
      spec: { vcpus: 2, memoryMib: 4096, diskMib: 20_480, image: 'images/tiny', extras: { 'licence:db': 2 } },
      placement: { groups: [{ group: 'web', policy: 'GROUP_POLICY_ANTI_AFFINITY' }] },
      dataClass: 'dataClasses/personal',
      priority: 'VM_PRIORITY_HIGH',
      policy: { onHostLoss: 'HOST_LOSS_POLICY_RESTART', rebuildable: true },
      deletionProtection: true,
    },
  });
});

t.test('with --wait it ends as the operation does', async (t) => {
  const name = 'administrations/city/vms/web';
  const begun = operation({ name: 'operations/o-1', verb: 'adopt', done: false });
  server.on('VmService', 'AdoptVm', () => ({ vm: vm({ name, state: 'VM_STATE_PLACED' }), operation: begun }));
  server.on('VmService', 'GetVm', () => ({ vm: vm({ name, state: 'VM_STATE_RUNNING' }) }));
  const ended = { ...begun, done: true, state: 'OPERATION_STATE_SUCCEEDED' as const };
  server.on('OperationService', 'WaitOperation', () => ({ operation: ended }));
  t.match(await secovia(...adopt, '--name', 'city/web', '--wait'), {
    code: 0,
    out: 'city/web is RUNNING on sofia-1-a\n',
  });
  const error = { code: 9, message: 'its domain is not on this host any more', details: [] };
  const failed = { ...begun, done: true, state: 'OPERATION_STATE_FAILED' as const, error };
  server.on('OperationService', 'WaitOperation', () => ({ operation: failed }));
  t.match(await secovia(...adopt, '--name', 'city/web', '--wait'), {
    code: /[^0]/,
    out: '',
    err: /adopt city\/web failed.*not on this host any more/,
  });
});
