/**
 * The thread that reads the entities at a start, while the other one makes sense of them: to step through a million rows and
 * to check their sums takes as long as to read the texts in them. Texts go over through memory that both share, in a few
 * parts that are filled in turn: as messages they would be copied twice, and their memory taken and given back each time.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type EntityKind, entityKinds } from '../../core/touched.js';
import { readEntities } from './entity-rows.js';

export interface EntityThreadData {
  file: string;
  parts: SharedArrayBuffer[];
  /** How many pieces the other side is done with: an Int32. */
  done: SharedArrayBuffer;
}

/** Texts of one kind, one after the other, in UTF-8. */
export interface EntityPiece {
  /** An index of `entityKinds`. */
  kind: number;
  /** Which part they are in; one that is larger than a part comes along. */
  part: number | Uint8Array;
  ends: Uint32Array;
}

export type FromEntityThread = EntityPiece | { broken: string } | { failed: string } | { read: true };

const port = parentPort;
if (port === null) throw new Error('entities are read on a worker thread');
const { file, parts, done } = workerData as EntityThreadData;
const doneCount = new Int32Array(done);
const buffers = parts.map((part) => Buffer.from(part));

let kind: EntityKind | null = null;
let ends: number[] = [];
let length = 0;
let sent = 0;

/** The rest of it is looked at by nobody. */
class Broken extends Error {}

try {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  db.exec('BEGIN');
  readEntities(db, add, (what) => {
    throw new Broken(what);
  });
  send();
  db.close();
  tell({ read: true });
} catch (error) {
  const { message } = error as Error;
  // What is wrong with the file SQLite says in its own words.
  if (error instanceof Broken || error instanceof Database.SqliteError) tell({ broken: message });
  else tell({ failed: message });
}

function add(next: EntityKind, body: string): void {
  // A UTF-16 unit has three bytes at most.
  const most = body.length * 3;
  if (next !== kind || length + most > bufferNow().length) send();
  kind = next;
  if (most > bufferNow().length) {
    const bytes = Buffer.from(body);
    tell({ kind: entityKinds.indexOf(kind), part: bytes, ends: Uint32Array.of(bytes.length) });
    sent += 1;
    return;
  }
  if (ends.length === 0) untilFree();
  length += bufferNow().write(body, length, 'utf8');
  ends.push(length);
}

function bufferNow(): Buffer {
  return buffers[sent % buffers.length] as Buffer;
}

/** The part may still have what was sent a round before. */
function untilFree(): void {
  for (;;) {
    const at = Atomics.load(doneCount, 0);
    if (sent - at < buffers.length) return;
    Atomics.wait(doneCount, 0, at);
  }
}

function send(): void {
  if (kind === null || ends.length === 0) return;
  tell({ kind: entityKinds.indexOf(kind), part: sent % buffers.length, ends: Uint32Array.from(ends) });
  sent += 1;
  ends = [];
  length = 0;
}

function tell(message: FromEntityThread): void {
  port?.postMessage(message);
}
