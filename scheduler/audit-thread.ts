/**
 * The thread that answers one question from the record of decisions, and then ends. It opens the store's file for reading,
 * and hands on pieces only as fast as they are taken. A question is taken back by ending the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { answerAudit } from './audit/answer.js';
import type { AuditQuestion } from './core/audit/questions.js';
import { untilArchived } from './store/archived-pieces.js';
import { SqliteChain } from './store/sqlite/sqlite-chain.js';

const port = parentPort;
if (port === null) throw new Error('the audit runs as a worker thread');
const { file, question } = workerData as { file: string; question: AuditQuestion };
const chain = new SqliteChain(file);
const pieces = untilArchived(answerAudit(question, chain));

function goOn(to: NonNullable<typeof port>): void {
  const next = pieces.next();
  if (!next.done) {
    to.postMessage(next.value);
    return;
  }
  chain.close();
  to.close();
}

port.on('message', () => goOn(port));
goOn(port);
