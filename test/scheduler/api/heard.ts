/** What came over a stream, in order, with a way to wait for something in it. */
import { within } from '../within.js';

const deadlineMs = 45_000;

export class Heard<T> {
  readonly all: T[] = [];
  /** Why the stream is over; null while it is not. */
  ended: { code: number; details: string } | null = null;
  #waiting: (() => void)[] = [];
  #taken = 0;

  add(message: T): void {
    this.all.push(message);
    this.#wake();
  }

  end(code: number, details: string): void {
    this.ended ??= { code, details };
    this.#wake();
  }

  /** The next message that satisfies; those before it are passed over. */
  next<S extends T>(what: string, satisfies: (message: T) => message is S): Promise<S>;
  next(what: string, satisfies: (message: T) => boolean): Promise<T>;
  next(what: string, satisfies: (message: T) => boolean): Promise<T> {
    const look = async () => {
      for (;;) {
        while (this.#taken < this.all.length) {
          const message = this.all[this.#taken] as T;
          this.#taken += 1;
          if (satisfies(message)) return message;
        }
        if (this.ended) throw new Error(`the stream ended before ${what}: ${JSON.stringify(this.ended)}`);
        await this.#change();
      }
    };
    return within(deadlineMs, `${what}; heard ${JSON.stringify(this.all.slice(-5))}`, look());
  }

  over(): Promise<{ code: number; details: string }> {
    const look = async () => {
      while (this.ended === null) await this.#change();
      return this.ended;
    };
    return within(deadlineMs, 'the stream ends', look());
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
