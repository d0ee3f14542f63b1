import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ago, host } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

t.test('list shows what each host has, and why one is not ready', async (t) => {
  server.on('HostService', 'ListHosts', () => ({
    hosts: [
      host(),
      host({
        name: 'hosts/sofia-1-b',
        state: 'HOST_STATE_LOST',
        stateTime: ago(30),
        stateReason: 'no lease since 06:59',
        cordoned: true,
      }),
      {
        name: 'hosts/new',
        site: 'sites/tirana',
        state: 'HOST_STATE_JOINED' as const,
        stateTime: ago(1),
        capacity: {},
        claimed: {},
      },
    ],
  }));
  const result = await secovia('host', 'list', '--filter', 'state = READY');
  t.equal(
    result.out,
    [
      'NAME       SITE     RACK  STATE   VMS  VCPUS          MEMORY            DISK  SINCE  NOTE',
      'sofia-1-a  sofia-1  r1    READY     2    3/8  2.5 GiB/16 GiB  20 GiB/100 GiB    10m',
      'sofia-1-b  sofia-1  r1    LOST      2    3/8  2.5 GiB/16 GiB  20 GiB/100 GiB    30s  cordoned; no lease since 06:59',
      'new        tirana         JOINED    0    0/0     0 MiB/0 MiB     0 MiB/0 MiB     1s',
      '',
    ].join('\n'),
  );
  t.match(server.sent('HostService', 'ListHosts'), [{ filter: 'state = READY' }]);
});

t.test('a list says so when a filter matches nothing', async (t) => {
  server.on('HostService', 'ListHosts', () => ({ hosts: [] }));
  t.match(await secovia('host', 'list'), { code: 0, err: /A host joins with secovia-agent join/ });
  t.match(await secovia('host', 'list', '--filter', 'state = LOST'), { err: 'secovia: no host matches.\n' });
});

t.test('show tells what VMs hold of cells, hugepages and extras', async (t) => {
  const pool = { sizeKib: 2048, count: 1024, claimed: 512 };
  const cell = {
    id: 0,
    cpus: 8,
    dedicatedCpus: 4,
    claimedVcpus: 3,
    memoryMib: 16_384,
    claimedMemoryMib: 2048,
  };
  server.on('HostService', 'GetHost', () => ({
    host: host({
      capacity: { vcpus: 16, memoryMib: 32_768, diskMib: 102_400, extras: { 'gpu:a30': 4 } },
      claimed: { vcpus: 7, memoryMib: 2048, diskMib: 20_480, vms: 2, extras: { 'gpu:a30': 1 } },
      hugepages: [pool, { sizeKib: 1_048_576, count: 4 }],
      numaCells: [
        { ...cell, hugepages: [pool] },
        { id: 1, cpus: 8, memoryMib: 16_384 },
      ],
    }),
  }));
  const { out } = await secovia('host', 'show', 'sofia-1-a');
  for (const line of [
    /^For VMs .*, 4 gpu:a30$/m,
    /^Held by VMs .*, 1 gpu:a30$/m,
    /^Hugepages +512\/1024 of 2MiB\n +0\/4 of 1GiB$/m,
    /^NUMA cells +0: 4\/8 CPUs dedicated, 3 vCPUs bound, 2 GiB\/16 GiB memory, 512\/1024 of 2MiB$/m,
    /^ +1: 0\/8 CPUs dedicated, 0 MiB\/16 GiB memory$/m,
  ]) {
    t.match(out, line);
  }
});

t.test('show tells of the whole machine', async (t) => {
  server.on('HostService', 'GetHost', () => ({
    host: host({ orphans: ['volume x', 'volume y'], foreignDomains: 2, leaseExpireTime: ago(-8) }),
  }));
  const { out } = await secovia('host', 'show', 'hosts/sofia-1-a');
  t.notMatch(out, /Traits|Dedicated/, 'what is unset is left out');
  for (const line of [
    /^vCPU overcommit +as its site says$/m,
    /^For VMs +8 vCPUs, 16 GiB memory, 100 GiB disk$/m,
    /^Held by VMs +2 VMs, 3 vCPUs, 2\.5 GiB memory, 20 GiB disk$/m,
    /^Kept for the system +0 vCPUs, 2 GiB memory/m,
    /^CPU +EPYC, x86_64, 1 x 4 cores x 2 threads$/m,
    /^NUMA cells +0: 8 CPUs, 18 GiB; VMs are not bound to it$/m,
    /^Network +eth0 52:54:00:00:00:01 up 10000 Mbit\/s$/m,
    /^Orphans +volume x\n +volume y$/m,
    /^Lease until +2026-11-23T07:00:08Z \(in 8s\)$/m,
    /^Versions +libvirt 9\.0\.0$/m,
  ]) {
    t.match(out, line);
  }
  t.match(JSON.parse((await secovia('host', 'show', 'sofia-1-a', '-o', 'json')).out), {
    host: {
      state: 'HOST_STATE_READY',
      inventory: { accelerators: ['kvm'] },
      orphans: ['volume x', 'volume y'],
    },
  });
});

t.test('a state that only a newer scheduler knows is shown as its number', async (t) => {
  server.on('HostService', 'GetHost', () => ({ host: host({ state: 99 as unknown as 'HOST_STATE_READY' }) }));
  t.match(await secovia('host', 'show', 'sofia-1-a'), { code: 0, out: /^State +99$/m });
});

t.test('a host that is gone for good is retired by a word that is asked for', async (t) => {
  server.on('HostService', 'RetireHost', ({ name }) => ({ host: { name } }));
  t.match(await secovia('host', 'retire', 'burnt', '--destroyed'), { code: 2, err: /--yes/ });
  t.match(await secovia('host', 'retire', 'burnt', '--destroyed', '--yes'), {
    code: 0,
    out: 'retired host burnt\n',
  });
  t.match(server.sent('HostService', 'RetireHost'), [{ name: 'hosts/burnt', destroyed: true }]);
});

t.test('cordon, uncordon and retire', async (t) => {
  const answer = ({ name }: { name: string }) => ({ host: { name } });
  server.on('HostService', 'CordonHost', answer);
  server.on('HostService', 'UncordonHost', answer);
  server.on('HostService', 'RetireHost', answer);
  t.match(await secovia('host', 'cordon', 'a', 'b'), { code: 0, out: 'cordoned host a\ncordoned host b\n' });
  server.on('HostService', 'CordonHost', ({ name }) => {
    if (name === 'hosts/x') throw new Refused(status.NOT_FOUND, 'there is no host "x"');
    return { host: { name } };
  });
  t.match(await secovia('host', 'cordon', 'a', 'x', 'b', 'c'), {
    code: 3,
    out: 'cordoned host a\n',
    err: /^secovia: not tried: b, c\nsecovia: there is no host "x"/m,
  });
  t.match(await secovia('host', 'cordon', 'a', 'b', '--request-id', '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0002'), {
    code: 2,
    err: /--request-id goes with one name only/,
  });
  t.match(await secovia('host', 'uncordon', 'a'), { code: 0, out: 'uncordoned host a\n' });
  t.match(await secovia('host', 'retire', 'a', '--etag', '"3"'), { code: 0, out: 'retired host a\n' });
  t.match(server.sent('HostService', 'RetireHost').at(-1), {
    name: 'hosts/a',
    etag: '"3"',
    destroyed: false,
    requestId: /^[0-9a-f-]{36}$/,
  });
});
