import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readLocalImage } from '../../../cli/images/local-image.js';
import { qcow2HeaderBytes, readQcow2Header } from '../../../cli/images/qcow2.js';
import { qcow2File } from './qcow2-file.js';

const never = new AbortController().signal;
const MiB = 1024 * 1024;

t.test('the header tells the disk, whatever its size', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 46 }), fc.constantFrom(2, 3), (virtualSizeBytes, version) => {
      const header = readQcow2Header(qcow2File({ virtualSizeBytes, version }));
      return header?.virtualSizeBytes === virtualSizeBytes && header.version === version;
    }),
  );
  t.equal(readQcow2Header(qcow2File({ version: 1 })), undefined, 'the older qcow');
  t.equal(readQcow2Header(Buffer.from('QFI\xfb', 'latin1')), undefined, 'cut short');
  t.equal(readQcow2Header(Buffer.alloc(qcow2HeaderBytes)), undefined);
});

t.test('random bytes are never taken for an image, and never crash', async (t) => {
  let undefinedSeen = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      if (readQcow2Header(Buffer.from(bytes)) === undefined) undefinedSeen++;
      return true;
    }),
  );
  t.ok(undefinedSeen > 0);
});

t.test('QEMU and we agree on a file that QEMU made', async (t) => {
  const qemuImg = '/usr/bin/qemu-img';
  if (!existsSync(qemuImg)) {
    t.comment('no qemu-img on this machine: held against our own writing of the format only');
    t.match(readQcow2Header(qcow2File({ virtualSizeBytes: 100 * MiB })), { virtualSizeBytes: 100 * MiB });
    return;
  }
  const path = join(t.testdir(), 'made.qcow2');
  execFileSync(qemuImg, ['create', '-q', '-f', 'qcow2', path, '100M']);
  const image = await readLocalImage(path, undefined, never);
  t.match(image, { format: 'qcow2', virtualSizeMib: 100 });
  t.equal(image.digest, `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`);
  t.equal(image.sizeBytes, readFileSync(path).length);
});

t.test('a part of a MiB counts as a whole one', async (t) => {
  const path = join(t.testdir(), 'odd.qcow2');
  writeFileSync(path, qcow2File({ virtualSizeBytes: 10 * MiB + 1 }));
  t.match(await readLocalImage(path, undefined, never), { virtualSizeMib: 11 });
});

t.test('a raw disk must be called one', async (t) => {
  const path = join(t.testdir(), 'disk.raw');
  writeFileSync(path, Buffer.alloc(2 * MiB));
  t.match(await readLocalImage(path, 'raw', never), { format: 'raw', virtualSizeMib: 2, sizeBytes: 2 * MiB });
  await t.rejects(readLocalImage(path, undefined, never), { message: /say --format raw/ });
  await t.rejects(readLocalImage(path, 'qcow2', never), { message: /is not a qcow2 image/ });
});

t.test('what no host could start from is refused with a sentence', async (t) => {
  const dir = t.testdir();
  const write = (name: string, bytes: Buffer) => {
    writeFileSync(join(dir, name), bytes);
    return join(dir, name);
  };
  mkdirSync(join(dir, 'folder'));
  const cases: [string, RegExp][] = [
    [write('backed', qcow2File({ hasBackingFile: true })), /needs a backing file/],
    [write('locked', qcow2File({ encrypted: true })), /is encrypted/],
    [write('nothing', qcow2File({ virtualSizeBytes: 0 })), /no size/],
    [write('empty', Buffer.alloc(0)), /is empty/],
    [join(dir, 'missing'), /there is no file/],
    [join(dir, 'folder'), /is not a file/],
    [join(dir, 'empty', 'deeper'), /not a directory/],
  ];
  for (const [path, sentence] of cases) {
    await t.rejects(readLocalImage(path, undefined, never), { exitCode: 2, message: sentence }, path);
  }
  await t.rejects(readLocalImage(write('q', qcow2File({})), 'raw', never), { message: /leave --format out/ });
  if (process.getuid?.() !== 0) {
    chmodSync(join(dir, 'q'), 0);
    await t.rejects(readLocalImage(join(dir, 'q'), undefined, never), { message: /may not be read/ });
  }
});

t.test('Ctrl-C ends the reading', async (t) => {
  const path = join(t.testdir(), 'disk.raw');
  writeFileSync(path, Buffer.alloc(MiB));
  const interrupted = readLocalImage(path, 'raw', AbortSignal.abort());
  await t.rejects(interrupted, { message: 'interrupted.' });
});
