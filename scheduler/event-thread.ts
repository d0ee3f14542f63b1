/** The thread that answers those who follow the journal, one question after the other, until it is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import type { AskedEvents, ToldEvents } from './audit/event-reader.js';
import { events } from './audit/events.js';
import { SqliteChain } from './store/sqlite/sqlite-chain.js';
import { JournalArchived } from './store/store.js';

const port = parentPort;
if (port === null) throw new Error('events are read on a worker thread');
const chain = new SqliteChain((workerData as { file: string }).file);

port.on('message', ({ id, question }: AskedEvents) => {
  const answer = (): ToldEvents => {
    try {
      for (const piece of events(question, chain)) if ('events' in piece) return { id, told: piece };
      return { id, told: { events: [], next: null } };
    } catch (error) {
      if (error instanceof JournalArchived) return { id, told: error.refusal };
      return { id, error: (error as Error).message };
    }
  };
  port.postMessage(answer());
});
