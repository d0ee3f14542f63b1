/**
 * Answers for those who follow the journal as it grows: one thread for all of them, there as long as somebody asks again
 * and again, since a thread of its own for each few new decisions would cost more than reading them does.
 */
import { Worker } from 'node:worker_threads';
import type { AuditTold, EventsQuestion } from '../core/audit/questions.js';
import { type Refusal, refuse } from '../core/refusal.js';

/** A thread that nobody asked for so long ends. */
const idleMs = 30_000;

export type EventsTold = Extract<AuditTold, { events: unknown }>;

/** As it goes to the thread and comes back. */
export interface AskedEvents {
  id: number;
  question: EventsQuestion;
}
export type ToldEvents = { id: number } & ({ told: EventsTold | Refusal } | { error: string });

const stopping = refuse('unavailable', 'STOPPING', 'the scheduler is stopping; go on when it is back');

interface Waiting {
  resolve(told: EventsTold | Refusal): void;
  reject(error: Error): void;
}

export class EventReader {
  readonly #file: string;
  readonly #module: URL;
  #thread: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  /** `file` is the store's, `module` what the thread runs. */
  constructor(file: string, module: URL) {
    this.#file = file;
    this.#module = module;
  }

  /**
   * One answer: what there is, up to a page. Whoever waits has one question at a time. A refusal when it is closed.
   *
   * @throws Error when the journal cannot be read.
   */
  ask(question: EventsQuestion): Promise<EventsTold | Refusal> {
    if (this.#closed) return Promise.resolve(stopping);
    clearTimeout(this.#idle);
    this.#thread ??= this.#start();
    this.#asked += 1;
    const asked: AskedEvents = { id: this.#asked, question };
    this.#thread.postMessage(asked);
    return new Promise((resolve, reject) => {
      this.#waiting.set(asked.id, { resolve, reject });
    });
  }

  /** Ends what is under way. */
  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#waiting.values()) resolve(stopping);
    this.#waiting.clear();
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#idle);
    void this.#thread?.terminate();
    this.#thread = null;
  }

  #start(): Worker {
    const thread = new Worker(this.#module, { workerData: { file: this.#file } });
    thread.on('message', (message: ToldEvents) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if ('told' in message) waiting?.resolve(message.told);
      else waiting?.reject(new Error(message.error));
      if (this.#waiting.size > 0 || this.#closed) return;
      this.#idle = setTimeout(() => this.#end(), idleMs);
      this.#idle.unref();
    });
    const over = (error: Error) => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    thread.on('error', over);
    thread.on('exit', () => over(new Error('the thread that reads events has ended')));
    return thread;
  }
}
