import { status } from '@grpc/grpc-js';
import t from 'tap';
import { packStatus } from '../../../proto/errors.js';
import { ago, operation, succeeded, vm, webUid } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const name = 'administrations/city/vms/web';
const move = {
  from: 'hosts/sofia-1-a',
  to: 'hosts/sofia-1-b',
  mode: 'MIGRATION_MODE_COLD',
  startTime: ago(5),
  progress: 'it goes off, to be moved',
} as const;
server.on('VmService', 'MigrateVm', () => ({ vm: vm({ move }), operation: operation({ verb: 'migrate' }) }));

t.test('a move is ordered as it was said', async (t) => {
  t.match(await secovia('vm', 'migrate', 'city/web'), {
    code: 0,
    out: 'moving city/web (operation op-1)\n',
  });
  await secovia('vm', 'migrate', webUid, '--to', 'sofia-1-b', '--cold', '--grace', '5m', '--etag', '"7"');
  t.match(server.sent('VmService', 'MigrateVm'), [
    { name, host: '', mode: 'MIGRATION_MODE_UNSPECIFIED', gracePeriod: null, requestId: /^[0-9a-f-]{36}$/ },
    {
      name: `vms/${webUid}`,
      host: 'hosts/sofia-1-b',
      mode: 'MIGRATION_MODE_COLD',
      gracePeriod: { seconds: 300, nanos: 0 },
      etag: '"7"',
    },
  ]);
  t.match(await secovia('vm', 'migrate', 'city/web', '--grace', '5m'), {
    code: 2,
    err: /--grace goes with --cold/,
  });
  t.match(JSON.parse((await secovia('vm', 'migrate', 'city/web', '-o', 'json')).out), {
    vm: { move: { to: 'hosts/sofia-1-b' } },
    operation: { verb: 'migrate' },
  });
});

t.test('waited for, it says where the VM is, or why it is where it was: exit code 6', async (t) => {
  server.on('OperationService', 'WaitOperation', () => ({ operation: succeeded({ verb: 'migrate' }) }));
  server.on('VmService', 'GetVm', () => ({ vm: vm({ host: 'hosts/sofia-1-b' }) }));
  t.match(await secovia('vm', 'migrate', 'city/web', '--wait'), {
    code: 0,
    out: 'city/web is RUNNING on sofia-1-b, migrate took 2s\n',
  });
  const message = 'sofia-1-b refused it: no disk; it is back on sofia-1-a';
  server.on('OperationService', 'WaitOperation', () => ({
    operation: operation({
      verb: 'migrate',
      state: 'OPERATION_STATE_FAILED',
      done: true,
      failedCount: 1,
      error: packStatus(status.FAILED_PRECONDITION, message, {}),
    }),
  }));
  t.match(await secovia('vm', 'migrate', 'city/web', '--wait'), {
    code: 6,
    err: /migrate city\/web failed: sofia-1-b refused it: no disk; it is back on sofia-1-a/,
  });
});

t.test('a refusal is told in its own words', async (t) => {
  server.on('VmService', 'MigrateVm', () => {
    throw new Refused(status.FAILED_PRECONDITION, 'VM "web" cannot move: its only disk is on sofia-1-a');
  });
  t.match(await secovia('vm', 'migrate', 'city/web'), { code: 4, err: /its only disk is on sofia-1-a/ });
});

t.test('show and list tell of the move, and of a host that is not shown that there is one', async (t) => {
  server.on('VmService', 'GetVm', () => ({ vm: vm({ move }) }));
  const { out } = await secovia('vm', 'show', 'city/web');
  t.match(out, /^Move +from sofia-1-a to sofia-1-b, since .*\(5s ago\): it goes off, to be moved$/m);
  t.match(out, /^Note +moves to sofia-1-b: it goes off, to be moved$/m);
  const live = {
    ...move,
    to: 'hosts/-',
    mode: 'MIGRATION_MODE_LIVE',
    progress: 'it is handed over',
  } as const;
  server.on('VmService', 'GetVm', () => ({ vm: vm({ move: live }) }));
  t.match(
    (await secovia('vm', 'show', 'city/web')).out,
    /^Move +from sofia-1-a to another host while it runs, /m,
  );
  server.on('VmService', 'ListVms', () => ({ vms: [vm({ move: live })] }));
  t.match((await secovia('vm', 'list', '--all')).out, /moves to another host: it is handed over\n/);
});

t.test('what a drain may do is said when a VM is made, and later', async (t) => {
  server.on('VmService', 'CreateVm', () => ({ vm: vm(), operation: operation() }));
  const create = ['vm', 'create', 'city/web', '--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB'];
  await secovia(...create, '--image', 'tiny');
  await secovia(...create, '--image', 'tiny', '--on-drain', 'live-only');
  t.match(server.sent('VmService', 'CreateVm'), [
    { vm: { policy: { onDrain: 'DRAIN_POLICY_RESTART' } } },
    { vm: { policy: { onDrain: 'DRAIN_POLICY_LIVE_ONLY' } } },
  ]);
  const policy = { onDrain: 'DRAIN_POLICY_LIVE_ONLY', onHostLoss: 'HOST_LOSS_POLICY_RESTART' } as const;
  server.on('VmService', 'GetVm', () => ({ vm: vm({ policy }) }));
  server.on('VmService', 'UpdateVm', () => ({ vm: vm() }));
  await secovia('vm', 'update', 'city/web', '--on-drain', 'restart');
  await secovia('vm', 'update', 'city/web', '--on-guest-shutdown', 'restart');
  t.match(server.sent('VmService', 'UpdateVm'), [
    {
      vm: { policy: { onDrain: 'DRAIN_POLICY_RESTART', onHostLoss: 'HOST_LOSS_POLICY_RESTART' } },
      updateMask: { paths: ['policy'] },
    },
    {
      vm: { policy: { onDrain: 'DRAIN_POLICY_LIVE_ONLY', onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART' } },
    },
  ]);
  t.match((await secovia('vm', 'show', 'city/web')).out, /^When its host is drained +live-only$/m);
  t.match(await secovia('vm', 'update', 'city/web', '--on-drain', 'never'), {
    code: 2,
    err: /restart, live-only/,
  });
});
