/**
 * Answers for those who follow the journal as it grows: one thread for all of them, there as long as somebody asks again
 * and again, since a thread of its own for each few new decisions would cost more than reading them does. A question may read a
 * long part of the journal: those who ask take turns.
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
  question: EventsQuestion;
  resolve(told: EventsTold | Refusal): void;
  reject(error: Error): void;
}

export class EventReader {
  readonly #file: string;
  readonly #module: URL;
  #thread: Worker | null = null;
  /** By asker, who comes next first. */
  readonly #queues = new Map<string, Waiting[]>();
  /** What the thread is at. */
  #asked: { id: number; by: Waiting } | null = null;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  /** `file` is the store's, `module` what the thread runs. */
  constructor(file: string, module: URL) {
    this.#file = file;
    this.#module = module;
  }

  /**
   * One answer: what there is, up to a page. A refusal when it is closed.
   *
   * @throws Error when the journal cannot be read.
   */
  ask(question: EventsQuestion, asker: string): Promise<EventsTold | Refusal> {
    if (this.#closed) return Promise.resolve(stopping);
    clearTimeout(this.#idle);
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(asker) ?? [];
      queue.push({ question, resolve, reject });
      this.#queues.set(asker, queue);
      this.#next();
    });
  }

  /** Ends what is under way. */
  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#takeAll()) resolve(stopping);
    this.#end();
  }

  /** Gives the thread the next question, when it is done with the last one. */
  #next(): void {
    if (this.#asked !== null) return;
    const [first] = this.#queues;
    if (first === undefined) {
      this.#idle = setTimeout(() => this.#end(), idleMs);
      this.#idle.unref();
      return;
    }
    const [asker, queue] = first;
    const by = queue.shift() as Waiting;
    this.#queues.delete(asker);
    // Behind all others who wait.
    if (queue.length > 0) this.#queues.set(asker, queue);
    this.#lastId += 1;
    this.#asked = { id: this.#lastId, by };
    const asked: AskedEvents = { id: this.#lastId, question: by.question };
    this.#thread ??= this.#start();
    this.#thread.postMessage(asked);
  }

  #takeAll(): Waiting[] {
    const all = [...(this.#asked === null ? [] : [this.#asked.by]), ...[...this.#queues.values()].flat()];
    this.#asked = null;
    this.#queues.clear();
    return all;
  }

  #end(): void {
    clearTimeout(this.#idle);
    void this.#thread?.terminate();
    this.#thread = null;
  }

  #start(): Worker {
    const thread = new Worker(this.#module, { workerData: { file: this.#file } });
    thread.on('message', (message: ToldEvents) => {
      if (this.#closed || this.#asked?.id !== message.id) return;
      const { by } = this.#asked;
      this.#asked = null;
      if ('told' in message) by.resolve(message.told);
      else by.reject(new Error(message.error));
      this.#next();
    });
    const over = (error: Error) => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      for (const { reject } of this.#takeAll()) reject(error);
    };
    thread.on('error', over);
    thread.on('exit', () => over(new Error('the thread that reads events has ended')));
    return thread;
  }
}
