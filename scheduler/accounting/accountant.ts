/**
 * Has questions about use answered on threads of their own, so that nobody else waits: a few at once, some more wait for
 * their turn, and the rest are asked to come back. Whoever asks has one answered at a time, and takes part of the places to wait.
 */
import { Worker } from 'node:worker_threads';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Question, Told } from '../core/accounting/questions.js';

export interface ThreadData<Q = Question> {
  file: string;
  question: Q;
}

/** Each piece but progress has to be taken before the next comes. */
export type ThreadMessage<T = Told> = T | { refusal: Refusal };

export const answeredAtOnce = 2;
export const mayWait = 8;
/** Of one asker. */
export const mayWaitOfOne = 2;
/** A thread that needs more memory for its report ends, and the scheduler does not. */
const memoryMib = 4096;
/** Most of what is read is forgotten at once: with room for it, little has to be carried along. */
const youngMemoryMib = 64;

const busy: Refusal = {
  ...refuse(
    'exhausted',
    'ACCOUNTING_BUSY',
    `${answeredAtOnce} reports are being worked out and ${mayWait} wait already; try again in a moment`,
  ),
  retryDelayMs: 5000,
};

const busyWithYours: Refusal = {
  ...refuse(
    'exhausted',
    'ACCOUNTING_BUSY',
    `a report of yours is being worked out and ${mayWaitOfOne} wait already; try again when one is done`,
  ),
  retryDelayMs: 5000,
};

const tooLarge = refuse(
  'exhausted',
  'REPORT_TOO_LARGE',
  'the report does not fit into memory; ask for a shorter time, or for one administration',
);

const stopping = refuse('unavailable', 'STOPPING', 'the scheduler is stopping; ask again when it is back');

/** Of use unless it is told otherwise: whatever is answered from the journal is answered alike. */
export class Accountant<Q = Question, T extends object = Told> {
  readonly #file: string;
  readonly #thread: URL;
  readonly #ending = new AbortController();
  /** By asker, how many of theirs are being answered. */
  readonly #running = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Set<{ asker: string; go(): void }>();

  /** `file` is the store's, `thread` the module that a thread runs. */
  constructor(file: string, thread: URL) {
    this.#file = file;
    this.#thread = thread;
  }

  /**
   * Hands over the pieces of the answer, each when `take` has done with the one before. `asker` is whose question it is; empty for
   * one who is not told apart from others, and has no share.
   *
   * @returns a refusal, or null when all was handed over or nobody wants it any more.
   * @throws Error when the journal cannot be read, or does not fit together.
   */
  async ask(
    question: Q,
    take: (piece: T) => Promise<void>,
    unwanted: AbortSignal,
    asker = '',
  ): Promise<Refusal | null> {
    const over = AbortSignal.any([unwanted, this.#ending.signal]);
    if (this.#mayRun(asker)) this.#begin(asker);
    else {
      if (this.#waiting.size >= mayWait) return busy;
      const theirs = [...this.#waiting].filter((one) => one.asker === asker).length;
      if (asker !== '' && theirs >= mayWaitOfOne) return busyWithYours;
      await this.#turn(asker, over);
    }
    try {
      const refusal = over.aborted ? null : await this.#answer(question, take, over);
      return this.#ending.signal.aborted ? stopping : refusal;
    } finally {
      this.#leave(asker);
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.#ending.abort();
  }

  get #runningInAll(): number {
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0);
  }

  #mayRun(asker: string): boolean {
    return this.#runningInAll < answeredAtOnce && (asker === '' || !this.#running.has(asker));
  }

  #begin(asker: string): void {
    this.#running.set(asker, (this.#running.get(asker) ?? 0) + 1);
  }

  /** Resolves when another has left its place to this one, or when this one is over and takes one more for a moment. */
  #turn(asker: string, over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(waiting);
        over.removeEventListener('abort', go);
        this.#begin(asker);
        resolve();
      };
      const waiting = { asker, go };
      this.#waiting.add(waiting);
      over.addEventListener('abort', go);
      if (over.aborted) go();
    });
  }

  #leave(asker: string): void {
    const left = (this.#running.get(asker) ?? 1) - 1;
    if (left === 0) this.#running.delete(asker);
    else this.#running.set(asker, left);
    for (const waiting of this.#waiting) if (this.#mayRun(waiting.asker)) waiting.go();
  }

  #answer(question: Q, take: (piece: T) => Promise<void>, over: AbortSignal): Promise<Refusal | null> {
    const workerData: ThreadData<Q> = { file: this.#file, question };
    const thread = new Worker(this.#thread, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: memoryMib, maxYoungGenerationSizeMb: youngMemoryMib },
    });
    return new Promise<Refusal | null>((resolve, reject) => {
      let refusal: Refusal | null = null;
      const end = () => void thread.terminate();
      over.addEventListener('abort', end, { once: true });
      thread.on('message', (message: ThreadMessage<T>) => {
        if (over.aborted) return;
        const goOn = () => thread.postMessage('taken');
        if ('refusal' in message) {
          refusal = message.refusal;
          goOn();
        } else if ('progress' in message) take(message).catch(reject);
        else take(message).then(goOn, reject);
      });
      thread.on('error', (error: Error & { code?: string }) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') refusal = tooLarge;
        else reject(error);
      });
      thread.on('exit', () => {
        over.removeEventListener('abort', end);
        resolve(refusal);
      });
      if (over.aborted) end();
    });
  }
}
