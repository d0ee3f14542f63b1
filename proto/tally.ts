/**
 * Counts by one or two words. Counting costs a look into two maps and makes nothing; the words become labels only when
 * somebody asks for the numbers.
 */
import { Counter, type Registry } from 'prom-client';

export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(one: string, other = ''): void {
    let counts = this.#counts.get(one);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(one, counts);
    }
    counts.set(other, (counts.get(other) ?? 0) + 1);
  }

  *all(): Generator<[one: string, other: string, count: number]> {
    for (const [one, counts] of this.#counts) for (const [other, count] of counts) yield [one, other, count];
  }
}

/** A counter whose numbers are a tally's: its words are the labels. */
export function tallied(
  registry: Registry,
  name: string,
  help: string,
  labels: [one: string] | [one: string, other: string],
): Tally {
  const tally = new Tally();
  const [first, second] = labels;
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const [one, other, count] of tally.all()) {
        this.inc(second === undefined ? { [first]: one } : { [first]: one, [second]: other }, count);
      }
    },
  });
  return tally;
}
