/** What every caller draws from: ids, and names of what is there. */
import type { Random } from '../../core/placement/random.js';
import type { Books } from './books.js';
import type { StormClient } from './client.js';
import { administrations } from './land.js';

/** What calls are made with. */
export interface Means {
  client: StormClient;
  random: Random;
  books: Books;
  draws: Draws;
}

export class Draws {
  /** Whose ids these are: all numbers are drawn from one cycle, and in a long storm a caller may come to where another began. */
  readonly #caller: string;

  constructor(
    private readonly random: Random,
    private readonly books: Books,
  ) {
    this.#caller = books.draw().toString(16).padStart(4, '0');
  }

  /** A UUID that repeats with the seed, and that no other caller has. */
  id(): string {
    const hex = () =>
      this.random
        .below(2 ** 16)
        .toString(16)
        .padStart(4, '0');
    return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-8${hex().slice(1)}-${this.#caller}${hex()}${hex()}`;
  }

  administration(): string {
    return `administrations/${this.random.pick(administrations)[0]}`;
  }

  vm(): string {
    return this.books.name(this.random.below(2 ** 30));
  }

  /** Mostly one that was stopped of late. */
  stoppedVm(): string {
    const { stopped } = this.books;
    return stopped.length > 0 && this.random.next() < 0.8 ? this.last(stopped) : this.vm();
  }

  /** One of the latest. */
  last(ids: readonly string[]): string {
    const recent = ids.slice(-40);
    return recent.length === 0 ? 'none' : this.random.pick(recent);
  }
}
