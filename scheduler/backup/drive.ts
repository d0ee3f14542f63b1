/** Runs what is long in pieces, so that a signal between two of them is heard, and ends it in good order. */
import { setImmediate as turn } from 'node:timers/promises';
import { BackupError } from './backup-error.js';

/** A signal has come; the exit status is the shell's for it. */
export class Interrupted extends BackupError {
  constructor(readonly exitStatus: number) {
    super('interrupted; everything is as it was before');
  }
}

const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Takes no notice of signals: for what must not be left half done, or is said to be done. */
export function toTheEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Hears signals from now on. */
export function interruptible(): <T>(steps: Generator<void, T>) => Promise<T> {
  let status: number | null = null;
  for (const [signal, exitStatus] of Object.entries(statuses)) {
    process.on(signal, () => {
      status = exitStatus;
    });
  }
  return async (steps) => {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      await turn();
      if (status !== null) steps.throw(new Interrupted(status));
    }
  };
}
