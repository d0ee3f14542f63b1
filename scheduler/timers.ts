/**
 * Work for later. The process has its event loop for that; a simulator hands in a clock of its own, so that whatever
 * waits in the scheduler waits in simulated time.
 */
export interface Timers {
  /** When what is under way in this turn of the event loop has come to its end, and before anything else. */
  soon(work: () => void): void;
  /** At the end of this turn of the event loop. */
  turn(work: () => void): void;
  /** Once, so many milliseconds from now; what it returns calls it off. Alone it keeps no process alive. */
  after(ms: number, work: () => void): () => void;
  /** Again and again; what it returns ends it. Alone it keeps no process alive. */
  every(ms: number, work: () => void): () => void;
}

export const processTimers: Timers = {
  soon: queueMicrotask,
  turn: (work) => void setImmediate(work),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
