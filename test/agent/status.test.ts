import { createServer } from 'node:net';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { askStatus } from '../../agent/status/client.js';
import { renderStatus } from '../../agent/status/render.js';
import { serveStatus } from '../../agent/status/server.js';
import type { AgentStatus } from '../../agent/status/snapshot.js';
import { Troubles } from '../../agent/status/troubles.js';
import { FolderInUse } from '../../agent/state/lock.js';
import { AgentProcess } from './agent-process.js';
import { SchedulerDouble, word } from './scheduler-double.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-status-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const amounts = { vcpus: 16, memoryMib: 65_536, diskMib: 2 * 1024 * 1024 };
const status: AgentStatus = {
  certificate: { endsInMs: 6 * 86_400_000, renewsInMs: 4 * 86_400_000, error: '' },
  health: 'healthy',
  reasons: [],
  host: 'h1',
  site: 'zagreb',
  federation: 'see',
  version: '0.1.0',
  pid: 1,
  upMs: 3_600_000,
  link: {
    state: 'linked',
    scheduler: 's:1',
    forMs: 60_000,
    reason: '',
    epoch: '1.2',
    lastLeaseAgoMs: 2_000,
    leaseEndsInMs: 13_000,
    waitingMessages: 0,
  },
  libvirt: { available: true, uri: 'qemu:///system', version: '9.0.0', connectedForMs: 60_000, error: '' },
  checkpoint: { incarnation: 1, sequence: 41, hashHex: 'ab'.repeat(32), signatureBase64: 'c2ln' },
  fencing: {
    controllerGuid: '1f'.repeat(16),
    controllerProblem: '',
    targets: [
      { host: 'h2', methods: ['fence_ipmilan', 'fence_redfish'], guid: '2e'.repeat(16), problem: '' },
      { host: 'h3', methods: ['fence_ipmilan'], guid: '', problem: 'no answer in 20 s' },
    ],
    underWay: ['h3'],
    last: { host: 'h2', outcome: 'off', method: 'fence_ipmilan', message: 'it reads back', agoMs: 300_000 },
  },
  watchdog: { armed: true, timeoutSeconds: 30, problem: '' },
  capacity: { total: amounts, reserved: amounts, claimed: amounts, used: { memoryMib: 900, cpuPercent: 7 } },
  guests: [
    {
      uid: uidOf(1),
      name: 'administrations/a/vms/web',
      state: 'running',
      desired: 'run',
      generation: 1,
      desiredGeneration: 1,
      term: 1,
      ageMs: 5_000,
      error: '',
      progress: '',
    },
    {
      uid: uidOf(2),
      name: 'administrations/a/vms/db',
      state: 'preparing',
      desired: 'run',
      generation: 0,
      desiredGeneration: 1,
      term: 1,
      ageMs: 5_000,
      error: '',
      progress: 'fetching image 43 %',
    },
  ],
  foreignDomains: 2,
  orphans: ['volume x.qcow2'],
  images: [{ sha256: 'aa', sizeBytes: 20 * 1024 * 1024 }],
  lastErrors: [{ message: 'something was wrong', count: 3, agoMs: 4_000 }],
};

t.test('the page says what matters, in plain text or in colours', async (t) => {
  const page = renderStatus(status, false);
  for (const part of [
    'h1  ● healthy',
    'connected to s:1 for 60 s',
    'ends in 13 s, granted 2 s ago',
    '9.0.0 at qemu:///system',
    '64.0 GiB',
    '2.0 TiB',
    'a/web',
    'fetching image 43 %',
    '2 domains, left alone',
    'volume x.qcow2',
    '1 in the cache, 20 MiB',
    'something was wrong (3 times)',
    `controller ${'1f'.repeat(16)}`,
    `can fence h2 by fence_ipmilan, then fence_redfish: controller ${'2e'.repeat(16)}`,
    'h3 by fence_ipmilan: no answer in 20 s',
    'fencing   h3 is being powered off',
    'last fence h2 5 min ago: off (it reads back)',
  ]) {
    t.ok(page.includes(part), part);
  }
  t.notOk(page.includes('\u001b'));
  t.ok(renderStatus(status, true).includes('\u001b[32m'));
  const sick: AgentStatus = {
    ...status,
    health: 'degraded',
    reasons: ['no link to the scheduler: gone'],
    guests: [],
    fencing: {
      ...status.fencing,
      controllerGuid: '',
      controllerProblem: 'ipmitool is missing: install it',
      last: { host: 'h2', outcome: 'unmatched', method: '', message: '', agoMs: 300_000 },
    },
    link: { ...status.link, state: 'waiting', reason: 'gone', leaseEndsInMs: -5_000 },
    libvirt: { ...status.libvirt, available: false, error: 'Connection refused' },
  };
  const sickPage = renderStatus(sick, false);
  for (const part of [
    '● degraded',
    'ipmitool is missing: install it',
    'h2 5 min ago: left alone, its controller is another one',
    'waiting (s:1) for 60 s: gone',
    'ended 5 s ago',
    'Connection refused',
    'no VMs',
  ]) {
    t.ok(sickPage.includes(part), part);
  }
});

