/**
 * What `native/leak-check` runs: so many calls of every kind that the in-process test driver answers, with
 * refusals, wrong arguments, missed deadlines, events, and connections that come and go; then a clean end.
 * Every tenth of the way it prints how much memory is resident.
 */
import { readFileSync } from 'node:fs';
import { type Connection, nativeCounters, openConnection } from './index.js';

const TEST_URI = 'test:///default';
const UUID = '00000000-0000-4000-8000-000000000001';
const UNKNOWN = '00000000-0000-4000-8000-00000000dead';
const DOMAIN = `<domain type='test'><name>worked</name><uuid>${UUID}</uuid><memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>`;
const PASSING = `<domain type='test'><name>passing</name><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
const VOLUME = '<volume><name>passing</name><capacity>1048576</capacity></volume>';

type Step = (connection: Connection) => Promise<unknown>;

/** Some of these are refused, on purpose or because the domain is in another state by then. */
const STEPS: Step[] = [
  (c) => c.domainList(),
  (c) => c.domainXml(UUID),
  (c) => c.domainInfo(UUID),
  (c) => c.allDomainStats(),
  (c) => c.capabilities(),
  (c) => c.nodeInfo(),
  (c) => c.freePages([4, 2048], 0, 2),
  (c) => c.domainSetMetadata(UUID, 'urn:leak', 'l', `<l>${'x'.repeat(2000)}</l>`),
  (c) => c.domainGetMetadata(UUID, 'urn:leak'),
  (c) => c.domainSuspend(UUID),
  (c) => c.domainResume(UUID),
  (c) => c.domainLookup(UNKNOWN),
  (c) => c.domainLookup('no uuid'),
  (c) => c.domainDefine('<domain', { validate: false }),
  (c) => c.domainDefine(PASSING, { validate: false }).then((domain) => c.domainUndefine(domain.uuid)),
  (c) => c.domainMigrate(UUID, TEST_URI, 0, { bandwidth: 10, migrate_disks: ['vda', 'vdb'], unheard: true }),
  (c) => c.domainSetVcpus(UUID, '2' as unknown as number),
  (c) => c.domainBlockInfo(UUID, 'vda'),
  (c) => c.domainBlockResize(UUID, 'vda', 2 ** 30),
  (c) => c.domainPinVcpu(UUID, 0, [0, 1]),
  (c) => c.domainPinEmulator(UUID, [0, 1]),
  (c) => c.domainInfo(UUID, { deadlineMs: 1 }),
  (c) => c.poolList(),
  (c) => c.volumeCreate('default-pool', VOLUME),
  (c) => c.volumeList('default-pool'),
  (c) => c.volumeDelete('default-pool', 'passing'),
  (c) => c.onEvent(() => {}).then((off) => off()),
  () => openConnection(TEST_URI).then((another) => another.close()),
  () => openConnection('qemu+unix:///system?socket=/nowhere/libvirt-sock'),
];

function residentMib(): string {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return (Number(kib) / 1024).toFixed(1);
}

const SIDE_BY_SIDE = 100;

async function work(connection: Connection, calls: number): Promise<void> {
  for (let done = 0; done < calls; done += SIDE_BY_SIDE) {
    const batch = Array.from({ length: SIDE_BY_SIDE }, (_, index) => STEPS[(done + index) % STEPS.length]);
    await Promise.allSettled(batch.map((step) => step?.(connection)));
  }
}

const calls = Number(process.argv[2] ?? 100_000);
const connection = await openConnection(TEST_URI);
let events = 0;
await connection.onEvent(() => {
  events++;
});
await connection.domainDefine(DOMAIN, { validate: false });
await connection.domainCreate(UUID);
for (let tenth = 1; tenth <= 10; tenth++) {
  await work(connection, calls / 10);
  globalThis.gc?.();
  console.log(`resident ${(tenth * calls) / 10} ${residentMib()}`);
}
await connection.close();
console.log(`events ${events}`);
console.log(`unreleased ${nativeCounters()?.unreleasedReferences}`);
