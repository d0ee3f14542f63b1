import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ImageRef } from '../../agent/converge/desired.js';
import { ImageFault } from '../../agent/images/image-fault.js';
import { PoolFolders } from '../../agent/hypervisor/pool-folders.js';
import { ImageStore } from '../../agent/images/image-store.js';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { PoolMounts } from '../../agent/state/pool-mounts.js';
import { until } from './until.js';
import { webServer } from './web-server.js';

const mib = 1024 * 1024;
const never = new AbortController().signal;
const quiet = () => undefined;

function qcow2(
  change: { backing?: bigint; incompatible?: bigint; version?: number; sizeMib?: number } = {},
): Buffer {
  const header = Buffer.alloc(512);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(change.version ?? 3, 4);
  header.writeBigUInt64BE(change.backing ?? 0n, 8);
  header.writeBigUInt64BE(BigInt(change.sizeMib ?? 10) * BigInt(mib), 24);
  header.writeBigUInt64BE(change.incompatible ?? 0n, 72);
  return header;
}

function imageOf(bytes: Buffer, source: string, change: Partial<ImageRef> = {}): ImageRef {
  return {
    name: 'images/tiny',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    format: 'qcow2',
    sizeBytes: bytes.length,
    virtualSizeMib: 10,
    source,
    ...change,
  };
}

async function setUp(t: Test, handler: RequestListener = (_, response) => response.end()) {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-images-'));
  const allowed = join(folder, 'allowed');
  mkdirSync(allowed);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const url = await webServer(t, handler);
  const pools = new PoolLanes();
  const poolFolders = new PoolFolders([folder], new PoolMounts(folder));
  const store = new ImageStore('h1', folder, [allowed], poolFolders, pools);
  await store.prepare();
  const files = () => readdirSync(join(folder, 'images'));
  return { folder, allowed, store, pools, url, files };
}

async function faultOf(promise: Promise<unknown>): Promise<{ kind: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ImageFault) return { kind: error.kind, message: error.message };
    throw error;
  }
  return { kind: 'none', message: '' };
}

t.test('fetched, verified, kept, and not fetched again', async (t) => {
  const bytes = Buffer.concat([qcow2({ sizeMib: 20 }), Buffer.alloc(3 * mib, 7)]);
  let requests = 0;
  const { store, url, files } = await setUp(t, (_, response) => {
    requests++;
    response.end(bytes);
  });
  const image = imageOf(bytes, `${url}/tiny`);
  const progress: string[] = [];
  const fetched = await store.fetch(image, '', (text) => progress.push(text), never);
  t.equal(fetched.virtualSizeMib, 20, 'as the file itself says');
  t.same(readFileSync(fetched.path), bytes);
  t.same(files(), [`${image.sha256}.qcow2`]);
  t.match(progress[0], /^fetching image \d+ %$/);
  t.same(await store.fetch(image, '', quiet, never), fetched);
  t.equal(requests, 1);
  t.same(await store.list(), [{ sha256: image.sha256, sizeBytes: bytes.length }]);
});

t.test('while a shared pool hangs, images come to all others, and to it when it is back', async (t) => {
  const bytes = Buffer.concat([qcow2(), Buffer.alloc(3 * mib, 7)]);
  const { folder, store, pools, url } = await setUp(t, (_, response) => response.end(bytes));
  const [hung, well] = [join(folder, 'hung'), join(folder, 'well')];
  for (const pool of [hung, well]) mkdirSync(pool);
  const image = imageOf(bytes, `${url}/tiny`);
  // What its server does not answer has all of its places.
  let thaw: () => void = () => undefined;
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  const stuck = Array.from({ length: 30 }, () => pools.run(hung, 'image', () => thawed));
  let come = 0;
  const late = Promise.all(
    Array.from({ length: 30 }, () => store.fetch(image, hung, quiet, never).finally(() => come++)),
  );
  for (const poolPath of ['', well]) await store.fetch(image, poolPath, quiet, never);
  t.equal(come, 0);
  t.same(readdirSync(hung), [], 'nobody has touched it');
  thaw();
  await Promise.all(stuck);
  t.equal(new Set((await late).map(({ path }) => path)).size, 1);
  t.same(readFileSync(join(hung, 'images', `${image.sha256}.qcow2`)), bytes);
});

t.test('a slow source holds no place in the pool that its image is for', async (t) => {
  const bytes = qcow2();
  const held: (() => void)[] = [];
  const { folder, store, url } = await setUp(t, (request, response) => {
    if (request.url === '/fast') response.end(bytes);
    else {
      response.write(bytes.subarray(0, 10));
      held.push(() => response.end(bytes.subarray(10)));
    }
  });
  const pool = join(folder, 'pool');
  mkdirSync(pool);
  const slow = Array.from({ length: 20 }, (_, number) =>
    store.fetch(
      imageOf(bytes, `${url}/slow`, { sha256: number.toString(16).padStart(64, '0') }),
      pool,
      quiet,
      never,
    ),
  );
  const ends = Promise.allSettled(slow);
  await until('all have begun', () => held.length === slow.length);
  await store.fetch(imageOf(bytes, `${url}/fast`), pool, quiet, never);
  for (const end of held) end();
  t.ok(
    (await ends).every(({ status }) => status === 'rejected'),
    'theirs are not what they should be',
  );
  t.equal(readdirSync(join(pool, 'images')).length, 1);
});

