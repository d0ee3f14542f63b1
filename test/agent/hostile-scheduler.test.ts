/**
 * A scheduler that has fallen into wrong hands says whatever it likes, over the real link, to a real agent on a host in
 * memory with real folders. Nothing outside of the agent's own folders may be touched, and every word is answered.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { ImageStore } from '../../agent/images/image-store.js';
import type { LinkStream, StreamListener, Transport } from '../../agent/link/transport.js';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Observation } from '../../proto/gen/secovia/v1/Observation.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';
import { word } from './scheduler-double.js';
import { messageCodec } from '../../proto/index.js';
import { shellOf } from './shell-of.js';
import { until } from './until.js';

const codec = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');
const epoch = { incarnation: 3, counter: 7, instance: 'the-scheduler' };

/** The other end of the link: what a test says arrives as if it had come over the wire. */
class Wire implements Transport {
  readonly requests: LinkRequest[] = [];
  #listener: StreamListener | null = null;

  open(listener: StreamListener): LinkStream {
    this.#listener = listener;
    setImmediate(() => listener.opened());
    return {
      send: (request) => {
        this.requests.push(request);
        if (request.hello) {
          setImmediate(() =>
            this.say({ welcome: { epoch, leaseMs: 15_000, leaseIntervalMs: 5_000, protocolVersion: 1 } }),
          );
        }
        return true;
      },
      close: () => {
        this.#listener = null;
      },
    };
  }

  say(response: LinkResponse): void {
    this.#listener?.received(codec.deserialize(codec.serialize(response)));
  }

  newest(uid: string): Observation | undefined {
    return this.requests.findLast(({ observation }) => observation?.uid === uid)?.observation ?? undefined;
  }
}

/** Every file below a folder, with what is in it. */
function portrait(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? `${path} ${readFileSync(path, 'utf8')}` : path;
    })
    .sort();
}

async function setUp(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-hostile-'));
  const place = (...parts: string[]) => join(folder, ...parts);
  for (const made of ['data', 'outside/images', 'images', 'pools/good'])
    mkdirSync(place(made), { recursive: true });
  writeFileSync(place('outside', 'secret.raw'), 'what nobody shall read');
  writeFileSync(place('images', 'tiny.raw'), 'an image');
  symlinkSync(place('outside'), place('pools', 'evil'));
  symlinkSync(place('outside', 'secret.raw'), place('images', 'evil.raw'));
  const host = new FakeHost(undefined, { 'gpu:a30': ['0000:3b:00.0'] });
  const hypervisor = new FakeHypervisor(host);
  const poolFolders = new PoolFolders([place('pools')], new PoolMounts(place('data')));
  const images = new ImageStore('h1', place('data'), [place('images')], poolFolders);
  await images.prepare();
  const wire = new Wire();
  const { core, shell } = shellOf({
    folder,
    poolDirectories: [place('pools')],
    hypervisor,
    images,
    transport: wire,
    migration: { uri: 'qemu+tls://h1.dc.example/system', peers: ['qemu+tls://*.dc.example/system'] },
  });
  shell.start();
  t.teardown(async () => {
    await shell.stop('the test is over');
    rmSync(folder, { recursive: true });
  });
  await until('the link', () => core.linkStatus().state === 'linked');
  const digest = `sha256:${createHash('sha256').update('an image').digest('hex')}`;
  const image = {
    ...word('').image,
    digest,
    sizeBytes: 8,
    virtualSizeMib: 1,
    source: `file://${place('images', 'tiny.raw')}`,
  };
  const want = (desired: Partial<Desired> = {}): Desired => ({
    ...word(randomUUID()),
    image,
    epoch,
    ...desired,
  });
  return { place, host, core, wire, image, want, outside: portrait(place('outside')) };
}

const spec = { vcpus: 1, memoryMib: 128, diskMib: 64, image: 'images/tiny', storagePool: '' };

