/** Where the last VMs of a size went, for requests that keep away from there as those of a group that is kept apart do. */
import type { VmPlacement } from '../../scheduler/core/model.js';

const mostRecent = 16;

/** So many different hosts. Requests share the list, so that it is always the newest. */
export class Recent {
  readonly placement: VmPlacement = { sites: [], countries: [], excludedHosts: [] };
  readonly rows = new Int32Array(mostRecent).fill(-1);
  #next = 0;

  took(row: number, id: string): void {
    if (this.rows.includes(row)) return;
    this.rows[this.#next] = row;
    this.placement.excludedHosts[this.#next] = id;
    this.#next = (this.#next + 1) % mostRecent;
  }
}
