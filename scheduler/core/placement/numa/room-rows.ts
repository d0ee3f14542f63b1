/**
 * The index for layouts of one kind: so many cells, of CPUs shared or dedicated, of memory ordinary or in pages of one
 * size. A host stands in it with the most that its cells could give such a layout at all: with two equal cells asked for,
 * twice what its second best cell has, and never more than the host as a whole. Those are rank rows like any others.
 *
 * The best cell for vCPUs need not be the best for memory, so a host of a high enough rank may still have no cell with
 * room for both. That is asked of the hosts that could win, and the answer is the one that looking at all would give.
 */
import type { FreeColumns } from '../../host-table.js';
import type { Resources } from '../../model.js';
import type { IdOrder } from '../rank-rows/id-order.js';
import { type Excluding, type ProfileMask, RankRows } from '../rank-rows/rank-rows.js';
import type { Scorer } from '../scorers/scorer.js';
import type { CellRooms } from './cell-rooms.js';
import type { Layout } from './layout.js';

const initialRows = 64;

/** Stands for no room at all: such a host is in no row. */
const none = -1;

export class RoomRows implements FreeColumns {
  freeVcpus = new Int32Array(initialRows);
  freeMemoryMib = new Int32Array(initialRows);
  readonly #kind: Layout;
  readonly #rooms: CellRooms;
  readonly #ordinary: FreeColumns;
  readonly #index: RankRows;
  /** Of the cells of one host, while it is measured. */
  #vcpus = new Int32Array(8);
  #memoryMib = new Int32Array(8);

  /** Of `kind` its sizes are not looked at. */
  constructor(kind: Layout, rooms: CellRooms, ordinary: FreeColumns, scorer: Scorer, order: IdOrder) {
    this.#kind = kind;
    this.#rooms = rooms;
    this.#ordinary = ordinary;
    this.#index = new RankRows(this, scorer, order);
  }

  get freeDiskMib(): Int32Array {
    return this.#ordinary.freeDiskMib;
  }

  get freeVms(): Int32Array {
    return this.#ordinary.freeVms;
  }

  get contentStarts(): Int32Array {
    return this.#ordinary.contentStarts;
  }

  get bytes(): number {
    return this.freeVcpus.byteLength + this.freeMemoryMib.byteLength + this.#index.bytes;
  }

  /** Takes in the next host, which is not yet on offer. */
  add(): void {
    this.#index.add();
  }

  offer(row: number, profile: number | null): void {
    this.#measure(row);
    this.#index.offer(row, profile);
  }

  /** To be called after anything has changed that room is counted by. */
  update(row: number): void {
    this.#measure(row);
    this.#index.update(row);
  }

  /** The best host, or the best of these rows; -1 if none has room. */
  find(
    layout: Layout,
    needs: Readonly<Resources>,
    mask: ProfileMask,
    excluding: Excluding | null,
    rows: readonly number[] | null,
  ): number {
    const { vcpus, memoryMib } = layout;
    const size = { ...needs, vcpus, memoryMib };
    const also = layout.cells === 0 ? excluding : this.#excluding(layout, excluding);
    return rows === null ? this.#index.find(size, mask, also) : this.#index.bestOf(rows, size, mask, also);
  }

  #excluding(layout: Layout, excluding: Excluding | null): Excluding {
    return {
      excludes: (row) => excluding?.excludes(row) === true || this.#rooms.fitting(row, layout) < layout.cells,
    };
  }

  #measure(row: number): void {
    if (row >= this.freeVcpus.length) this.#grow(row);
    const { freeVcpus, freeMemoryMib } = this.#ordinary;
    let vcpus = this.#rooms.hostVcpus(row, this.#kind);
    let memoryMib = this.#rooms.hostMemoryMib(row, this.#kind);
    // A host that has less than nothing of anything takes nobody.
    if ((freeVcpus[row] as number) < 0 || (freeMemoryMib[row] as number) < 0) vcpus = none;
    else if (this.#kind.cells > 0) {
      const count = this.#readCells(row);
      const nth = count - this.#kind.cells;
      vcpus = nth < 0 ? none : Math.min(vcpus, this.#kind.cells * (this.#vcpus[nth] as number));
      memoryMib = nth < 0 ? none : Math.min(memoryMib, this.#kind.cells * (this.#memoryMib[nth] as number));
    }
    this.freeVcpus[row] = vcpus;
    this.freeMemoryMib[row] = memoryMib;
  }

  /** Writes what each cell has, ascending, and gives their number. */
  #readCells(row: number): number {
    const cells = this.#rooms.cells(row);
    if (cells.length > this.#vcpus.length) {
      this.#vcpus = new Int32Array(cells.length);
      this.#memoryMib = new Int32Array(cells.length);
    }
    for (let index = 0; index < cells.length; index += 1) {
      const cell = cells[index] as (typeof cells)[number];
      insert(this.#vcpus, index, this.#rooms.cellVcpus(row, cell, this.#kind));
      insert(this.#memoryMib, index, this.#rooms.cellMemoryMib(row, cell, this.#kind));
    }
    return cells.length;
  }

  #grow(row: number): void {
    const length = Math.max(row + 1, this.freeVcpus.length * 2);
    const longer = (column: Int32Array) => {
      const copy = new Int32Array(length);
      copy.set(column);
      return copy;
    };
    this.freeVcpus = longer(this.freeVcpus);
    this.freeMemoryMib = longer(this.freeMemoryMib);
  }
}

/** Puts a value where it belongs among the first `count`, which ascend. */
function insert(sorted: Int32Array, count: number, value: number): void {
  let at = count;
  while (at > 0 && (sorted[at - 1] as number) > value) {
    sorted[at] = sorted[at - 1] as number;
    at -= 1;
  }
  sorted[at] = value;
}
