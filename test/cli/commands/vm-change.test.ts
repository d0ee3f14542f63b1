import { status } from '@grpc/grpc-js';
import t from 'tap';
import { packStatus } from '../../../proto/errors.js';
import { operation, succeeded, vm, webUid } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

t.test('start, stop, reboot, resize and delete send what was said', async (t) => {
  const answer = (verb: string) => () => ({ vm: vm(), operation: operation({ verb }) });
  server.on('VmService', 'StartVm', answer('start'));
  server.on('VmService', 'StopVm', answer('stop'));
  server.on('VmService', 'RebootVm', answer('reboot'));
  server.on('VmService', 'ResizeVm', answer('resize'));
  server.on('VmService', 'DeleteVm', answer('delete'));
  const name = 'administrations/city/vms/web';

  t.match(await secovia('vm', 'start', 'city/web', '--etag', '"7"'), {
    code: 0,
    out: 'starting city/web (operation op-1)\n',
  });
  t.match(server.sent('VmService', 'StartVm'), [{ name, etag: '"7"', requestId: /^[0-9a-f-]{36}$/ }]);

  t.match(await secovia('vm', 'stop', 'city/web'), { out: 'stopping city/web (operation op-1)\n' });
  await secovia('vm', 'stop', 'city/web', '--grace', '90s');
  await secovia('vm', 'stop', 'city/web', '--force');
  t.match(server.sent('VmService', 'StopVm'), [
    { name, mode: 'STOP_MODE_GRACEFUL', gracePeriod: null },
    { mode: 'STOP_MODE_GRACEFUL', gracePeriod: { seconds: 90, nanos: 0 } },
    { mode: 'STOP_MODE_FORCE' },
  ]);
  t.match(await secovia('vm', 'stop', 'city/web', '--force', '--grace', '5s'), { code: 2 });

  await secovia('vm', 'reboot', 'city/web');
  await secovia('vm', 'reboot', 'city/web', '--force');
  t.match(server.sent('VmService', 'RebootVm'), [
    { name, mode: 'REBOOT_MODE_GRACEFUL' },
    { mode: 'REBOOT_MODE_FORCE' },
  ]);

  await secovia('vm', 'resize', 'city/web', '--memory', '4GiB', '--vcpus', '3');
  t.match(server.sent('VmService', 'ResizeVm'), [{ name, vcpus: 3, memoryMib: 4096, diskMib: 0 }]);
  t.match(await secovia('vm', 'resize', 'city/web'), { code: 2, err: /nothing to change: say --vcpus/ });

  t.match(await secovia('vm', 'delete', 'city/web', '--yes'), {
    out: 'deleting city/web (operation op-1)\n',
  });
  t.match(server.sent('VmService', 'DeleteVm'), [{ name }]);
});

t.test('JSON is the whole answer, names are the VM', async (t) => {
  server.on('VmService', 'StartVm', () => ({ vm: vm(), operation: operation({ verb: 'start' }) }));
  t.match(JSON.parse((await secovia('vm', 'start', 'city/web', '-o', 'json')).out), {
    vm: { uid: webUid },
    operation: { name: 'operations/op-1', verb: 'start' },
  });
  t.match(await secovia('vm', 'start', 'city/web', '-o', 'name'), { out: 'administrations/city/vms/web\n' });
});

t.test('of several, each has its turn; the first failure decides', async (t) => {
  server.on('VmService', 'StartVm', ({ name }) => {
    if (name.endsWith('/b')) throw new Refused(status.NOT_FOUND, 'there is no VM "b"');
    return { vm: vm({ name }), operation: operation({ verb: 'start' }) };
  });
  const result = await secovia('vm', 'start', '-A', 'city', 'a', 'b', 'c');
  t.match(result, {
    code: 3,
    out: 'starting city/a (operation op-1)\nstarting city/c (operation op-1)\n',
    err: /^secovia: city\/b: there is no VM "b" \(NOT_FOUND\).*\nsecovia: 1 of 3 VMs: not done, see above\.\n$/,
  });
  const ids = server
    .sent('VmService', 'StartVm')
    .slice(-3)
    .map(({ requestId }) => requestId);
  t.equal(new Set(ids).size, 3);
  for (const words of [
    ['--etag', 'x'],
    ['--request-id', webUid],
  ]) {
    t.match(await secovia('vm', 'start', '-A', 'city', 'a', 'b', ...words), {
      code: 2,
      err: /goes with one VM only/,
    });
  }
});

