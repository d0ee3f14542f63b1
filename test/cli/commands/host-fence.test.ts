import t from 'tap';
import { ago, host } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

t.test('a fence is ordered when somebody has said yes', async (t) => {
  server.on('HostService', 'FenceHost', ({ name }) => ({ host: host({ name }) }));
  t.match(await secovia('host', 'fence', 'a'), { code: 2, err: /asks before it powers off.*say --yes/ });
  t.same(server.sent('HostService', 'FenceHost'), [], 'nobody has said yes');
  t.match(await secovia('host', 'fence', 'a', '--yes', '--reason', 'frozen'), {
    code: 0,
    out: 'ordered the fence of host a\n',
  });
  t.match(server.sent('HostService', 'FenceHost'), [{ name: 'hosts/a', reason: 'frozen' }]);
});

t.test('a word that a host is off needs a reason and a yes', async (t) => {
  server.on('HostService', 'ConfirmFence', ({ name }) => ({ host: host({ name }) }));
  t.match(await secovia('host', 'fence-confirm', 'a', '--yes'), { code: 2, err: /--reason/ });
  t.match(await secovia('host', 'fence-confirm', 'a', '--reason', 'seen'), { code: 2, err: /say --yes/ });
  t.same(server.sent('HostService', 'ConfirmFence'), []);
  t.match(await secovia('host', 'fence-confirm', 'a', '--reason', 'seen', '--yes'), {
    code: 0,
    out: 'from now on taken to be off: host a\n',
  });
  t.match(server.sent('HostService', 'ConfirmFence'), [{ name: 'hosts/a', reason: 'seen' }]);
});

t.test('the VMs of a fenced host are let go at once', async (t) => {
  server.on('HostService', 'EvacuateHost', ({ name }) => ({ host: host({ name }) }));
  t.match(await secovia('host', 'evacuate', 'a'), { code: 0, out: 'lets VMs go at once: host a\n' });
});

t.test('show tells how far the proof has come, and what waits for it', async (t) => {
  const fence = {
    state: 'HOST_FENCE_STATE_FAILED' as const,
    stateTime: ago(60),
    fencer: 'hosts/b',
    attempts: 3,
    message: 'b could not do it: no route',
  };
  const lost = { state: 'HOST_STATE_LOST' as const, fence, waitingVms: 4, leftoverVms: 2 };
  server.on('HostService', 'GetHost', () => ({ host: host(lost) }));
  const { out } = await secovia('host', 'show', 'sofia-1-a');
  t.match(out, /^Fence +FAILED by b, try 3, .*: b could not do it: no route$/m);
  t.match(out, /^Waiting VMs +4, which are to restart elsewhere$/m);
  t.match(out, /^Left over +something of 2 VMs, which is taken away/m);
});

t.test('an orphan is taken away when it is named, and somebody has said yes', async (t) => {
  server.on('HostService', 'RemoveOrphan', ({ name }) => ({ host: host({ name }) }));
  const orphan = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';
  t.match(await secovia('host', 'remove-orphan', 'a', '--yes'), { code: 2, err: /--orphan/ });
  t.match(await secovia('host', 'remove-orphan', 'a', '--orphan', orphan), { code: 2, err: /say --yes/ });
  t.same(server.sent('HostService', 'RemoveOrphan'), []);
  t.match(await secovia('host', 'remove-orphan', 'a', '--orphan', orphan, '--yes'), {
    code: 0,
    out: `ordered that ${orphan} be taken away from host a\n`,
  });
  t.match(server.sent('HostService', 'RemoveOrphan'), [{ name: 'hosts/a', orphan }]);
});
