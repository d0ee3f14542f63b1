import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { Ledger, type LedgerContent } from '../../agent/converge/ledger.js';
import { LedgerWriter } from '../../agent/state/ledger-writer.js';
import { FolderInUse, lockFolder } from '../../agent/state/lock.js';
import { StateFile, StateFileError } from '../../agent/state/state-file.js';
import { uidOf, wanted } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-state-'));
t.teardown(() => rmSync(folder, { recursive: true }));
let serial = 0;
const freshFolder = (): string => join(folder, String(++serial));
const pathOf = (dataDir: string): string => join(dataDir, 'agent-state.json');

function someContent(): LedgerContent {
  const ledger = new Ledger('boot');
  ledger.raiseEpoch({ incarnation: 1, counter: 7, instance: 'abc' });
  ledger.keepCheckpoint({ incarnation: 1, sequence: 42, hashHex: 'ff', signatureBase64: 'AA==' });
  for (let number = 1; number <= 3; number++) ledger.accept(wanted({ uid: uidOf(number) }));
  ledger.advance(uidOf(2), { phase: 'refused', error: { code: 9, message: 'no "way" ć\n' } });
  ledger.accept(wanted({ uid: uidOf(3), role: 'deleted', generation: 2, size: null, image: null }));
  ledger.advance(uidOf(3), { phase: 'gone', goneWallMs: 5 });
  return ledger.content();
}

t.test('what is saved is loaded', async (t) => {
  const dataDir = freshFolder();
  const file = new StateFile(dataDir);
  t.equal(await file.load(false), null, 'nothing yet');
  const content = someContent();
  await file.save(content);
  t.same(await file.load(false), content);
  t.same(new Ledger('boot', content).content(), content);
});

t.test('a state of an agent that knew nothing of restarts elsewhere is read', async (t) => {
  const dataDir = freshFolder();
  mkdirSync(dataDir);
  const file = new StateFile(dataDir);
  const content = someContent();
  const later = new Set([
    ...['restartsElsewhere', 'diskExists', 'confirmedBootId', 'peerUri', 'handover'],
    ...['rebuildable', 'hadDisk'],
  ]);
  const asItWas = JSON.parse(JSON.stringify(content, (key, value) => (later.has(key) ? undefined : value)));
  await file.save(asItWas as LedgerContent);
  t.notMatch(readFileSync(pathOf(dataDir), 'utf8'), /confirmedBootId/);
  t.same(await file.load(false), content);
});

t.test('every damage to the file is noticed', async (t) => {
  const dataDir = freshFolder();
  const file = new StateFile(dataDir);
  await file.load(false);
  await file.save(someContent());
  const bytes = readFileSync(pathOf(dataDir));
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      writeFileSync(pathOf(dataDir), damaged);
      await t.rejects(file.load(false), StateFileError);
      checked++;
    }),
    { numRuns: 200 },
  );
  for (let length = 0; length < bytes.length; length += 97) {
    writeFileSync(pathOf(dataDir), bytes.subarray(0, length));
    await t.rejects(file.load(false), StateFileError, `torn after ${length} bytes`);
  }
  t.ok(checked >= 200);
  writeFileSync(pathOf(dataDir), bytes);
  t.same(await file.load(false), someContent());
});

t.test('a half-written new file beside it does no harm', async (t) => {
  const dataDir = freshFolder();
  const file = new StateFile(dataDir);
  await file.load(false);
  await file.save(someContent());
  writeFileSync(`${pathOf(dataDir)}.new`, 'torn');
  t.same(await file.load(false), someContent());
  await file.save({ ...someContent(), permits: [] });
  t.same((await file.load(false))?.permits, []);
});

t.test('a state of a later format is left to the agent that wrote it', async (t) => {
  const dataDir = freshFolder();
  const file = new StateFile(dataDir);
  await file.load(false);
  writeFileSync(pathOf(dataDir), '{"format":"secovia-agent-state","version":2,"checksum":"x"}\n{}\n');
  await t.rejects(file.load(false), /another version/);
});

t.test('a lost state is not taken for a new host while disks of VMs are there', async (t) => {
  const dataDir = freshFolder();
  const file = new StateFile(dataDir);
  mkdirSync(join(dataDir, 'volumes'), { recursive: true });
  t.equal(await file.load(false), null, 'no disks: a new host');
  writeFileSync(join(dataDir, 'volumes', `${uidOf(1)}.qcow2`), '');
  await t.rejects(file.load(false), /is missing, but .* --begin-anew/);
  t.equal(await file.load(true), null);
});

t.test('many that wait share a write, and each gets at least its own version', async (t) => {
  const ledger = new Ledger('boot');
  let saved: LedgerContent | null = null;
  let running = 0;
  const writer = new LedgerWriter(ledger, async (content) => {
    running++;
    t.equal(running, 1, 'one write at a time');
    await new Promise((resolve) => setImmediate(resolve));
    saved = structuredClone(content);
    running--;
  });
  const waits: Promise<void>[] = [];
  for (let number = 1; number <= 100; number++) {
    const uid = uidOf(number);
    ledger.accept(wanted({ uid }));
    const version = ledger.essentialVersion;
    waits.push(
      writer.persist(version).then(() => {
        if (!saved?.permits.some((permit) => permit.uid === uid)) t.fail(`${uid} is not on disk`);
      }),
    );
    if (number % 25 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(waits);
  t.ok(writer.writes <= 10, `${writer.writes} writes for 100 VMs`);
  t.equal(writer.behind, false);
  const { writes } = writer;
  await writer.persist(ledger.version);
  t.equal(writer.writes, writes, 'nothing new, nothing written');
});

t.test('a write that fails is told to those who waited, and the next one works', async (t) => {
  const ledger = new Ledger('boot');
  let broken = true;
  const writer = new LedgerWriter(ledger, async () => {
    if (broken) throw new Error('disk full');
  });
  ledger.accept(wanted());
  await t.rejects(writer.persist(ledger.version), /disk full/);
  broken = false;
  await writer.persist(ledger.version);
  t.equal(writer.behind, false);
});

t.test('a checkpoint alone is not worth a write, and goes with the next one', async (t) => {
  const ledger = new Ledger('boot');
  ledger.accept(wanted());
  const { essentialVersion } = ledger;
  ledger.keepCheckpoint({ incarnation: 1, sequence: 1, hashHex: '00', signatureBase64: '' });
  t.equal(ledger.essentialVersion, essentialVersion);
  t.ok(ledger.version > essentialVersion);
});

t.test('a folder is locked for one process, and also within it', async (t) => {
  const dataDir = freshFolder();
  const lock = lockFolder(dataDir);
  t.throws(() => lockFolder(dataDir), FolderInUse);
  lock.release();
  lockFolder(dataDir).release();
});