t.test(
  'when the scheduler goes away between, what was ordered by then is told, and what was not tried',
  async (t) => {
    server.on('VmService', 'StartVm', ({ name }) => {
      if (name.endsWith('/b')) throw new Refused(status.UNAVAILABLE, 'it is going down');
      return { vm: vm({ name }), operation: operation({ verb: 'start' }) };
    });
    t.match(await secovia('vm', 'start', '-A', 'city', 'a', 'b', 'c', 'd', '--timeout', '300ms'), {
      code: 5,
      out: 'starting city/a (operation op-1)\n',
      err: /not tried: city\/c, city\/d\nsecovia: city\/b: it is going down/,
    });
  },
);

t.test('when the time is up, those that have ended are told, with the reason of a failure', async (t) => {
  server.on('VmService', 'StopVm', ({ name }) => ({
    vm: vm({ name }),
    operation: operation({ name: `operations/${name.slice(-1)}`, verb: 'stop' }),
  }));
  server.on('OperationService', 'WaitOperation', ({ name }) => ({
    operation: name.endsWith('b')
      ? operation({ name, verb: 'stop' })
      : operation({
          name,
          verb: 'stop',
          state: 'OPERATION_STATE_FAILED',
          done: true,
          failedCount: 1,
          error: packStatus(status.INTERNAL, 'the disk is broken', {}),
        }),
  }));
  const words = ['vm', 'stop', '-A', 'city', 'a', 'b', '--wait', '--timeout', '1s'];
  t.match(await secovia(...words), {
    code: 6,
    err: /stop city\/a failed: the disk is broken.*\n(?:.*\n)*.*the time is up: stop city\/b has not ended\..*operation wait b/,
  });
  const json = await secovia(...words, '-o', 'json');
  t.match(JSON.parse(json.out), { operation: { name: 'operations/a', state: 'OPERATION_STATE_FAILED' } });
});

t.test('--wait ends with the outcome and the VM as it is then', async (t) => {
  server.on('VmService', 'StartVm', () => ({
    vm: vm({ state: 'VM_STATE_STOPPED', host: '' }),
    operation: operation({ verb: 'start' }),
  }));
  server.on('OperationService', 'WaitOperation', () => ({ operation: succeeded({ verb: 'start' }) }));
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  t.match(await secovia('vm', 'start', 'city/web', '--wait'), {
    code: 0,
    out: 'city/web is RUNNING on sofia-1-a, start took 2s\n',
  });
  t.match(JSON.parse((await secovia('vm', 'start', 'city/web', '--wait', '-o', 'json')).out), {
    vm: { state: 'VM_STATE_RUNNING' },
    operation: { state: 'OPERATION_STATE_SUCCEEDED', done: true },
  });

  server.on('VmService', 'DeleteVm', () => ({ vm: vm(), operation: operation({ verb: 'delete' }) }));
  server.on('OperationService', 'WaitOperation', () => ({ operation: succeeded({ verb: 'delete' }) }));
  server.on('VmService', 'GetVm', () => {
    throw new Refused(status.NOT_FOUND, 'gone');
  });
  t.match(await secovia('vm', 'delete', 'city/web', '--yes', '--wait'), { out: 'deleted city/web in 2s\n' });
});

t.test('a resize tells what the VM has now, and what waits for a stop and a start', async (t) => {
  server.on('VmService', 'ResizeVm', () => ({ vm: vm(), operation: operation({ verb: 'resize' }) }));
  server.on('OperationService', 'WaitOperation', () => ({ operation: succeeded({ verb: 'resize' }) }));
  const spec = { ...vm().spec, vcpus: 4, memoryMib: 8192, diskMib: 20_480 };
  const waits = (currentSize: object) => {
    const now = { vcpus: 4, memoryMib: 8192, diskMib: 20_480, ...currentSize };
    const restartRequired = now.vcpus !== 4 || now.memoryMib !== 8192;
    server.on('VmService', 'GetVm', () => ({ vm: vm({ spec, currentSize: now, restartRequired }) }));
  };
  const resize = async (...sizes: string[]) => {
    const { out } = await secovia('vm', 'resize', 'city/web', ...sizes, '--wait');
    return out.replace('city/web is RUNNING on sofia-1-a, resize took 2s; ', '').trim();
  };
  const all = ['--vcpus', '4', '--memory', '8GiB', '--disk', '20GiB'];
  waits({ vcpus: 2, memoryMib: 2048 });
  t.equal(await resize(...all), 'disk 20 GiB now; 4 vCPUs and 8 GiB of memory after the next stop and start');
  t.equal(await resize('--memory', '8GiB'), '4 vCPUs and 8 GiB of memory after the next stop and start');
  waits({ memoryMib: 2048 });
  t.equal(await resize(...all), '4 vCPUs, disk 20 GiB now; 8 GiB of memory after the next stop and start');
  server.on('VmService', 'GetVm', () => ({ vm: vm({ spec }) }));
  t.equal(await resize(...all), '4 vCPUs, 8 GiB of memory, disk 20 GiB now');
  t.match(await secovia('vm', 'resize', 'city/web', '--vcpus', '4'), {
    out: 'resizing city/web (operation op-1)\n',
  });
});

