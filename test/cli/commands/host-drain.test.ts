import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { HostDrain } from '../../../proto/gen/secovia/v1/HostDrain.js';
import { ago, host } from '../fixtures.js';
import { cli, nowMs } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const drain = (over: HostDrain = {}): HostDrain => ({
  state: 'HOST_DRAIN_STATE_ACTIVE',
  startTime: ago(60),
  vmsLeft: 0,
  vmsMoving: 0,
  ...over,
});
const drainedHost = (over: HostDrain = {}) => host({ name: 'hosts/a', cordoned: true, drain: drain(over) });
const obstacle = {
  vm: 'administrations/city/vms/db',
  reason: 'DISK_THERE',
  message: 'its only disk is on a',
};

/** The host as it is seen one look after the other; the last one stays. */
function looks(...seen: HostDrain[]): void {
  let at = 0;
  server.on('HostService', 'DrainHost', () => ({ host: drainedHost(seen[0]) }));
  server.on('HostService', 'GetHost', () => {
    at = Math.min(at + 1, seen.length - 1);
    return { host: drainedHost(seen[at]) };
  });
}

t.test('a drain is ordered, with the deadline that was said', async (t) => {
  server.on('HostService', 'DrainHost', () => ({ host: drainedHost({ vmsLeft: 5 }) }));
  t.match(await secovia('host', 'drain', 'a'), { code: 0, out: 'host a: draining: 5 VMs left\n' });
  await secovia('host', 'drain', 'a', '--deadline', '2h');
  await secovia('host', 'drain', 'a', '--deadline', '2027-01-31T04:00Z');
  const inTwoHours = { seconds: nowMs / 1000 + 7200, nanos: 0 };
  const then = { seconds: Date.UTC(2027, 0, 31, 4) / 1000, nanos: 0 };
  t.match(server.sent('HostService', 'DrainHost'), [
    { name: 'hosts/a', deadline: null, requestId: /^[0-9a-f-]{36}$/ },
    { deadline: inTwoHours },
    { deadline: then },
  ]);
  t.match(await secovia('host', 'drain', 'a', '--deadline', 'soon'), { code: 2, err: /Write a day as/ });
  t.match(JSON.parse((await secovia('host', 'drain', 'a', '-o', 'json')).out), {
    host: { drain: { state: 'HOST_DRAIN_STATE_ACTIVE', vmsLeft: 5 } },
  });
  t.match(await secovia('host', 'drain', 'a', 'b', '-o', 'name'), { out: 'hosts/a\nhosts/a\n' });
});

t.test('it is paused, resumed and undone', async (t) => {
  for (const method of ['PauseDrain', 'ResumeDrain', 'UndrainHost'] as const)
    server.on('HostService', method, ({ name }) => ({ host: host({ name }) }));
  t.match(await secovia('host', 'drain-pause', 'a'), { code: 0, out: 'paused the drain of host a\n' });
  t.match(await secovia('host', 'drain-resume', 'a'), { out: 'goes on with the drain of host a\n' });
  t.match(await secovia('host', 'undrain', 'a', 'b'), {
    out: 'not drained any more, and uncordoned: host a\nnot drained any more, and uncordoned: host b\n',
  });
  t.match(server.sent('HostService', 'UndrainHost'), [{ name: 'hosts/a' }, { name: 'hosts/b' }]);
});

t.test('followed, it tells how far it is, and ends when the host is empty', async (t) => {
  looks(
    { vmsLeft: 2 },
    { vmsLeft: 1, vmsMoving: 1 },
    { vmsLeft: 0 },
    { vmsLeft: 0, state: 'HOST_DRAIN_STATE_DRAINED' },
  );
  const result = await secovia('host', 'drain', 'a', '--wait');
  t.match(result, { code: 0, out: 'host a: drained\n' });
  t.same(result.err.trimEnd().split('\n'), [
    'drain a  draining: 2 VMs left',
    'drain a  draining: 1 VM left, 1 moving',
    'drain a  draining: no VM left, but one that has left is not settled elsewhere yet',
    'drain a  drained',
  ]);
});

