/** An answer that is given later, and heard of in the moment in which it is given: a promise without the queue. */
export class Later<T> implements PromiseLike<T> {
  #answer: { value: T } | { error: unknown } | null = null;
  #waiting: (() => void)[] = [];

  resolve(value: T): void {
    this.#settle({ value });
  }

  reject(error: unknown): void {
    this.#settle({ error });
  }

  // biome-ignore lint/suspicious/noThenProperty: it is one
  then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    const next = new Later<A | B>();
    const tell = () => {
      const answer = this.#answer as { value: T } | { error: unknown };
      const result =
        'value' in answer
          ? onValue
            ? onValue(answer.value)
            : (answer.value as unknown as A)
          : onError
            ? onError(answer.error)
            : undefined;
      if (result === undefined && 'error' in answer && !onError) next.reject(answer.error);
      else if (isThenable(result))
        result.then(
          (value) => next.resolve(value),
          (error) => next.reject(error),
        );
      else next.resolve(result as A | B);
    };
    if (this.#answer === null) this.#waiting.push(tell);
    else tell();
    return next;
  }

  #settle(answer: { value: T } | { error: unknown }): void {
    if (this.#answer !== null) return;
    this.#answer = answer;
    for (const tell of this.#waiting) tell();
    this.#waiting = [];
  }
}

function isThenable<T>(value: T | PromiseLike<T> | undefined): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}