t.test('--wait tells a failure with its reason and exit code 6', async (t) => {
  server.on('VmService', 'StopVm', () => ({ vm: vm(), operation: operation({ verb: 'stop' }) }));
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  server.on('OperationService', 'WaitOperation', () => ({
    operation: operation({
      verb: 'stop',
      state: 'OPERATION_STATE_FAILED',
      done: true,
      failedCount: 1,
      error: packStatus(status.UNAVAILABLE, 'libvirt does not answer', {}),
    }),
  }));
  t.match(await secovia('vm', 'stop', 'city/web', '--wait'), {
    code: 6,
    out: '',
    err: /^secovia: stop city\/web failed: libvirt does not answer \(UNAVAILABLE\)\. Try again later\.$/m,
  });
  const json = await secovia('vm', 'stop', 'city/web', '--wait', '-o', 'json');
  t.equal(json.code, 6);
  t.match(JSON.parse(json.out), { operation: { state: 'OPERATION_STATE_FAILED' } });
});

t.test('delete asks a person, and never a script', async (t) => {
  server.on('VmService', 'DeleteVm', () => ({ vm: vm(), operation: operation({ verb: 'delete' }) }));
  const before = server.sent('VmService', 'DeleteVm').length;
  const calls = () => server.sent('VmService', 'DeleteVm').length - before;
  const ask = (input: string) =>
    cli(['vm', 'delete', 'city/web', 'city/db'], { server: server.address, terminal: 'stdin', input });

  t.match(await secovia('vm', 'delete', 'city/web'), { code: 2, err: /no terminal to ask on: say --yes/ });
  t.match(await ask('n\n'), {
    code: 4,
    err: /^Delete city\/web, city\/db and their disks\? \[y\/N\] secovia: nothing was deleted\.\n$/,
  });
  t.match(await ask(''), { code: 4 }, 'the terminal is closed instead');
  t.match(await ask('maybe\n'), { code: 4 });
  t.equal(calls(), 0);
  t.match(await ask('yes\n'), { code: 0 });
  t.equal(calls(), 2);
});

t.test('update masks what was said', async (t) => {
  server.on('VmService', 'UpdateVm', () => ({ vm: vm() }));
  t.match(await secovia('vm', 'update', 'city/web', '--title', 'New', '--no-deletion-protection'), {
    code: 0,
    out: 'updated city/web\n',
  });
  t.match(server.sent('VmService', 'UpdateVm'), [
    {
      vm: { name: 'administrations/city/vms/web', title: 'New', deletionProtection: false, etag: '' },
      updateMask: { paths: ['title', 'deletion_protection'] },
    },
  ]);
  t.match(await secovia('vm', 'update', 'city/web'), { code: 2, err: /nothing to change/ });
});

t.test('update of one label keeps the others, even against somebody who writes as well', async (t) => {
  let reads = 0;
  server.on('VmService', 'GetVm', () => {
    reads++;
    return { vm: vm({ labels: { env: 'prod', seen: String(reads) }, etag: `"${reads}"` }) };
  });
  server.on('VmService', 'UpdateVm', ({ vm: wanted }) => {
    if (wanted.etag === '"1"') throw new Refused(status.ABORTED, 'it has changed');
    return { vm: vm() };
  });
  const words = ['--label', 'tier=web', '--remove-label', 'env', '--on-guest-shutdown', 'restart'];
  t.match(await secovia('vm', 'update', 'city/web', ...words), { code: 0 });
  const [, last] = server.sent('VmService', 'UpdateVm').slice(-2);
  t.same(last?.vm.labels, { seen: '2', tier: 'web' });
  t.match(last, {
    vm: {
      etag: '"2"',
      policy: { onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_RESTART', onLeaseLoss: 'LEASE_LOSS_POLICY_KEEP' },
    },
    updateMask: { paths: ['labels', 'policy'] },
  });
  reads = 0;
  t.match(await secovia('vm', 'update', 'city/web', '--label', 'a=b', '--etag', '"1"'), {
    code: 4,
    err: /it has changed \(ABORTED\)/,
  });
});
