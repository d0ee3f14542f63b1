/** Management controllers as hosts of one site see one another's: reached whatever becomes of the host, and obeyed. */
import t from 'tap';
import type { AgentStatus } from '../../agent/status/snapshot.js';
import { Laboratory, lab, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(() => laboratory.close());

const [target, fencer] = ['zagreb-1', 'zagreb-2'];

/** It says what is wrong by its exit status too. */
async function said(...args: string[]): Promise<string> {
  return lab('host', ...args).catch((error: { stdout: string }) => error.stdout);
}
const statusOf = async (host: string) => JSON.parse(await said(host, 'status', '--json')) as AgentStatus;
const check = () => said(fencer, 'exec', 'secovia-agent', 'fence-check', target);
const bootOf = async (host: string) => lab('host', host, 'exec', 'cat', '/proc/sys/kernel/random/boot_id');

t.test('what a host says of its controller is what its neighbour reads there', async (t) => {
  const own = await until('the host knows its controller', async () => {
    const { fencing } = await statusOf(target);
    return fencing.controllerGuid;
  });
  const [seen, ...more] = await until('the neighbour has asked it', async () => {
    const { fencing } = await statusOf(fencer);
    return fencing.targets.every(({ problem }) => problem === '') && fencing.targets;
  });
  t.same(more, [], 'of its own site alone');
  t.match(seen, { host: target, methods: ['fence_ipmilan'], guid: own });
});

t.test(
  'a host that nobody reaches is powered off by its controller, and boots when it is told to',
  async (t) => {
    const before = await bootOf(target);
    await lab('host', target, 'cut');
    t.match(
      await check(),
      /zagreb-1 {2}can be fenced\n {2}fence_ipmilan: power on/,
      'the controller answers all the same',
    );
    await lab('host', target, 'ipmitool', 'chassis', 'power', 'off');
    t.equal((await lab('host', target, 'power')).trim(), 'off');
    t.match(await check(), /power off/);
    await lab('host', target, 'ipmitool', 'chassis', 'power', 'on');
    await until('the agent is back', async () => (await statusOf(target)).link.state === 'linked');
    t.not(await bootOf(target), before, 'it is another boot');
    await laboratory.allReady();
  },
);
