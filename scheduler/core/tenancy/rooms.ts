/**
 * How much each quota has left. A decision counts in some twenty quotas, of which most have plenty, and what it has to read for
 * that is far away in memory. So the quotas of one administration are a group, with one bound: none of them has less
 * left than that, and a decision looks at the bounds of an administration and those above it. A row, and a bound, has four
 * numbers; where nothing is limited there is no end of room.
 */
import type { Resources } from '../model.js';
import type { Limits } from './model.js';

const width = 4;
const initialRows = 64;

export class Rooms {
  #left = new Float64Array(initialRows * width);
  #rows = 0;
  readonly #free: number[] = [];
  readonly #groupOf: number[] = [];
  /** By group. Rows lower it at once; it is raised only when somebody finds it too low. */
  #least = new Float64Array(initialRows * width);
  readonly #rowsOf: number[][] = [];
  readonly #freeGroups: number[] = [];

  /** A group without rows. */
  takeGroup(): number {
    const group = this.#freeGroups.pop() ?? this.#rowsOf.length;
    this.#rowsOf[group] = [];
    this.#least = withRoomFor(this.#least, group);
    this.#raise(group);
    return group;
  }

  /** It has no rows any more. */
  releaseGroup(group: number): void {
    this.#freeGroups.push(group);
  }

  take(group: number): number {
    const row = this.#free.pop() ?? this.#rows;
    if (row === this.#rows) this.#rows += 1;
    this.#left = withRoomFor(this.#left, row);
    this.#groupOf[row] = group;
    (this.#rowsOf[group] as number[]).push(row);
    return row;
  }

  release(row: number): void {
    const rows = this.#rowsOf[this.#groupOf[row] as number] as number[];
    rows.splice(rows.indexOf(row), 1);
    this.#free.push(row);
  }

  set(row: number, limit: Limits, used: Resources): void {
    const at = row * width;
    this.#left[at] = (limit.vcpus ?? Infinity) - used.vcpus;
    this.#left[at + 1] = (limit.memoryMib ?? Infinity) - used.memoryMib;
    this.#left[at + 2] = (limit.diskMib ?? Infinity) - used.diskMib;
    this.#left[at + 3] = (limit.vms ?? Infinity) - used.vms;
    this.#lower(row);
  }

  add(row: number, { vcpus, memoryMib, diskMib, vms }: Resources, sign: number): void {
    const left = this.#left;
    const at = row * width;
    left[at] = (left[at] as number) - sign * vcpus;
    left[at + 1] = (left[at + 1] as number) - sign * memoryMib;
    left[at + 2] = (left[at + 2] as number) - sign * diskMib;
    left[at + 3] = (left[at + 3] as number) - sign * vms;
    this.#lower(row);
  }

  /** Whether there is room for so much more. */
  has(row: number, more: Resources): boolean {
    return isWithin(this.#left, row, more);
  }

  /** Whether there is room for so much more in every row of these groups. */
  haveAll(groups: readonly number[], more: Resources): boolean {
    for (let index = 0; index < groups.length; index += 1) {
      const group = groups[index] as number;
      if (isWithin(this.#least, group, more)) continue;
      this.#raise(group);
      if (!isWithin(this.#least, group, more)) return false;
    }
    return true;
  }

  #lower(row: number): void {
    const least = this.#least;
    const from = row * width;
    const to = (this.#groupOf[row] as number) * width;
    for (let column = 0; column < width; column += 1) {
      const left = this.#left[from + column] as number;
      if (left < (least[to + column] as number)) least[to + column] = left;
    }
  }

  /** Makes the bound of a group what its rows have left. */
  #raise(group: number): void {
    this.#least.fill(Infinity, group * width, (group + 1) * width);
    for (const row of this.#rowsOf[group] as number[]) this.#lower(row);
  }
}

function withRoomFor(column: Float64Array<ArrayBuffer>, row: number): Float64Array<ArrayBuffer> {
  if (row * width < column.length) return column;
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function isWithin(column: Float64Array, row: number, { vcpus, memoryMib, diskMib, vms }: Resources): boolean {
  const at = row * width;
  return (
    (column[at] as number) >= vcpus &&
    (column[at + 1] as number) >= memoryMib &&
    (column[at + 2] as number) >= diskMib &&
    (column[at + 3] as number) >= vms
  );
}