t.test('words that would reach outside are refused for good, with a reason, and do nothing', async (t) => {
  const { place, host, wire, image, want, outside } = await setUp(t);
  const cases: [string, Partial<Desired>, RegExp][] = [
    ['a pool elsewhere', { storagePoolPath: place('outside') }, /poolDirectories/],
    ['a pool beside', { storagePoolPath: `${place('pools')}-elsewhere` }, /poolDirectories/],
    ['a pool that climbs', { storagePoolPath: `${place('pools')}/../outside` }, /plain absolute path/],
    ['a pool behind a symbolic link', { storagePoolPath: place('pools', 'evil') }, /poolDirectories/],
    [
      'an image of the host',
      { image: { ...image, source: `file://${place('outside', 'secret.raw')}` } },
      /imageDirectories/,
    ],
    [
      'an image that climbs',
      { image: { ...image, source: `file://${place('images')}/../outside/secret.raw` } },
      /imageDirectories/,
    ],
    [
      'an image behind a symbolic link',
      { image: { ...image, source: `file://${place('images', 'evil.raw')}` } },
      /imageDirectories/,
    ],
    [
      'an image by another scheme',
      { image: { ...image, source: 'ftp://x/y' } },
      /not an http, https or file URL/,
    ],
    [
      'an image of another host',
      { image: { ...image, source: 'file://other/etc/passwd' } },
      /must not name a host/,
    ],
    ['an image that is another', { image: { ...image, digest: `sha256:${'0'.repeat(64)}` } }, /digest/],
    [
      'a device that is not given away',
      { spec: { ...spec, extras: { 'gpu:h100': 1 } } },
      /not among the extras/,
    ],
    ['more devices than there are', { spec: { ...spec, extras: { 'gpu:a30': 2 } } }, /1 are free/],
    ['a device by its address', { spec: { ...spec, extras: { '0000:00:02.0': 1 } } }, /not among the extras/],
    ['an absurd size', { spec: { ...spec, memoryMib: 2 ** 31 - 1 } }, /memoryMib is/],
    ['XML in a name that is no text', { vmName: '</title>\u0000<disk/>' }, /control characters/],
    ['a name without end', { vmName: 'x'.repeat(1_000_000) }, /longer than 512/],
  ];
  for (const [what, change, problem] of cases) {
    const desired = want(change);
    const uid = desired.uid ?? '';
    wire.say({ desired });
    const refused = await until(`${what} is refused`, () => {
      const newest = wire.newest(uid);
      return newest?.state === 'DOMAIN_STATE_REFUSED' && newest;
    });
    t.match(refused.error?.message, problem, what);
    const { domains, volumes } = host.content();
    t.same([domains, volumes], [[], []], 'nothing of it is left');
  }
  t.same(portrait(place('outside')), outside);
  const good = want({ storagePoolPath: place('pools', 'good') });
  wire.say({ desired: good });
  await until('a good word', () => wire.newest(good.uid ?? '')?.state === 'DOMAIN_STATE_RUNNING');
  t.same(portrait(place('outside')), outside);
});

t.test('to take a VM away from elsewhere takes nothing away', async (t) => {
  const { place, host, wire, want, outside } = await setUp(t);
  const desired = want();
  const uid = desired.uid ?? '';
  wire.say({ desired });
  await until('it runs', () => wire.newest(uid)?.state === 'DOMAIN_STATE_RUNNING');
  writeFileSync(place('outside', `${uid}.qcow2`), 'a disk of somebody else');
  for (const role of ['VM_ROLE_DELETED', 'VM_ROLE_RELEASED'] as const) {
    wire.say({ desired: { ...desired, role, generation: 2, storagePoolPath: place('outside') } });
    await until('it is refused', () => /poolDirectories/.test(wire.newest(uid)?.error?.message ?? ''));
  }
  t.equal(host.content().domains.length, 1, 'the VM runs on');
  t.same(
    portrait(place('outside')),
    [...outside, `${place('outside', `${uid}.qcow2`)} a disk of somebody else`].sort(),
  );
});

t.test('a forged, stale or missing epoch is not obeyed, whatever comes with it', async (t) => {
  const { host, wire, want, core } = await setUp(t);
  const forged = [
    null,
    { ...epoch, counter: 6 },
    { ...epoch, incarnation: 2, counter: 99 },
    { ...epoch, instance: 'a-copy-of-the-scheduler' },
    { ...epoch, instance: '' },
  ].map((other) => want({ epoch: other }));
  for (const desired of forged) wire.say({ desired });
  wire.say({ desiredSet: { desired: forged } });
  const good = want();
  wire.say({ desired: good });
  await until('the good word', () => wire.newest(good.uid ?? '')?.state === 'DOMAIN_STATE_RUNNING');
  t.same(
    host.content().domains.map(({ uid }) => uid),
    [good.uid],
  );
  for (const { uid } of forged) t.equal(wire.newest(uid ?? ''), undefined);
  t.match(core.ledger.epoch, epoch);
  const messages = core.troubles.list().map(({ message }) => message);
  for (const why of [/without an epoch/, /older than one that was seen/, /its database may be a copy/])
    t.ok(
      messages.some((message) => why.test(message)),
      String(why),
    );
});