t.test('twenty VMs that need the same image wait for one download', async (t) => {
  const bytes = qcow2();
  let requests = 0;
  const { store, url } = await setUp(t, (_, response) => {
    requests++;
    setTimeout(() => response.end(bytes), 50);
  });
  const image = imageOf(bytes, `${url}/tiny`);
  const all = await Promise.all(Array.from({ length: 20 }, () => store.fetch(image, '', quiet, never)));
  t.equal(new Set(all.map(({ path }) => path)).size, 1);
  t.equal(requests, 1);
});

t.test('what is not what the catalogue says is refused, and leaves nothing behind', async (t) => {
  const bytes = qcow2();
  const { store, url, files } = await setUp(t, (request, response) => {
    if (request.url === '/longer') response.end(Buffer.concat([bytes, bytes]));
    else if (request.url === '/chunked-longer') {
      response.write(bytes);
      response.end(bytes);
    } else if (request.url === '/missing') response.writeHead(404).end();
    else if (request.url === '/broken') response.writeHead(503).end();
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100));
      setTimeout(() => response.destroy(), 20);
    } else response.end(bytes);
  });
  const other = 'b'.repeat(64);
  const cases: [string, ImageRef, string, RegExp][] = [
    [
      'another digest',
      imageOf(bytes, `${url}/x`, { sha256: other }),
      'denied',
      /digest is sha256:.*, not sha256:bbb/,
    ],
    [
      'more than announced',
      imageOf(bytes, `${url}/longer`),
      'denied',
      /has 1024 bytes, and the catalogue says 512/,
    ],
    [
      'more, and not announced',
      imageOf(bytes, `${url}/chunked-longer`),
      'denied',
      /larger than the 512 bytes/,
    ],
    ['not there', imageOf(bytes, `${url}/missing`), 'denied', /answers 404/],
    ['not now', imageOf(bytes, `${url}/broken`), 'failed', /answers 503/],
    ['cut off', imageOf(bytes, `${url}/cut`), 'failed', /could not be fetched/],
    ['nobody there', imageOf(bytes, 'http://127.0.0.1:1/x'), 'failed', /cannot be fetched/],
    ['not qcow2', imageOf(Buffer.alloc(600), `${url}/x`), 'denied', /digest|bytes/],
    ['larger than the disk', imageOf(bytes, `${url}/x`, { sizeBytes: 2 ** 52 }), 'denied', /catalogue says/],
  ];
  for (const [what, image, kind, message] of cases) {
    t.match(await faultOf(store.fetch(image, '', quiet, never)), { kind, message }, what);
  }
  t.same(files(), []);
});

t.test('an image that needs more than the disk has is not even begun', async (t) => {
  const bytes = qcow2();
  const { store, url } = await setUp(t, (_, response) => {
    response.writeHead(200, { 'content-length': 2 ** 52 });
    response.write(bytes);
  });
  const image = imageOf(bytes, `${url}/x`, { sizeBytes: 2 ** 52 });
  t.match(await faultOf(store.fetch(image, '', quiet, never)), { kind: 'noSpace', message: /has \d+ free/ });
});

t.test('an image that would make QEMU read other files is refused', async (t) => {
  let bytes = qcow2();
  const { store, url, files } = await setUp(t, (_, response) => response.end(bytes));
  const cases: [Buffer, RegExp][] = [
    [qcow2({ backing: 0x200n }), /backing file/],
    [qcow2({ incompatible: 4n }), /external data file/],
    [qcow2({ version: 9 }), /version 9/],
    [Buffer.from('#!/bin/sh, and a little more to read'.repeat(10)), /not a qcow2/],
  ];
  for (const [content, message] of cases) {
    bytes = content;
    const fault = await faultOf(store.fetch(imageOf(content, `${url}/x`), '', quiet, never));
    t.match(fault, { kind: 'denied', message });
  }
  t.same(files(), []);
});

t.test('redirects are followed, to the web only, and not for ever', async (t) => {
  const bytes = qcow2();
  const { store, url, folder } = await setUp(t, (request, response) => {
    const [, step] = /^\/step\/(\d+)$/.exec(request.url ?? '') ?? [];
    if (request.url === '/file') response.writeHead(302, { location: `file://${folder}/secret` }).end();
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (step !== undefined && step !== '0') {
      response.writeHead(307, { location: `/step/${Number(step) - 1}` }).end();
    } else response.end(bytes);
  });
  writeFileSync(join(folder, 'secret'), bytes);
  t.match(await faultOf(store.fetch(imageOf(bytes, `${url}/file`), '', quiet, never)), {
    kind: 'denied',
    message: /file:/,
  });
  t.match(await faultOf(store.fetch(imageOf(bytes, `${url}/loop`), '', quiet, never)), {
    message: /more than 5/,
  });
  await store.fetch(imageOf(bytes, `${url}/step/5`), '', quiet, never);
});

