/** Two hosts that keep their images in one shared pool: each fetches for itself, and neither takes from the other what it reads. */
import { createHash } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import filePromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import type { ImageRef } from '../../agent/converge/desired.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { ImageStore } from '../../agent/images/image-store.js';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';
import { until } from './until.js';
import { webServer } from './web-server.js';

const never = new AbortController().signal;
const quiet = () => undefined;
/** A qcow2 file of 10 MiB, which are not there. */
const bytes = Buffer.alloc(100_000, 7);
bytes.fill(0, 0, 104);
bytes.writeUInt32BE(0x514649fb, 0);
bytes.writeUInt32BE(3, 4);
bytes.writeBigUInt64BE(10n * 1024n * 1024n, 24);
const sha256 = createHash('sha256').update(bytes).digest('hex');

/** Stores of two hosts, and a web server that sends the image to each when it is told to. */
async function setUp(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-shared-images-'));
  const pool = join(folder, 'pool');
  mkdirSync(join(pool, 'images'), { recursive: true });
  const held: (() => void)[] = [];
  t.teardown(() => rmSync(folder, { recursive: true }));
  const url = await webServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 10));
    held.push(() => response.end(bytes.subarray(10)));
  });
  const pools = new PoolLanes();
  const poolFolders = new PoolFolders([pool], new PoolMounts(folder));
  const storeOf = (host: string) => new ImageStore(host, join(folder, host), [], poolFolders, pools);
  const image: ImageRef = {
    name: 'images/tiny',
    sha256,
    format: 'qcow2',
    sizeBytes: bytes.length,
    virtualSizeMib: 10,
    source: `${url}/tiny`,
  };
  const path = join(pool, 'images', `${sha256}.qcow2`);
  const fetchBy = (store: ImageStore) => store.fetch(image, pool, quiet, never);
  /** Both have begun, in this order. */
  const bothFetch = async () => {
    const first = fetchBy(storeOf('h1'));
    await until('the first asks', () => held.length === 1);
    const second = fetchBy(storeOf('h2'));
    await until('the second asks', () => held.length === 2);
    const [sendFirst, sendSecond] = held.splice(0) as [() => void, () => void];
    return { first, second, sendFirst, sendSecond };
  };
  const files = () => readdirSync(join(pool, 'images'));
  return { folder, pool, path, image, held, storeOf, fetchBy, bothFetch, files };
}

/** How often a file has been read to its end since it was asked last. */
function countReads(t: Test): () => number {
  let ends = 0;
  const original = filePromises.open;
  const mocked = mock.method(filePromises, 'open', async (...args: Parameters<typeof filePromises.open>) => {
    const file = await original(...args);
    const read = file.read.bind(file) as (...given: unknown[]) => Promise<{ bytesRead: number }>;
    return Object.assign(file, {
      read: async (...given: unknown[]) => {
        const result = await read(...given);
        if (result.bytesRead === 0) ends++;
        return result;
      },
    });
  });
  syncBuiltinESMExports();
  t.teardown(() => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  });
  return () => {
    const counted = ends;
    ends = 0;
    return counted;
  };
}

/** As a file system without hard links. */
function withoutLinks(t: Test, code: string): void {
  const refuse = async () => {
    throw Object.assign(new Error(`${code}: link`), { code });
  };
  const mocked = mock.method(filePromises, 'link', refuse);
  syncBuiltinESMExports();
  t.teardown(() => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  });
}

t.test('what another host has brought meanwhile stays, for its guests have it open', async (t) => {
  for (const links of ['with links', 'EPERM', 'EOPNOTSUPP']) {
    await t.test(links, async (t) => {
      if (links !== 'with links') withoutLinks(t, links);
      const { path, bothFetch, files } = await setUp(t);
      const { first, second, sendFirst, sendSecond } = await bothFetch();
      sendFirst();
      t.equal((await first).path, path);
      const { ino } = lstatSync(path);
      t.same(readFileSync(path), bytes);
      sendSecond();
      t.same(await second, await first);
      t.equal(lstatSync(path).ino, ino, 'it is the same file');
      t.equal(lstatSync(path).nlink, 1);
      t.same(files(), [`${sha256}.qcow2`], 'and no part is left');
    });
  }
});

t.test('what came there meanwhile and is not the image is replaced', async (t) => {
  for (const links of ['with links', 'EPERM']) {
    await t.test(links, async (t) => {
      if (links !== 'with links') withoutLinks(t, links);
      const { folder, path, held, storeOf, fetchBy, files } = await setUp(t);
      const fetched = fetchBy(storeOf('h1'));
      await until('it asks', () => held.length === 1);
      writeFileSync(path, bytes.subarray(0, 1000));
      linkSync(path, join(folder, 'cut'));
      held[0]?.();
      t.equal((await fetched).path, path);
      t.same(readFileSync(path), bytes);
      t.equal(readFileSync(join(folder, 'cut')).length, 1000, 'by another file, not by writing to it');
      t.same(files(), [`${sha256}.qcow2`]);
    });
  }
});

