/**
 * The calls that are under way on one set of connections, so that all can be answered when these are lost. A promise of
 * the loss to race with each call would keep every call's answer: nothing that waits for a promise is let go of before
 * it settles, and connections that are well are not lost for months.
 */
export class CallsUnderWay {
  readonly #rejecters = new Set<(error: Error) => void>();
  #lost: Error | null = null;

  get size(): number {
    return this.#rejecters.size;
  }

  /** Ends as the call does, or with the loss of the connections if that comes first. */
  orLost<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost === null) this.#rejecters.add(reject);
      else reject(this.#lost);
      call.then(resolve, reject).finally(() => this.#rejecters.delete(reject));
    });
  }

  /** Answers all of them with this, and whatever comes later too. */
  lose(error: Error): void {
    this.#lost ??= error;
    for (const reject of this.#rejecters) reject(this.#lost);
    this.#rejecters.clear();
  }
}