t.test('files come only from the folders that the operator has named', async (t) => {
  const bytes = qcow2();
  const { store, allowed, folder, files } = await setUp(t);
  writeFileSync(join(folder, 'secret.qcow2'), bytes);
  writeFileSync(join(allowed, 'tiny.qcow2'), bytes);
  symlinkSync(join(folder, 'secret.qcow2'), join(allowed, 'link.qcow2'));
  symlinkSync(join(allowed, 'tiny.qcow2'), join(allowed, 'inside.qcow2'));
  mkdirSync(`${allowed}-not`);
  writeFileSync(join(`${allowed}-not`, 'x'), bytes);
  const denied = [
    `file://${folder}/secret.qcow2`,
    `file://${allowed}/../secret.qcow2`,
    `file://${allowed}/%2e%2e/secret.qcow2`,
    `file://${allowed}/link.qcow2`,
    `file://${allowed}-not/x`,
    `file://${allowed}`,
    `file://${allowed}/nothing`,
    'file://example.org/etc/passwd',
  ];
  for (const source of denied) {
    t.match(await faultOf(store.fetch(imageOf(bytes, source), '', quiet, never)), { kind: 'denied' }, source);
  }
  t.same(files(), []);
  await store.fetch(imageOf(bytes, `file://${allowed}/inside.qcow2`), '', quiet, never);
  t.equal(files().length, 1);
});

t.test('a download ends when nobody waits for it any more, and not before', async (t) => {
  const bytes = qcow2();
  let open = 0;
  const held: (() => void)[] = [];
  const { store, url, files } = await setUp(t, (_, response) => {
    open++;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 10));
    held.push(() => response.end(bytes.subarray(10)));
    response.on('close', () => {
      open--;
    });
  });
  const image = imageOf(bytes, `${url}/x`);
  const [first, second] = [new AbortController(), new AbortController()];
  const one = faultOf(store.fetch(image, '', quiet, first.signal));
  const two = faultOf(store.fetch(image, '', quiet, second.signal));
  await until('the download', () => open === 1);
  first.abort();
  t.match(await one, { kind: 'cancelled' });
  t.equal(open, 1, 'the other still waits');
  second.abort();
  const third = faultOf(store.fetch(image, '', quiet, never));
  t.match(await two, { kind: 'cancelled' });
  await until('another download', () => held.length === 2);
  await until('the end of the first', () => open === 1 && files().length === 1);
  held[1]?.();
  t.match(await third, { kind: 'none' }, 'and it can be fetched anew, also while the first is ending');
  t.same(files(), [`${image.sha256}.qcow2`]);
  t.match(await faultOf(store.fetch(image, '', quiet, never)), { kind: 'none' });
  t.equal(held.length, 2);
});

t.test(
  'a shared pool keeps its images with it; what a killed agent left on the host is cleared',
  async (t) => {
    const bytes = Buffer.alloc(3 * mib + 1, 1);
    const { store, url, folder, files } = await setUp(t, (_, response) => response.end(bytes));
    const pool = join(folder, 'pool');
    mkdirSync(pool);
    const image = imageOf(bytes, `${url}/raw`, { format: 'raw' });
    const fetched = await store.fetch(image, pool, quiet, never);
    t.equal(fetched.path, join(pool, 'images', `${image.sha256}.raw`));
    t.equal(fetched.virtualSizeMib, 4);
    writeFileSync(join(folder, 'images', 'x.qcow2.12.partial'), '');
    await store.prepare();
    t.same(files(), []);
  },
);

t.test(
  'a source that does not come to an end holds up nobody who names another for the same image',
  async (t) => {
    const bytes = qcow2();
    const held: ServerResponse[] = [];
    const { store, url, files } = await setUp(t, (request, response) => {
      if (request.url === '/good') return response.end(bytes);
      held.push(response);
      return response.write(bytes.subarray(0, 10));
    });
    const slow = [1, 2].map(() => store.fetch(imageOf(bytes, `${url}/slow`), '', quiet, never));
    await until('it has begun', () => held.length === 1);
    const fetched = await store.fetch(imageOf(bytes, `${url}/good`), '', quiet, never);
    t.equal(held.length, 1);
    held[0]?.end(bytes.subarray(10));
    t.same(await Promise.all(slow), [fetched, fetched]);
    t.equal(files().length, 1);
  },
);

t.test(
  'a copy that goes for want of room is fetched anew by who asks meanwhile, and one that is asked for stays',
  async (t) => {
    const bytes = qcow2();
    let requests = 0;
    const { folder, store, url } = await setUp(t, (_, response) => {
      requests++;
      response.end(bytes);
    });
    const image = imageOf(bytes, `${url}/tiny`);
    const path = join(folder, 'images', `${image.sha256}.qcow2`);
    writeFileSync(path, bytes);
    const going = store.remove(path);
    const fetched = await store.fetch(image, '', quiet, never);
    t.equal(await going, true);
    t.equal(requests, 1);
    t.same(readFileSync(fetched.path), bytes);
    t.equal(await store.remove(path), false);
    t.same(readFileSync(fetched.path), bytes, 'a disk may be built on it now');
  },
);
