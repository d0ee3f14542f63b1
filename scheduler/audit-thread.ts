/**
 * The thread that answers one question from the record of decisions, and then ends. It opens the store's file for reading,
 * and hands on pieces only as fast as they are taken. A question is taken back by ending the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { answerAudit } from './audit/answer.js';
import type { AuditPiece, AuditQuestion } from './core/audit/questions.js';
import { SqliteChain } from './store/sqlite/sqlite-chain.js';
import { JournalArchived } from './store/store.js';

const port = parentPort;
if (port === null) throw new Error('the audit runs as a worker thread');
const { file, question } = workerData as { file: string; question: AuditQuestion };
const chain = new SqliteChain(file);
const pieces = answerAudit(question, chain);

function next(): IteratorResult<AuditPiece> {
  try {
    return pieces.next();
  } catch (error) {
    if (error instanceof JournalArchived) return { done: false, value: { refusal: error.refusal } };
    throw error;
  }
}

function goOn(to: NonNullable<typeof port>): void {
  const piece = next();
  if (!piece.done) {
    to.postMessage(piece.value);
    return;
  }
  chain.close();
  to.close();
}

port.on('message', () => goOn(port));
goOn(port);
