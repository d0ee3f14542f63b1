/**
 * How much memory V8 takes beyond what the scheduler holds. By itself it lets a large heap grow by a third or more before
 * it looks for what is not needed any more: with a million VMs that is half a gigabyte of nothing. And what
 * `deploy/bin/secovia-scheduler` asks for on behalf of the event loop's thread, whose calls outlive a small nursery, each
 * of the other threads would get as well.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Megabytes of each half of a nursery, of threads that are not there yet. */
const nurseryOfThreads = { least: 1, most: 8 };
/** Below it V8's own way costs little. */
const largeBytes = 512 * 2 ** 20;
/** A heap that is large grows by so much, in percent. */
const growth = 10;

/** To be called before there are other threads. */
export function keepThreadsSmall(): void {
  setFlagsFromString(`--min-semi-space-size=${nurseryOfThreads.least}`);
  setFlagsFromString(`--max-semi-space-size=${nurseryOfThreads.most}`);
}

/** To be called when the state is there: while it is read all of it stays, and to look often would be in vain. */
export function keepGrowthSmall(): void {
  if (getHeapStatistics().used_heap_size > largeBytes) setFlagsFromString(`--heap-growing-percent=${growth}`);
}
