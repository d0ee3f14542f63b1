/**
 * The thread that writes. Commits wait for the disk; here they make nobody else wait. One message in is one batch,
 * one message out is its receipt, or the error after which nothing more is written.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { commitmentsOf, rowHash, saltBytes } from './chain.js';
import { EntityTables } from './entity-tables.js';
import { foldAlong } from './fold.js';
import { forgottenBefore } from './kept-requests.js';
import { Meta } from './meta.js';
import { checkpointSum, keptSum } from './sums.js';
import { isKeptByRow, type SignedCheckpoint } from '../store.js';
import { type WireBatch, WireReceiver } from './wire.js';

/** Entities are saved when nothing was committed for so long, or when there are many; after some time in any case. */
const quietMs = 1000;
const mostQuietsBehind = 10;

const port = parentPort;
if (port === null) throw new Error('the writer runs as a worker thread');
const { file, head } = workerData as { file: string; head: { sequence: number; hash: Uint8Array } };

const db = new Database(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
foldAlong(db);
// Without this every connection would wait for the other; ours are one writer and one reader.
db.pragma('busy_timeout = 5000');

const meta = new Meta(db);
// Texts come as bytes, and stay texts in the file.
const addJournal = db.prepare(
  'INSERT INTO journal (first, last, at_ms, body, hash, salts) VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?)',
);
const addCheckpoint = db.prepare('INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?)');
const addRequests = db.prepare('INSERT INTO request VALUES (?, ?, CAST(? AS TEXT), ?, ?, ?)');
// A row's answers are all forgotten when a later row begins at or before the mark; found by the key alone.
const forgetRequests = db.prepare(
  'DELETE FROM request WHERE first < (SELECT max(first) FROM request WHERE first <= ?)',
);

const journalEnd = db.prepare<[], number | null>('SELECT max(last) FROM journal').pluck();

const entities = new EntityTables(db);
const { ino } = statSync(file);
const received = new WireReceiver();
let { sequence } = head;
let hash = Buffer.from(head.hash);
let broken = false;
let quiet = true;
let quietsBehind = 0;

const commit = db.transaction((batch: WireBatch): Buffer => {
  const known = meta.get('epoch');
  const ours = JSON.stringify(batch.epoch);
  if (known === undefined || isBefore(JSON.parse(known), batch.epoch)) meta.set('epoch', ours);
  else if (known !== ours) {
    throw new Error(`another scheduler leads: the store knows epoch ${known}, this one has ${ours}`);
  }
  if (batch.first !== sequence + 1) {
    throw new Error(`the journal ends at ${sequence}, and a batch begins at ${batch.first}`);
  }
  // The lock keeps others away, unless somebody takes its file away, or it is on a file system that has none.
  const end = journalEnd.get() ?? sequence;
  if (end !== sequence)
    throw new Error(`another scheduler has written to the journal, which ends at ${end} now`);
  received.begin(batch);
  const journal = received.next();
  const { first, last, atMs } = batch;
  const salts = randomBytes((last - first + 1) * saltBytes);
  const next = rowHash(hash, first, last, atMs, commitmentsOf(journal, salts));
  addJournal.run(first, last, atMs, journal, next, salts);
  noteEntities(batch);
  if (batch.forgetRequestsBefore > 0) {
    // A row goes when all its answers are forgotten; the mark says which of a row's are, until then.
    forgetRequests.run(batch.forgetRequestsBefore);
    meta.set(forgottenBefore, String(batch.forgetRequestsBefore));
  }
  for (const { first, last } of batch.kept) {
    const [entries, replies] = [received.next(), received.next()];
    addRequests.run(
      first,
      last,
      entries,
      replies,
      keptSum(first, last, entries),
      keptSum(first, last, replies),
    );
  }
  return next;
});

/** If the commit fails after this nothing is saved any more. */
function noteEntities(batch: WireBatch): void {
  let keys = 0;
  for (let index = 0; index < batch.puts; index += 1) {
    const { kind, row, body } = received.nextPut();
    const key = isKeptByRow(kind) ? '' : (batch.keys[keys++] as string);
    entities.put(kind, key, row, body);
  }
  for (const removed of batch.deletes) entities.remove(removed);
}

function isBefore(
  known: { incarnation: number; counter: number },
  ours: { incarnation: number; counter: number },
): boolean {
  return (
    known.incarnation < ours.incarnation ||
    (known.incarnation === ours.incarnation && known.counter < ours.counter)
  );
}

/** Does what may fail; then nothing more is written, and the other side hears why. */
function attempt(work: () => void): void {
  if (broken) return;
  try {
    work();
  } catch (error) {
    broken = true;
    port?.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
}

function save(): void {
  quietsBehind = 0;
  attempt(() => entities.save(sequence));
}

/** What goes into a file that has no name any more is lost with this process. */
function requireFile(): void {
  const { ino: now } = statSync(file);
  if (now !== ino) throw new Error('another file has been put into its place');
}

const saving = setInterval(() => {
  attempt(requireFile);
  if (entities.behind) quietsBehind += 1;
  if (entities.behind && (quiet || quietsBehind === mostQuietsBehind)) save();
  quiet = true;
}, quietMs);

port.on('message', (message: WireBatch | { checkpoint: SignedCheckpoint } | 'close') => {
  if (message === 'close') {
    clearInterval(saving);
    if (entities.behind) save();
    db.close();
    port.postMessage({ closed: true });
    port.close();
    return;
  }
  if ('checkpoint' in message) {
    const { sequence, incarnation, atMs, hash, signature } = message.checkpoint;
    attempt(() => {
      const sum = checkpointSum(sequence, incarnation, atMs, hash, signature);
      addCheckpoint.run(sequence, incarnation, atMs, hash, signature, sum);
    });
    return;
  }
  quiet = false;
  if (broken) port.postMessage({ error: 'an earlier commit failed' });
  attempt(() => {
    hash = Buffer.from(commit.immediate(message));
    sequence = message.last;
    port.postMessage({ sequence, hash });
  });
  if (entities.farBehind) save();
});
port.postMessage({ ready: true });
