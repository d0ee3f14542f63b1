/**
 * Standard output as the CLI uses it: with backpressure, and aware that the reader may leave (`secovia vm list |
 * head`). A reader that left ends what only prints, and must not end what changes things.
 */
import type { Writable } from 'node:stream';
import { exitCodes, Failure } from '../failure.js';

export class Sink {
  readonly #stream: Writable;
  readonly #left = new AbortController();
  #failure: NodeJS.ErrnoException | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.#failure ??= error;
      this.#left.abort();
    });
  }

  /** Aborts when nobody reads any more. */
  get closed(): AbortSignal {
    return this.#left.signal;
  }

  /** Writes, and waits while the reader is slower than we are. Never fails: see {@link finish}. */
  async write(text: string): Promise<void> {
    if (this.#left.signal.aborted || this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off('drain', done);
        this.#left.signal.removeEventListener('abort', done);
        resolve();
      };
      this.#stream.once('drain', done);
      this.#left.signal.addEventListener('abort', done, { once: true });
    });
  }

  /**
   * Waits until everything is written.
   *
   * @throws Failure when it could not be, for another reason than that the reader left.
   */
  async finish(): Promise<void> {
    if (!this.#left.signal.aborted) {
      await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    }
    if (this.#failure !== undefined) {
      throw new Failure(`cannot write the output: ${this.#failure.message}.`, exitCodes.unexpected);
    }
  }
}
