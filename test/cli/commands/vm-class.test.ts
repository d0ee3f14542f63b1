import { status } from '@grpc/grpc-js';
import t from 'tap';
import { operation, vm } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const size = ['--vcpus', '1', '--memory', '128MiB', '--disk', '1GiB', '--image', 'tiny'];
const personal = ['--data-class', 'personal'];
const dataClass = 'dataClasses/personal';

t.test('a VM is made of a class: alone, in a batch, and as if', async (t) => {
  server.on('VmService', 'CreateVm', () => ({ vm: vm(), operation: operation() }));
  server.on('VmService', 'BatchCreateVms', () => ({ vms: [vm()], operation: operation() }));
  await secovia('vm', 'create', 'city/web', ...size, ...personal);
  await secovia('vm', 'create', 'city/web', ...size, ...personal, '--dry-run');
  await secovia('vm', 'create', 'city/web', ...size);
  await secovia('vm', 'create', 'city/web', ...size, '--data-class', 'dataClasses/personal', '--count', '2');
  t.match(server.sent('VmService', 'CreateVm'), [
    { vm: { dataClass } },
    { vm: { dataClass }, validateOnly: true },
    { vm: { dataClass: '' } },
  ]);
  t.match(server.sent('VmService', 'BatchCreateVms'), [
    { requests: [{ vm: { dataClass } }, { vm: { dataClass } }] },
  ]);
});

t.test('a question about placement says the class as well', async (t) => {
  server.on('PlacementService', 'ExplainPlacement', () => ({ refusal: 'no', hosts: 1 }));
  server.on('PlacementService', 'EstimateCapacity', () => ({ vms: 0 }));
  await secovia('vm', 'explain', '-A', 'city', ...size, ...personal);
  await secovia('vm', 'capacity', '-A', 'city', ...size, ...personal);
  t.match(server.sent('PlacementService', 'ExplainPlacement'), [{ vm: { dataClass } }]);
  t.match(server.sent('PlacementService', 'EstimateCapacity'), [{ vm: { dataClass } }]);
});

t.test('a class is changed, and a refusal is passed on with what would help', async (t) => {
  server.on('VmService', 'UpdateVm', () => ({ vm: vm() }));
  t.match(await secovia('vm', 'update', 'city/web', ...personal), { out: 'updated city/web\n' });
  t.match(server.sent('VmService', 'UpdateVm'), [
    { vm: { dataClass }, updateMask: { paths: ['data_class'] } },
  ]);
  server.on('VmService', 'UpdateVm', () => {
    throw new Refused(status.FAILED_PRECONDITION, 'VM "web" cannot have this class where it is', {
      errorInfo: { reason: 'NOT_LAWFUL', metadata: { administration: 'city', data_class: 'personal' } },
    });
  });
  t.match(await secovia('vm', 'update', 'city/web', ...personal), {
    code: 4,
    err: /NOT_LAWFUL\)\. See where it may be: secovia residency explain city --data-class personal$/m,
  });
  server.on('VmService', 'UpdateVm', () => {
    throw new Refused(status.NOT_FOUND, 'there is no data class "secret"', {
      resource: { type: 'data class', name: 'secret' },
    });
  });
  t.match(await secovia('vm', 'update', 'city/web', '--data-class', 'secret'), {
    code: 3,
    err: /See what there is: secovia class list$/m,
  });
});