t.test('what it says on a terminal is one plain line', async (t) => {
  const { wire, core } = await setUp(t);
  wire.say({ desired: { ...word('\u001b[2J\u202efoo\n'), epoch: null } });
  wire.say({ rejected: { reason: 'X\u001b]0;title\u0007', message: 'a\nb\u2066', retryable: false } });
  const texts = [core.linkStatus().reason, ...core.troubles.list().map(({ message }) => message)];
  t.ok(texts.length >= 3);
  for (const text of texts) t.notMatch(text, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  t.match(core.linkStatus().state, 'rejected');
});

t.test(
  'whatever it says: every word is obeyed within the limits or refused, and nothing else is touched',
  async (t) => {
    const { place, host, core, wire, image, want, outside } = await setUp(t);
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '',
        '/',
        '/etc',
        '../../etc/passwd',
        '"/><disk type="block"><source dev="/dev/sda"/>',
        ']]>',
        '\u0000',
        '__proto__',
        'constructor',
        'file:///etc/passwd',
        'http://127.0.0.1:1/',
        place('outside'),
        place('pools'),
        place('pools', 'evil'),
        place('pools', 'good', '..', '..', 'outside'),
        `file://${place('outside', 'secret.raw')}`,
      ),
    );
    const number = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.constantFrom(0, 1, 64, 128),
    );
    const hostile = fc.record(
      {
        uid: fc.oneof({ arbitrary: fc.uuid(), weight: 6 }, nasty),
        role: fc.constantFrom<Desired['role'][]>(
          'VM_ROLE_RUN',
          'VM_ROLE_STOPPED',
          'VM_ROLE_DELETED',
          'VM_ROLE_RELEASED',
          'VM_ROLE_SEND',
          'VM_ROLE_RECEIVE',
          'VM_ROLE_UNSPECIFIED',
        ),
        term: number,
        generation: number,
        vmName: nasty,
        peer: nasty,
        storagePoolPath: nasty,
        stopGraceSeconds: number,
        rebootCount: number,
        numaCells: fc.array(number, { maxLength: 3 }),
        spec: fc.record({
          vcpus: number,
          memoryMib: number,
          diskMib: number,
          image: nasty,
          storagePool: nasty,
          hugepageSizeKib: number,
          extras: fc.dictionary(nasty, number, { maxKeys: 3 }),
          numa: fc.record({ cells: number, dedicatedCpus: fc.boolean() }),
        }),
        image: fc.record({
          name: nasty,
          digest: fc.oneof(nasty, fc.constant(image.digest)),
          format: fc.constantFrom('IMAGE_FORMAT_RAW' as const, 'IMAGE_FORMAT_QCOW2' as const),
          sizeBytes: number,
          virtualSizeMib: number,
          source: fc.oneof(nasty, fc.constant(image.source)),
        }),
      },
      { requiredKeys: [] },
    );
    const words = fc
      .sample(hostile, { numRuns: 600, seed: 5 })
      .map((change) => want(change as Partial<Desired>));
    for (const desired of words) wire.say({ desired });
    const last = want();
    wire.say({ desired: last });
    await until(
      'a good word after them',
      () => wire.newest(last.uid ?? '')?.state === 'DOMAIN_STATE_RUNNING',
    );
    await until('all are answered', () =>
      words.every(({ uid = '' }) => !/^[0-9a-f-]{36}$/.test(uid) || wire.newest(uid) !== undefined),
    );
    t.same(portrait(place('outside')), outside);
    const { volumes } = host.content();
    for (const { poolPath } of volumes)
      t.ok(poolPath === '' || poolPath.startsWith(place('pools')), poolPath);
    t.equal(core.linkStatus().state, 'linked', 'and the agent is there yet');
  },
);
