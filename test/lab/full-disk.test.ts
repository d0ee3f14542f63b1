/**
 * The agent's disk is full to the last byte, as a file system says that and not a test: the state file is written all the same, and
 * what then goes makes room again.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile, mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import t from 'tap';
import type { LedgerContent } from '../../agent/converge/ledger.js';
import { DiskRoom } from '../../agent/room/disk-room.js';
import { DiskReserve } from '../../agent/room/reserve.js';
import { StateFile } from '../../agent/state/state-file.js';

const execute = promisify(execFile);
const mib = 1024 * 1024;
const place = mkdtempSync(join(tmpdir(), 'secovia-full-'));
const dataDir = join(place, 'mounted');

t.before(async () => {
  await mkdir(dataDir);
  const image = join(place, 'disk');
  await execute('truncate', ['--size=64M', image]);
  await execute('mkfs.ext4', ['-q', '-m', '0', image]);
  await execute('mount', ['-o', 'loop', image, dataDir]);
});
t.teardown(async () => {
  await execute('umount', [dataDir]);
  rmSync(place, { recursive: true });
});

const trashed = () => join(dataDir, 'trash', '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11.1-2.qcow2');

async function fill(): Promise<void> {
  for (const bytes of [mib, 4096]) {
    const more = () => appendFile(trashed(), Buffer.alloc(bytes, 1)).then(() => true);
    while (await more().catch(() => false));
  }
}

/** More of it than fits into what a file system still has when it says that it is full. */
const stateOf = (sequence: number): LedgerContent => ({
  epoch: { incarnation: 1, counter: sequence, instance: 'x'.repeat(2 * mib) },
  checkpoint: null,
  permits: [],
});

t.test('a full disk takes the state, and is emptied of what it can do without', async (t) => {
  const reserve = new DiskReserve(dataDir, 8 * mib);
  await mkdir(join(dataDir, 'trash'));
  await reserve.make();
  const file = new StateFile(dataDir);
  await file.save(stateOf(1));
  await fill();
  const { bavail, bsize } = await statfs(dataDir);
  t.ok(bavail * bsize < mib, `${bavail} blocks are free`);
  await t.rejects(file.save(stateOf(2)), { code: 'ENOSPC' });
  t.same(await file.load(false), stateOf(1), 'the old state is whole');

  await reserve.around(() => file.save(stateOf(2)));
  t.same(await file.load(false), stateOf(2));
  await fill();
  await t.rejects(
    reserve.around(() => file.save(stateOf(3))),
    { code: 'ENOSPC' },
  );
  await reserve.make();
  t.notOk(
    readdirSync(dataDir).some((name) => name.startsWith('reserve')),
    'there is no room for one, nor for half of it',
  );

  const log = pino({ level: 'silent' });
  const room = new DiskRoom({ dataDir, reserve, images: { remove: async () => false }, log });
  await room.keep();
  t.same(readdirSync(join(dataDir, 'trash')), []);
  await reserve.around(() => file.save(stateOf(3)));
  t.same(await file.load(false), stateOf(3));
  await reserve.make();
  t.equal(statSync(join(dataDir, 'reserve')).size, 8 * mib);
});
