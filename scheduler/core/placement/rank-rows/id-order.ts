/**
 * Labels for rows, in the order of the hosts' ids: comparing two labels is comparing two ids, without touching a
 * string. Ties in a score go to the lowest id, which is the same after a restart as before, whatever order the
 * hosts joined in.
 *
 * A new id takes a label between its neighbours' ones. When there is none left between them all labels are spread
 * out anew; their order stays what it was, so nothing that was sorted by them has to be sorted again.
 */
const gap = 2 ** 20;

export class IdOrder {
  /** By row. */
  labels = new Float64Array(64);
  /** Rows, sorted by id. */
  #sorted = new Int32Array(64);
  readonly #ids: string[] = [];
  #count = 0;

  /** Gives the next row, `count` so far, its label. */
  add(id: string): void {
    const row = this.#count;
    if (row === this.labels.length) this.#grow();
    this.#ids[row] = id;
    const at = this.#position(id);
    this.#sorted.copyWithin(at + 1, at, row);
    this.#sorted[at] = row;
    this.#count += 1;
    this.#label(at);
  }

  /** Rows in the order of their ids, from after this id on; all for null. Not to be kept across additions. */
  *after(id: string | null): Generator<number> {
    let at = id === null ? 0 : this.#position(id);
    if (at < this.#count && this.#ids[this.#sorted[at] as number] === id) at += 1;
    for (; at < this.#count; at += 1) yield this.#sorted[at] as number;
  }

  get bytes(): number {
    return this.labels.byteLength + this.#sorted.byteLength;
  }

  #label(at: number): void {
    const row = this.#sorted[at] as number;
    const before = at === 0 ? undefined : this.labels[this.#sorted[at - 1] as number];
    const after = at === this.#count - 1 ? undefined : this.labels[this.#sorted[at + 1] as number];
    if (before === undefined) this.labels[row] = after === undefined ? 0 : after - gap;
    else if (after === undefined) this.labels[row] = before + gap;
    else {
      const between = Math.floor((before + after) / 2);
      if (between > before) this.labels[row] = between;
      else this.#spread();
    }
  }

  #spread(): void {
    for (let index = 0; index < this.#count; index += 1) {
      this.labels[this.#sorted[index] as number] = index * gap;
    }
  }

  /** How many ids are lower. */
  #position(id: string): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[this.#sorted[middle] as number] as string) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const labels = new Float64Array(this.labels.length * 2);
    labels.set(this.labels);
    this.labels = labels;
    const sorted = new Int32Array(this.#sorted.length * 2);
    sorted.set(this.#sorted);
    this.#sorted = sorted;
  }
}
