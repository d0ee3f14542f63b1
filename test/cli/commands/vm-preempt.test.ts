import { status } from '@grpc/grpc-js';
import t from 'tap';
import { operation, succeeded, vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const size = ['--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB', '--image', 'tiny'];
const urgent = ['vm', 'create', 'city/urgent', ...size, '--priority', 'high'];

const metadata = {
  displace_host: 'a',
  displace_count: '2',
  displace_1: 'vms/one "7"',
  displace_2: 'vms/two "8"',
};
const noRoom = new Refused(
  status.RESOURCE_EXHAUSTED,
  'no host can take VM "urgent"; on host "a" it would fit if 2 VMs of a lower priority gave up the room: city/one, city/two',
  { errorInfo: { reason: 'NO_HOST', metadata } },
);
const named = (name: string, over = {}) =>
  vm({
    name: `administrations/city/vms/${name.replace('vms/', '')}`,
    uid: name.replace('vms/', ''),
    ...over,
  });

server.on('VmService', 'CreateVm', ({ preemption }) => {
  if (preemption !== 'PREEMPTION_CONFIRM') throw noRoom;
  return { vm: named('urgent'), operation: operation() };
});
server.on('VmService', 'GetVm', ({ name }) => ({ vm: named(name, { etag: '"9"' }) }));
server.on('VmService', 'StopVm', ({ name }) => ({
  vm: named(name),
  operation: operation({ name: `operations/stop-${name.slice(4)}`, verb: 'stop' }),
}));
server.on('OperationService', 'WaitOperation', ({ name }) => ({
  operation: succeeded({ name, verb: 'stop' }),
}));

t.test('--preempt report tells who would have to make room, and how to have it', async (t) => {
  const result = await secovia(...urgent, '--preempt', 'report');
  t.match(server.sent('VmService', 'CreateVm').at(-1), {
    preemption: 'PREEMPTION_REPORT',
    vm: { priority: 'VM_PRIORITY_HIGH' },
  });
  t.match(result, { code: 4, err: /gave up the room: city\/one, city\/two .*say --preempt confirm\.\n$/ });
  t.equal(server.sent('VmService', 'StopVm').length, 0);
});

t.test('--preempt confirm stops those that were reported, as they were, and then makes the VM', async (t) => {
  const result = await secovia(...urgent, '--preempt', 'confirm', '--yes');
  t.match(result, { code: 0, out: /creating city\/urgent/ });
  t.match(server.sent('VmService', 'StopVm'), [
    { name: 'vms/one', etag: '"7"' },
    { name: 'vms/two', etag: '"8"' },
  ]);
  t.match(server.sent('VmService', 'CreateVm').slice(-2), [
    { preemption: 'PREEMPTION_REPORT' },
    {
      preemption: 'PREEMPTION_CONFIRM',
      displaced: [
        { vm: 'vms/one', etag: '"9"' },
        { vm: 'vms/two', etag: '"9"' },
      ],
    },
  ]);
});

t.test('a script that does not say --yes stops nobody', async (t) => {
  const before = server.sent('VmService', 'StopVm').length;
  t.match(await secovia(...urgent, '--preempt', 'confirm'), {
    code: 2,
    err: /asks before it stops others.*--yes/,
  });
  t.equal(server.sent('VmService', 'StopVm').length, before);
});

t.test('what fails after VMs were stopped says that they stay so', async (t) => {
  server.on('VmService', 'StopVm', () => {
    throw new Refused(status.ABORTED, 'it has changed since you read it', {
      errorInfo: { reason: 'ETAG_MISMATCH', metadata: {} },
    });
  });
  const result = await secovia(...urgent, '--preempt', 'confirm', '--yes');
  t.match(result, {
    code: 4,
    err: /it has changed since you read it.*\n.*stopped stay so.*city\/one, city\/two/,
  });
});

t.test('--preempt does not go with what it cannot do', async (t) => {
  for (const [words, sentence] of [
    [['--preempt', 'report', '--count', '2'], /--preempt goes with one VM/],
    [['--preempt', 'confirm', '--dry-run'], /say --preempt report/],
    [['--yes'], /--yes goes with --preempt confirm/],
    [['--preempt', 'maybe'], /Allowed choices are report, confirm/],
    [['--priority', 'huge'], /Allowed choices are spare, low, normal, high, critical/],
  ] as const) {
    t.match(await secovia('vm', 'create', 'city/urgent', ...size, ...words), { code: 2, err: sentence });
  }
});

t.test('priority and who has taken a VM’s room are shown, and a priority is changed', async (t) => {
  server.on('VmService', 'GetVm', () => ({
    vm: vm({ priority: 'VM_PRIORITY_LOW', displacedFor: 'vms/urgent', state: 'VM_STATE_STOPPED' }),
  }));
  const { out } = await secovia('vm', 'show', 'city/web');
  t.match(out, /^Priority +low$/m);
  t.match(out, /^Note +has given up its room for VM urgent$/m);
  server.on('VmService', 'UpdateVm', () => ({ vm: vm() }));
  await secovia('vm', 'update', 'city/web', '--priority', 'spare');
  t.match(server.sent('VmService', 'UpdateVm').at(-1), {
    vm: { priority: 'VM_PRIORITY_SPARE' },
    updateMask: { paths: ['priority'] },
  });
});
