/**
 * A queue that forgets its front cheaply. A Map or Set would do by iteration, but keeps what was deleted at its front
 * in place, and walks over all of it to find the first entry that is left.
 */
export class Fifo<T> {
  #items: T[] = [];
  #front = 0;

  get length(): number {
    return this.#items.length - this.#front;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Behind the last one that is to stay before it, which is near the end. */
  insert(item: T, staysBefore: (other: T) => boolean): void {
    let at = this.#items.length;
    while (at > this.#front && !staysBefore(this.#items[at - 1] as T)) at -= 1;
    this.#items.splice(at, 0, item);
  }

  peek(): T | undefined {
    return this.#items[this.#front];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#front];
    this.#front += 1;
    if (this.#front > 1024 && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
  }
}
