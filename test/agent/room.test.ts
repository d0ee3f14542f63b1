/** What the agent does so that the host's own disk does not run full, and that it can be emptied if it does. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { volumeFile } from '../../agent/hypervisor/volume-names.js';
import { DiskRoom } from '../../agent/room/disk-room.js';
import { DiskReserve } from '../../agent/room/reserve.js';
import { removeImages, removeTrash } from '../../agent/room/spare.js';
import { uidOf } from './world.js';

const mib = 1024 * 1024;
const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

const remove = async (path: string) => {
  rmSync(path);
  return true;
};

/** A qcow2 file that takes so many MiB, built on the file at `backing`, or on nothing. */
function qcow2(path: string, sizeMib: number, backing = ''): void {
  const bytes = Buffer.alloc(sizeMib * mib, 1);
  bytes.fill(0, 0, 104);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(3, 4);
  bytes.writeBigUInt64BE(BigInt(mib), 24);
  if (backing !== '') {
    bytes.writeBigUInt64BE(512n, 8);
    bytes.writeUInt32BE(backing.length, 16);
    bytes.write(backing, 512);
  }
  writeFileSync(path, bytes);
}

/** A disk of 100 GiB of which so much is free: 2 GiB are few, and 4 are aimed at. */
function setUp(t: Test, freeMib: number) {
  const dataDir = t.testdir({ volumes: {}, trash: {}, images: {} });
  const place = (...parts: string[]) => join(dataDir, ...parts);
  const image = (digit: string) => place('images', `${digit.repeat(64)}.qcow2`);
  const logged: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const disk = { freeMib, looks: 0 };
  const room = new DiskRoom({
    dataDir,
    reserve: new DiskReserve(dataDir, mib),
    images: { remove },
    log,
    measure: async () => {
      disk.looks++;
      return { free: disk.freeMib * mib, total: 100 * 1024 * mib };
    },
  });
  const trashed = (number: number, at: number) => place('trash', `${uidOf(number)}.${at}-${at + 1000}.qcow2`);
  return { dataDir, place, image, trashed, logged, disk, room };
}

t.test('a disk with room enough is left as it is, and a reserve kept of it', async (t) => {
  const { place, image, trashed, room } = setUp(t, 2048);
  qcow2(trashed(1, 1), 1);
  qcow2(image('a'), 1);
  await room.keep();
  t.ok(existsSync(trashed(1, 1)));
  t.ok(existsSync(image('a')));
  t.equal(statSync(place('reserve')).size, mib);
  truncateSync(place('reserve'), 5);
  await room.keep();
  t.equal(statSync(place('reserve')).size, mib, 'one that was cut off is made anew');
});

t.test('of a disk that is nearly full deleted disks and unused images go, and it is said', async (t) => {
  const { place, trashed, image, room, logged } = setUp(t, 2047);
  for (const number of [1, 2, 3]) qcow2(trashed(number, number), 3, image('a'));
  qcow2(image('a'), 3);
  writeFileSync(place('trash', 'notes.txt'), 'of somebody else');
  await room.keep();
  t.same(readdirSync(place('trash')), ['notes.txt']);
  t.same(readdirSync(place('images')), [], 'no disk is built on it any more');
  t.match(logged, [{ event: 'disk.low', freeMib: 2047, ofTrashMib: 9, ofImagesMib: 3 }]);
  await room.keep();
  t.equal(logged.length, 1, 'where nothing can go nothing is said');
});

t.test('the oldest goes first, and no more than is needed', async (t) => {
  const { dataDir, place, trashed, image } = setUp(t, 0);
  const ages = [500, 100, 900];
  for (const [number, at] of ages.entries()) qcow2(trashed(number + 1, at), 3);
  t.equal(await removeTrash(dataDir, 4 * mib), 6 * mib);
  t.same(readdirSync(place('trash')), [basename(trashed(3, 900))]);
  t.equal(await removeTrash(dataDir, 0), 0);
  for (const [number, digit] of ['a', 'b', 'c'].entries()) {
    qcow2(image(digit), 3);
    utimesSync(image(digit), 1, ages[number] ?? 0);
  }
  t.equal(await removeImages(dataDir, mib, remove), 3 * mib);
  t.same(
    readdirSync(place('images')),
    [image('a'), image('c')].map((path) => basename(path)),
  );
});

t.test('images that a disk is built on, one in the trash included, or is about to be, stay', async (t) => {
  const { dataDir, place, image, trashed } = setUp(t, 0);
  for (const digit of ['a', 'b', 'c', 'd', 'e']) qcow2(image(digit), 1);
  qcow2(place('volumes', volumeFile(uidOf(1))), 1, image('a'));
  qcow2(place('volumes', `${uidOf(2)}.abcd.partial`), 1, image('b'));
  qcow2(trashed(3, 1), 1, image('c'));
  writeFileSync(place('images', `${'f'.repeat(64)}.qcow2.1.partial`), 'on its way');
  const unlessWanted = async (path: string) => path !== image('d') && remove(path);
  t.equal(await removeImages(dataDir, 100 * mib, unlessWanted), mib);
  t.same(
    readdirSync(place('images')).map((file) => file[0]),
    ['a', 'b', 'c', 'd', 'f'],
  );
});

t.test('a disk of which it cannot be read what it is built on keeps all images', async (t) => {
  const { place, image, room } = setUp(t, 100);
  qcow2(image('a'), 1);
  // What is nobody's disk is in nobody's way.
  for (const folder of ['volumes', 'trash']) mkdirSync(place(folder, 'lost+found'));
  mkdirSync(place('volumes', volumeFile(uidOf(1))));
  await t.rejects(room.keep(), { code: 'EISDIR' });
  t.ok(existsSync(image('a')));
});

t.test('who asks while it is looked for waits for the same', async (t) => {
  const { disk, room } = setUp(t, 4096);
  await Promise.all([room.keep(), room.keep()]);
  t.equal(disk.looks, 1);
  await room.keep();
  t.equal(disk.looks, 2);
});

t.test('a write that finds the disk full has the room of the reserve, once', async (t) => {
  const folder = t.testdir();
  const reserve = new DiskReserve(folder, mib);
  const file = join(folder, 'reserve');
  await reserve.make();
  const answers: (() => string)[] = [];
  const write = async () => (answers.shift() ?? (() => 'written'))();
  const isFull = () => {
    t.equal(existsSync(file), answers.length > 0);
    throw full;
  };
  t.equal(await reserve.around(write), 'written');
  t.ok(existsSync(file), 'nobody needed it');
  answers.push(isFull, () => 'written then');
  t.equal(await reserve.around(write), 'written then');
  t.notOk(existsSync(file));
  await reserve.make();
  answers.push(isFull, isFull);
  await t.rejects(reserve.around(write), full, 'a disk that is fuller than that is full');
  answers.push(() => {
    throw new Error('it is read-only');
  });
  await reserve.make();
  await t.rejects(reserve.around(write), { message: 'it is read-only' });
  t.ok(existsSync(file));
});
