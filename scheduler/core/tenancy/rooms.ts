/**
 * How much each quota has left, in one column: a decision reads the rooms of some twenty quotas, of which most have plenty,
 * and so touches a few lines of memory. A row has four numbers; where nothing is limited there is no end of room.
 */
import type { Resources } from '../model.js';
import type { Limits } from './model.js';

const width = 4;
const initialRows = 64;

export class Rooms {
  #left = new Float64Array(initialRows * width);
  #rows = 0;
  readonly #free: number[] = [];

  take(): number {
    const row = this.#free.pop() ?? this.#rows;
    if (row === this.#rows) this.#rows += 1;
    if (row * width === this.#left.length) {
      const larger = new Float64Array(this.#left.length * 2);
      larger.set(this.#left);
      this.#left = larger;
    }
    return row;
  }

  release(row: number): void {
    this.#free.push(row);
  }

  set(row: number, limit: Limits, used: Resources): void {
    const at = row * width;
    this.#left[at] = (limit.vcpus ?? Infinity) - used.vcpus;
    this.#left[at + 1] = (limit.memoryMib ?? Infinity) - used.memoryMib;
    this.#left[at + 2] = (limit.diskMib ?? Infinity) - used.diskMib;
    this.#left[at + 3] = (limit.vms ?? Infinity) - used.vms;
  }

  add(row: number, { vcpus, memoryMib, diskMib, vms }: Resources, sign: number): void {
    const left = this.#left;
    const at = row * width;
    left[at] = (left[at] as number) - sign * vcpus;
    left[at + 1] = (left[at + 1] as number) - sign * memoryMib;
    left[at + 2] = (left[at + 2] as number) - sign * diskMib;
    left[at + 3] = (left[at + 3] as number) - sign * vms;
  }

  /** Whether there is room for so much more. */
  has(row: number, { vcpus, memoryMib, diskMib, vms }: Resources): boolean {
    const left = this.#left;
    const at = row * width;
    return (
      (left[at] as number) >= vcpus &&
      (left[at + 1] as number) >= memoryMib &&
      (left[at + 2] as number) >= diskMib &&
      (left[at + 3] as number) >= vms
    );
  }
}