t.test('what a killed agent left in a pool is cleared by the next one of its host alone', async (t) => {
  const { pool, path, image, held, storeOf, fetchBy, files } = await setUp(t);
  const parts = () => files().filter((file) => file.endsWith('.partial'));
  // Of hosts whose agents never come to the end: the one is killed, the others go on.
  const killed = fetchBy(storeOf('h1'));
  const others = [fetchBy(storeOf('h11')), fetchBy(storeOf('h1.x'))];
  const ended = Promise.allSettled([killed, ...others]);
  await until('three parts are there', () => held.length === 3 && parts().length === 3);
  const [left, ...foreign] = parts().sort((one, other) => one.length - other.length);
  t.match(left, /^[0-9a-f]{64}\.qcow2\.h1\.[0-9a-f]{8}\.[0-9a-f]{8}\.partial$/);
  writeFileSync(`${path}.0123abcd.partial`, 'of an agent of before, on some host');
  const store = storeOf('h1');
  const [one, another] = [
    fetchBy(store),
    store.fetch({ ...image, sha256: 'a'.repeat(64) }, pool, quiet, never),
  ];
  const end = Promise.allSettled([one, another]);
  await until('its own are there', () => held.length === 5 && parts().length === 5);
  t.notOk(parts().includes(left ?? ''));
  for (const part of foreign) t.ok(parts().includes(part), `${part} stays`);
  t.ok(parts().includes(`${sha256}.qcow2.0123abcd.partial`));
  for (const send of held) send();
  await Promise.all([ended, end]);
  t.same(readFileSync((await one).path), bytes, 'its own are left alone, however many it has');
});

t.test('a pool that has two names is not cleared of what this process fetches there', async (t) => {
  const { folder, pool, image, held, storeOf } = await setUp(t);
  const alias = join(folder, 'alias');
  symlinkSync(pool, alias);
  const store = storeOf('h1');
  const fetches = [store.fetch(image, pool, quiet, never)];
  await until('it is under way', () => held.length === 1);
  fetches.push(store.fetch(image, alias, quiet, never));
  await until('and again by the other name', () => held.length === 2);
  for (const send of held) send();
  for (const { path } of await Promise.all(fetches)) t.same(readFileSync(path), bytes);
});

t.test(
  'what another host has put into a pool is hashed before it is used, once, and replaced if it is another',
  async (t) => {
    const { folder, path, image, held, pool, storeOf, fetchBy, files } = await setUp(t);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(8, 50_000);
    writeFileSync(path, changed);
    linkSync(path, join(folder, 'changed'));
    const store = storeOf('h1');
    const fetched = fetchBy(store);
    await until('it asks for the right one', () => held.length === 1);
    held[0]?.();
    await fetched;
    t.same(readFileSync(path), bytes);
    t.same(readFileSync(join(folder, 'changed')), changed, 'by another file, not by writing to it');
    t.same(files(), [`${sha256}.qcow2`]);

    const reads = countReads(t);
    t.same(await fetchBy(store), await fetched);
    t.equal(reads(), 0, 'it was hashed while it came');
    const other = storeOf('h2');
    const told: string[] = [];
    const all = Array.from({ length: 20 }, () => other.fetch(image, pool, (text) => told.push(text), never));
    for (const each of await Promise.all(all)) t.same(each, await fetched);
    t.match(told[0], /^checking image \d+ %$/);
    t.equal(reads(), 1, 'twenty VMs wait for one reader');
    await fetchBy(other);
    t.equal(reads(), 0, 'who does not read it again');
    utimesSync(path, 1, 1);
    await fetchBy(other);
    t.equal(reads(), 1, 'until it has been changed');
    t.equal(held.length, 1, 'and nothing was fetched again');
  },
);

t.test('what came there meanwhile with the name and the size is hashed as well', async (t) => {
  const { path, held, storeOf, fetchBy } = await setUp(t);
  const fetched = fetchBy(storeOf('h1'));
  await until('it asks', () => held.length === 1);
  writeFileSync(path, Buffer.alloc(bytes.length, 1));
  held[0]?.();
  await fetched;
  t.same(readFileSync(path), bytes);
});

t.test('a check ends when nobody waits for it any more', async (t) => {
  const { pool, image, held, storeOf } = await setUp(t);
  const large = Buffer.alloc(16 * 1024 * 1024);
  const raw: ImageRef = {
    ...image,
    format: 'raw',
    sizeBytes: large.length,
    sha256: createHash('sha256').update(large).digest('hex'),
  };
  writeFileSync(join(pool, 'images', `${raw.sha256}.raw`), large);
  const store = storeOf('h1');
  const controller = new AbortController();
  const left = store.fetch(raw, pool, () => controller.abort(), controller.signal);
  await t.rejects(left, { name: 'ImageFault', kind: 'cancelled' });
  const told: string[] = [];
  await until('it can be begun anew', () =>
    store
      .fetch(raw, pool, (text) => told.push(text), never)
      .then(
        () => true,
        () => false,
      ),
  );
  t.match(told[0], /^checking image/, 'from the first piece, since the other one has not come to its end');
  t.equal(held.length, 0);
});
