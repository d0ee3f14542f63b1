/**
 * The thread that works out one answer from the journal, and then ends. It opens the store's file for reading, and hands
 * on pieces of the result only as fast as they are taken. A question is taken back by ending the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData, ThreadMessage } from './accounting/accountant.js';
import { answer } from './accounting/answer.js';
import { untilArchived } from './store/archived-pieces.js';
import { SqliteJournal } from './store/sqlite/sqlite-journal.js';

/** Progress is told at most so often. */
const progressEveryMs = 200;

const port = parentPort;
if (port === null) throw new Error('accounting runs as a worker thread');
const { file, question } = workerData as ThreadData;
const journal = new SqliteJournal(file);
const pieces = untilArchived(answer(question, journal));
let toldMs = Number.NEGATIVE_INFINITY;

/** Goes on until something has to be taken first. */
function goOn(to: NonNullable<typeof port>): void {
  for (let next = pieces.next(); !next.done; next = pieces.next()) {
    const piece = next.value;
    if ('progress' in piece) {
      const { read, total } = piece.progress;
      const nowMs = performance.now();
      if (read !== total && nowMs - toldMs < progressEveryMs) continue;
      toldMs = nowMs;
    }
    to.postMessage(piece satisfies ThreadMessage);
    if (!('progress' in piece)) return;
  }
  journal.close();
  to.close();
}

port.on('message', () => goOn(port));
goOn(port);
