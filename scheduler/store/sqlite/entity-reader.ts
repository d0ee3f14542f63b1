/** The other end of the thread that reads the entities at a start (`entity-thread.ts`). */
import { Worker } from 'node:worker_threads';
import { type EntityKind, entityKinds } from '../../core/touched.js';
import type { EntityPiece, EntityThreadData, FromEntityThread } from './entity-thread.js';

const partBytes = 1 << 20;
const partCount = 4;

/**
 * Hands out each body of a store's entities, in the order in which `readEntities` does. Nobody may write meanwhile.
 *
 * @throws whatever `onEntity` throws, or `onBroken` with what is broken in the file.
 */
export async function readEntitiesOnThread(
  file: string,
  onEntity: (kind: EntityKind, body: string) => void,
  onBroken: (what: string) => never,
): Promise<void> {
  const parts = Array.from({ length: partCount }, () => new SharedArrayBuffer(partBytes));
  const buffers = parts.map((part) => Buffer.from(part));
  const done = new SharedArrayBuffer(4);
  const doneCount = new Int32Array(done);
  const workerData: EntityThreadData = { file, parts, done };
  const thread = new Worker(new URL('./entity-thread.js', import.meta.url), { workerData });
  const handOut = ({ kind, part, ends }: EntityPiece) => {
    const bytes = typeof part === 'number' ? (buffers[part] as Buffer) : Buffer.from(part);
    let begin = 0;
    for (const end of ends) {
      onEntity(entityKinds[kind] as EntityKind, bytes.toString('utf8', begin, end));
      begin = end;
    }
    Atomics.add(doneCount, 0, 1);
    Atomics.notify(doneCount, 0);
  };
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('error', reject);
      thread.on('exit', () => reject(new Error('the thread that reads the entities has ended')));
      thread.on('message', (message: FromEntityThread) => {
        try {
          if ('read' in message) resolve();
          else if ('broken' in message) onBroken(message.broken);
          else if ('failed' in message) reject(new Error(message.failed));
          else handOut(message);
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    thread.removeAllListeners();
    await thread.terminate();
  }
}
