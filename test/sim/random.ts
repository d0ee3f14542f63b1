/**
 * Where every choice of a simulation comes from: sfc32 (Chris Doty-Humphrey's small fast counter, of PractRand), seeded
 * with splitmix32. A generator is forked by name, so that what one part of the world draws does not shift what another
 * does, and a script with a piece left out is otherwise played as before.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(readonly seed: number) {
    let state = seed | 0;
    const splitmix = () => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    for (let round = 0; round < 12; round += 1) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** A generator of its own for whoever has this name. */
  fork(name: string): Random {
    // FNV-1a
    let hash = 0x811c9dc5;
    for (let index = 0; index < name.length; index += 1) {
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    }
    return new Random((this.seed ^ hash) | 0);
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[Math.floor(this.unit() * items.length)];
  }

  /** Mostly near `least`, and now and then far above it: as waiting is. */
  delay(least: number, usual: number): number {
    return least - Math.log(1 - this.unit()) * usual;
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = (word: number) => word.toString(16).padStart(8, '0');
    const [a, b, c, d] = [hex(this.word()), hex(this.word()), hex(this.word()), hex(this.word())];
    const variant = '89ab'[Number.parseInt(c[0] as string, 16) & 3];
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }
}
