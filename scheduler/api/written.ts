/** Writes to streams of which the reader may be slow. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Arrived } from './methods.js';

/** Writes, and waits while the reader is slow. */
export async function write(
  call: ServerWritableStream<Arrived<unknown>, object>,
  message: object,
  gone: AbortSignal,
): Promise<void> {
  if (gone.aborted || call.write(message)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      call.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    gone.addEventListener('abort', done);
  });
}