t.test(
  'followed, it ends with exit code 6 when nothing moves any more, and says what stays and why',
  async (t) => {
    const stuck = { vmsLeft: 1, obstacles: [obstacle] };
    looks({ vmsLeft: 2, vmsMoving: 1, obstacles: [obstacle] }, stuck);
    const result = await secovia('host', 'drain', 'a', '--wait');
    t.match(result, {
      code: 6,
      out: '',
      err: /the drain of host a does not get on: 1 VM left, 1 cannot leave\. .* See: secovia host show a\ncity\/db: its only disk is on a \(DISK_THERE\)\n$/,
    });
    looks(stuck);
    const json = await secovia('host', 'drain', 'a', '--wait', '-o', 'json');
    t.equal(json.code, 6);
    t.match(
      JSON.parse(json.out),
      { host: { drain: { obstacles: [obstacle] } } },
      'a program gets the host as well',
    );
  },
);

t.test('what is in the way for one look only is waited for', async (t) => {
  const stuck = { vmsLeft: 1, obstacles: [obstacle] };
  looks(stuck, { vmsLeft: 1, vmsMoving: 1 }, stuck, { state: 'HOST_DRAIN_STATE_DRAINED' });
  t.match(await secovia('host', 'drain', 'a', '--wait'), { code: 0, out: 'host a: drained\n' });
});

t.test('followed, it ends when the drain is paused or ended by somebody else', async (t) => {
  looks({ vmsLeft: 3, vmsMoving: 1 }, { vmsLeft: 2, state: 'HOST_DRAIN_STATE_PAUSED' });
  t.match(await secovia('host', 'drain', 'a', '--wait'), {
    code: 6,
    err: /is paused: 2 VMs left\. Go on with: secovia host drain-resume a\n$/,
  });
  server.on('HostService', 'GetHost', () => ({ host: host({ name: 'hosts/a' }) }));
  t.match(await secovia('host', 'drain', 'a', '--wait'), { code: 6, err: /was ended meanwhile/ });
});

t.test(
  'when the time is up or somebody has had enough the drain goes on, and how to look again is said',
  async (t) => {
    looks({ vmsLeft: 3, vmsMoving: 2 });
    const again = /The drain goes on\. Look again with: secovia host show a\n$/;
    const late = await secovia('host', 'drain', 'a', '--wait', '--timeout', '300ms');
    t.match(late, { code: 6, err: again });
    t.match(late.err, /the time is up: host a is not empty/);
    const enough = new AbortController();
    const result = await cli(['host', 'drain', 'a', '--wait'], {
      server: server.address,
      interrupted: enough.signal,
      watch: ({ err }) => /draining/.test(err) && enough.abort(),
    });
    t.match(result, { code: 130, err: again });
  },
);

t.test('show and list tell of the drain', async (t) => {
  const deadline = { seconds: nowMs / 1000 + 7200, nanos: 0 };
  const now = drainedHost({ vmsLeft: 5, vmsMoving: 2, obstacles: [obstacle], deadline });
  server.on('HostService', 'GetHost', () => ({ host: now }));
  const { out } = await secovia('host', 'show', 'a');
  t.match(
    out,
    /^Drain +draining: 5 VMs left, 2 moving, 1 cannot leave; begun .*to be empty by 2026-11-23T09:00:00Z/m,
  );
  t.match(out, /^Cannot leave +city\/db: its only disk is on a \(DISK_THERE\)$/m);
  const empty = drainedHost({ state: 'HOST_DRAIN_STATE_DRAINED' });
  const many = drainedHost({ vmsLeft: 30, obstacles: Array(20).fill(obstacle) });
  server.on('HostService', 'ListHosts', () => ({ hosts: [now, empty, many, host({ cordoned: true })] }));
  const notes = (await secovia('host', 'list')).out
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ 10m {2}/)[1]);
  t.same(notes, [
    'draining: 5 VMs left, 2 moving, 1 cannot leave',
    'drained',
    'draining: 30 VMs left, 20 or more cannot leave',
    'cordoned',
  ]);
});

t.test('of several hosts each is told as it is ordered, and which were not tried', async (t) => {
  server.on('HostService', 'DrainHost', ({ name }) => {
    if (name === 'hosts/x') throw new Refused(status.NOT_FOUND, 'there is no host "x"');
    return { host: { ...drainedHost({ vmsLeft: 5 }), name } };
  });
  for (const wait of [[], ['--wait']])
    t.match(await secovia('host', 'drain', 'a', 'x', 'b', ...wait), {
      code: 3,
      out: 'host a: draining: 5 VMs left\n',
      err: /^secovia: not tried: b\nsecovia: there is no host "x"/m,
    });
});
