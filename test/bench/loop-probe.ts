/**
 * Loaded into a process before its program (`--import`), it tells its parent for how long the event loop was held: five times
 * a second the longest time since it told last, to a millisecond, and the longest pause of the garbage collector. What the
 * program's own metrics say is ten times as coarse.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** What happened since it told last. */
export interface LoopHold {
  /** When it was told, in milliseconds since 1970. */
  atMs: number;
  longestMs: number;
  /** Of the garbage collector. */
  longestPauseMs: number;
  /** For how long the loop's thread had work and no processor: on a busy machine a hold may be nothing else. */
  waitedMs: number;
  /** Of V8, at that moment. */
  heapBytes: number;
  /** Beside V8's heap, in typed arrays and buffers. */
  externalBytes: number;
}

const tellEveryMs = 200;
const resolutionMs = 1;

// Threads of the program load this as well.
if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let longestPauseMs = 0;
  let waitedBefore = waited();
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestPauseMs = Math.max(longestPauseMs, duration);
  }).observe({ entryTypes: ['gc'] });
  const telling = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    const hold: LoopHold = {
      ...{ atMs: Date.now(), longestMs: delay.max / 1e6, longestPauseMs },
      waitedMs: waited() - waitedBefore,
      ...{ heapBytes: heapUsed, externalBytes: external },
    };
    delay.reset();
    waitedBefore += hold.waitedMs;
    longestPauseMs = 0;
    process.send?.(hold, () => {});
  }, tellEveryMs);
  telling.unref();
  process.channel?.unref();
}

/** Milliseconds that the main thread has waited for a processor since it began. */
function waited(): number {
  const [, nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}