t.test('the socket: for root, one line asks, one line answers', async (t) => {
  const path = join(folder, 'run', 'agent.sock');
  const server = await serveStatus(path, () => status);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.same(await askStatus(path), { kind: 'status', status });
  await t.rejects(
    serveStatus(path, () => status),
    FolderInUse,
  );
  await new Promise((resolve) => server.close(resolve));
  t.match(await askStatus(path), { kind: 'down' });
  const next = await serveStatus(path, () => status);
  t.match(await askStatus(path), { kind: 'status' }, 'a socket that was left over is replaced');
  next.close();
});

t.test('nobody, silence, and nonsense are all answers within the deadline', async (t) => {
  t.match(await askStatus(join(folder, 'nothing.sock')), { kind: 'down', reason: /is not running/ });
  const open: (() => void)[] = [];
  const mute = createServer((socket) => open.push(() => socket.destroy()));
  await new Promise<void>((resolve) => mute.listen(join(folder, 'mute.sock'), resolve));
  t.match(await askStatus(join(folder, 'mute.sock'), 300), { kind: 'down', reason: /does not answer/ });
  const strange = createServer((socket) => socket.end('{"half":'));
  await new Promise<void>((resolve) => strange.listen(join(folder, 'strange.sock'), resolve));
  t.match(await askStatus(join(folder, 'strange.sock')), { kind: 'down', reason: /cannot be read/ });
  for (const close of open) close();
  mute.close();
  strange.close();
});

t.test('troubles: a ring of twenty, in which a repetition is counted', async (t) => {
  const troubles = new Troubles();
  t.equal(troubles.add('a', 1), true);
  for (let number = 0; number < 19; number++) troubles.add(`b${number}`, 2);
  t.equal(troubles.add('a', 3), false, 'known');
  troubles.add('c', 4);
  const list = troubles.list();
  t.equal(list.length, 20);
  t.same(list.at(-2), { message: 'a', wallMs: 3, count: 2 });
  t.equal(list[0]?.message, 'b1', 'the oldest went');
  troubles.add('x'.repeat(10_000), 5);
  t.equal(troubles.list().at(-1)?.message.length, 501);
});

t.test(
  'exit status: 2 down, 0 healthy, 1 degraded, and a frozen agent is down within a second',
  async (t) => {
    const scheduler = new SchedulerDouble();
    await scheduler.listen();
    const agent = new AgentProcess({ scheduler: scheduler.address });
    t.teardown(async () => {
      await agent.dispose();
      scheduler.close();
    });
    t.match(agent.status(), { code: 2, stdout: /^The agent is down: nothing listens on .*\.$/m });
    agent.configure({ checkpointKey: scheduler.checkpointKey.toString('base64') });
    agent.start();
    await until('healthy', () => agent.status().code === 0);
    const page = agent.status();
    t.match(page.stdout, /h1 {2}● healthy/);
    t.notMatch(page.stdout, '\u001b', 'no colours into a pipe');
    const json = JSON.parse(agent.status('--json').stdout) as AgentStatus;
    t.match(json, {
      health: 'healthy',
      host: 'h1',
      site: 's1',
      link: { state: 'linked', epoch: '1.1' },
      guests: [],
    });

    scheduler.want({ ...word(uidOf(1)), epoch: scheduler.epoch });
    await until('degraded', () => agent.status().code === 1);
    t.match(agent.status('--json').stdout, /"state":"refused"/);
    t.match(agent.status().stdout, /VM administrations\/a\/vms\/vm-0001 is refused/);

    agent.signal('SIGSTOP');
    const frozen = agent.status();
    t.equal(frozen.code, 2);
    t.match(frozen.stdout, /does not answer/);
    t.ok(frozen.ms < 10_000, `${frozen.ms} ms, with the start of the program, on a busy machine`);
    agent.signal('SIGCONT');
    await until('back', () => agent.status().code === 1);
    await agent.kill();
    t.match(agent.status('--json'), { code: 2, stdout: /"health":"down"/ });
  },
);

t.test('without a scheduler it is degraded and says why', async (t) => {
  const agent = new AgentProcess({ scheduler: '127.0.0.1:1' });
  t.teardown(() => agent.dispose());
  agent.start();
  await until('an answer', () => agent.status().code === 1);
  t.match(agent.status().stdout, /no link to the scheduler/);
});
