/**
 * A stream lasts, and who reads it may be disabled, revoked or moved meanwhile, or may have proved who it is for a time that
 * ends. Then the stream ends too, with the refusal that a new call would get.
 */
import type { Caller } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import type { Gate } from './admission.js';

/** What a timer can wait for. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls back once, when the caller of a call would not be let in any more. Returns the function that ends the watch. */
export function whileAllowed(
  { engine, authorize }: Pick<Gate, 'authorize'> & { engine: Engine },
  method: string,
  message: object,
  caller: Caller,
  refused: (refusal: Refusal) => void,
): () => void {
  if (caller.subject.kind === 'insecure') return () => {};
  const { certificateEndMs } = caller;
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    const hasEnded = certificateEndMs > 0 && engine.now() >= certificateEndMs;
    const refusal = authorize(method, message, caller) ?? (hasEnded ? ended : null);
    if (refusal === null) return;
    stop();
    refused(refusal);
  };
  const wait = () => {
    const leftMs = certificateEndMs - engine.now();
    timer = setTimeout(
      () => {
        check();
        if (timer !== undefined) wait();
      },
      Math.min(Math.max(leftMs, 1), longestTimerMs),
    );
    timer.unref();
  };
  const forget = engine.onCommitted(({ touched: { written, removed } }) => {
    const changed =
      written.identity.size +
      removed.identity.size +
      written.administration.size +
      removed.administration.size;
    if (changed > 0) check();
  });
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    forget();
  };
  if (certificateEndMs > 0) wait();
  return stop;
}

/**
 * For a stream that is written to for long: aborts when nobody reads it any more, or when its caller would not be let in any
 * more, of which `refused` is told.
 */
export function whileRead(
  context: Pick<Gate, 'authorize'> & { engine: Engine },
  method: string,
  call: Pick<NodeJS.EventEmitter, 'on'>,
  message: object,
  caller: Caller,
  refused: (refusal: Refusal) => void,
): AbortSignal {
  const gone = new AbortController();
  const forget = whileAllowed(context, method, message, caller, (refusal) => {
    // At once: the status may wait for the disk.
    gone.abort();
    refused(refusal);
  });
  const over = () => {
    forget();
    gone.abort();
  };
  for (const event of ['cancelled', 'close', 'error', 'finish']) call.on(event, over);
  return gone.signal;
}

const ended = refuse(
  'unauthenticated',
  'CERTIFICATE_EXPIRED',
  'what proved who you are has expired; begin again with what is good now',
);
