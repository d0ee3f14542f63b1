/**
 * The indexes for layouts, one a kind, each made when the first request of its kind comes. Until then a claim costs
 * nothing here, and afterwards little: hosts that have changed are noted, and measured anew before the next such
 * request, or when there are many.
 */
import type { FreeColumns } from '../../host-table.js';
import type { Resources } from '../../model.js';
import type { IdOrder } from '../rank-rows/id-order.js';
import type { Excluding, ProfileMask } from '../rank-rows/rank-rows.js';
import type { Scorer } from '../scorers/scorer.js';
import type { CellRooms } from './cell-rooms.js';
import type { Layout } from './layout.js';
import { RoomRows } from './room-rows.js';

/** More changed hosts than this are measured at once, so that no request has to wait for all of them. */
const mostNoted = 256;

export interface RoomHosts extends FreeColumns {
  readonly count: number;
}

export class RoomIndexes {
  readonly #hosts: RoomHosts;
  readonly #rooms: CellRooms;
  readonly #scorer: Scorer;
  readonly #order: IdOrder;
  readonly #profileOf: (row: number) => number | null;
  readonly #byKind = new Map<number, RoomRows>();
  /** Hosts that have changed since they were measured. */
  readonly #noted = new Set<number>();

  /** `profileOf` says under which profile a host is on offer; null when it is not. */
  constructor(
    hosts: RoomHosts,
    rooms: CellRooms,
    scorer: Scorer,
    order: IdOrder,
    profileOf: (row: number) => number | null,
  ) {
    this.#hosts = hosts;
    this.#rooms = rooms;
    this.#scorer = scorer;
    this.#order = order;
    this.#profileOf = profileOf;
  }

  get bytes(): number {
    let bytes = 0;
    for (const rows of this.#byKind.values()) bytes += rows.bytes;
    return bytes;
  }

  /** Takes in the next host, which is not yet on offer. */
  add(): void {
    for (const rows of this.#byKind.values()) rows.add();
  }

  offer(row: number, profile: number | null): void {
    for (const rows of this.#byKind.values()) rows.offer(row, profile);
  }

  /** To be called after anything has changed that room is counted by. */
  changed(row: number): void {
    if (this.#byKind.size === 0) return;
    this.#noted.add(row);
    if (this.#noted.size > mostNoted) this.#measure();
  }

  /** The best host for a layout, or the best of these rows; -1 if none has room. */
  find(
    layout: Layout,
    needs: Readonly<Resources>,
    mask: ProfileMask,
    excluding: Excluding | null,
    rows: readonly number[] | null,
  ): number {
    this.#measure();
    return this.#rowsFor(layout).find(layout, needs, mask, excluding, rows);
  }

  #measure(): void {
    if (this.#noted.size === 0) return;
    for (const row of this.#noted) for (const rows of this.#byKind.values()) rows.update(row);
    this.#noted.clear();
  }

  #rowsFor(layout: Layout): RoomRows {
    const kind = kindOf(layout);
    let rows = this.#byKind.get(kind);
    if (rows === undefined) {
      rows = new RoomRows(layout, this.#rooms, this.#hosts, this.#scorer, this.#order);
      for (let row = 0; row < this.#hosts.count; row += 1) {
        rows.add();
        rows.offer(row, this.#profileOf(row));
      }
      this.#byKind.set(kind, rows);
    }
    return rows;
  }
}

/** A number for each kind. */
function kindOf({ cells, dedicatedCpus, hugepageKib }: Layout): number {
  return (hugepageKib * 16 + cells) * 2 + Number(dedicatedCpus);
}
