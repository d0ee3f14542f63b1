import { status } from '@grpc/grpc-js';
import t from 'tap';
import { packStatus } from '../../../proto/errors.js';
import { ago, operation, succeeded } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const noRoom = packStatus(status.RESOURCE_EXHAUSTED, 'no host can take it', {
  errorInfo: { reason: 'NO_HOST', metadata: {} },
});
const failed = operation({
  name: 'operations/op-2',
  state: 'OPERATION_STATE_FAILED',
  done: true,
  targetCount: 20,
  succeededCount: 17,
  failedCount: 3,
  error: noRoom,
  endTime: ago(0),
});

t.test('list and show', async (t) => {
  server.on('OperationService', 'ListOperations', () => ({
    operations: [operation({ progress: 'fetching image 43 %' }), failed],
  }));
  server.on('OperationService', 'GetOperation', () => ({ operation: failed }));
  t.equal(
    (await secovia('operation', 'list', '--filter', 'done = false')).out,
    [
      'OPERATION  VERB    STATE                VMS  AGE  TOOK  NOTE',
      'op-1       create  RUNNING              0/1   2s    2s  fetching image 43 %',
      'op-2       create  FAILED   17/20, 3 failed   2s    2s  no host can take it',
      '',
    ].join('\n'),
  );
  t.match(server.sent('OperationService', 'ListOperations'), [{ filter: 'done = false' }]);
  const { out } = await secovia('operation', 'show', 'op-2');
  t.match(out, /^Done +17\/20, 3 failed$/m);
  t.match(out, /^VMs +[0-9a-f-]{36}\n +and 19 more$/m);
});

t.test('the details of an error are readable in JSON', async (t) => {
  t.match(JSON.parse((await secovia('operation', 'show', 'op-2', '-o', 'json')).out), {
    operation: {
      error: {
        code: 8,
        details: [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'NO_HOST', domain: 'secovia' },
        ],
      },
    },
  });
});

t.test('details of a type that this version does not know are left out', async (t) => {
  const details = [{ type_url: 'type.googleapis.com/future.Thing', value: Buffer.from([1, 2]) }];
  server.on('OperationService', 'GetOperation', () => ({
    operation: { ...failed, error: { code: 8, message: 'x', details } },
  }));
  const { code, out } = await secovia('operation', 'show', 'op-2', '-o', 'json');
  t.equal(code, 0);
  t.match(JSON.parse(out), { operation: { error: { message: 'x', details: [] } } });
});

t.test('wait ends as the operation ends', async (t) => {
  server.on('OperationService', 'GetOperation', ({ name }) => ({ operation: operation({ name }) }));
  server.on('OperationService', 'WaitOperation', ({ name }) => ({ operation: succeeded({ name }) }));
  const good = await secovia('operation', 'wait', 'op-1', 'op-3');
  t.match(good, { code: 0, out: 'create op-1: done, 1/1 in 2s\ncreate op-3: done, 1/1 in 2s\n' });

  server.on('OperationService', 'WaitOperation', () => ({ operation: failed }));
  t.match(await secovia('operation', 'wait', 'op-2'), {
    code: 6,
    out: '',
    err: /^secovia: create op-2 failed for 3 of 20 VMs: no host can take it \(RESOURCE_EXHAUSTED, NO_HOST\)\. Ask for less, or add a host; secovia vm explain says more\.$/m,
  });
  const json = await secovia('operation', 'wait', 'op-2', '-o', 'json');
  t.equal(json.code, 6);
  t.match(JSON.parse(json.out), { operation: { state: 'OPERATION_STATE_FAILED', failedCount: 3 } });

  server.on('OperationService', 'WaitOperation', () => ({
    operation: operation({ state: 'OPERATION_STATE_CANCELLED', done: true }),
  }));
  t.match(await secovia('operation', 'wait', 'op-1'), { code: 6, err: /create op-1 was cancelled\.\n$/ });
});

t.test('of several, the failures are told and the successes too', async (t) => {
  server.on('OperationService', 'WaitOperation', ({ name }) => ({
    operation: name === 'operations/op-2' ? failed : succeeded({ name }),
  }));
  const result = await secovia('operation', 'wait', 'op-1', 'op-2');
  t.match(result, { code: 6, out: 'create op-1: done, 1/1 in 2s\n' });
  t.match(result.err, /create op-2 failed for 3 of 20 VMs/);
  t.match(result.err, /1 of 2 operations: no success, see above\.\n$/);
});

t.test('cancel', async (t) => {
  server.on('OperationService', 'CancelOperation', () => ({
    operation: operation({ state: 'OPERATION_STATE_CANCELLED', done: true }),
  }));
  t.match(await secovia('operation', 'cancel', 'op-1'), { code: 0, out: 'operation op-1 is CANCELLED\n' });
  t.match(server.sent('OperationService', 'CancelOperation'), [{ name: 'operations/op-1' }]);
});
