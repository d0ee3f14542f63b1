/**
 * What hosts have of counted extras, such as GPUs and virtual functions, and who of them can give what. Extras are
 * rare, so a request for some asks only hosts that have them, those with the fewest free of any kind first: hosts with
 * many are then kept whole for VMs that need many. A host without extras is not in here at all.
 */
import type { Extras } from '../../model.js';

const none: Extras = {};

interface Holder {
  total: Extras;
  /** Also of extras that the host has no more. */
  claimed: Map<string, number>;
  /** How many it has free of all kinds together. */
  free: number;
}

export class ExtraHosts {
  readonly #holders = new Map<number, Holder>();
  /** For each extra the rows of hosts that have one free, by how many they have free of all kinds together. */
  readonly #rows = new Map<string, Map<number, Set<number>>>();

  /** To be called after what a host has altogether may have changed. */
  resize(row: number, total: Extras = none): void {
    const holder = this.#holders.get(row);
    if (holder === undefined && total === none) return;
    this.#change(row, { ...(holder ?? { claimed: new Map<string, number>() }), total, free: 0 });
  }

  /** Takes extras of a host (`sign` 1), or gives them back. */
  claim(row: number, extras: Extras, sign: 1 | -1): void {
    const { total, claimed } = this.#holders.get(row) ?? { total: none, claimed: new Map<string, number>() };
    for (const [name, count] of Object.entries(extras)) {
      const now = (claimed.get(name) ?? 0) + sign * count;
      if (now === 0) claimed.delete(name);
      else claimed.set(name, now);
    }
    this.#change(row, { total, claimed, free: 0 });
  }

  /** How many of an extra a host has free; below 0 when it has fewer than VMs hold. */
  free(row: number, name: string): number {
    const holder = this.#holders.get(row);
    return holder === undefined ? 0 : freeOf(holder, name);
  }

  /** Extras of which VMs hold more than a host has. */
  short(row: number): string[] {
    const holder = this.#holders.get(row);
    if (holder === undefined) return [];
    return [...holder.claimed.keys()].filter((name) => freeOf(holder, name) < 0);
  }

  /** How many extras of any kind a host has free. */
  freeOfAll(row: number): number {
    return this.#holders.get(row)?.free ?? 0;
  }

  /** What VMs hold of a host's extras. */
  claimed(row: number): Extras {
    return Object.fromEntries(this.#holders.get(row)?.claimed ?? []);
  }

  /**
   * Hosts that have free what is asked for, in groups: those of one group have as many free of all kinds together, and
   * fewer than those of the next.
   */
  *candidates(wanted: Extras): Iterable<number[]> {
    const asked = Object.entries(wanted);
    const rarest = this.#rarest(asked.map(([name]) => name));
    for (const free of [...rarest.keys()].sort((a, b) => a - b)) {
      const rows = [...(rarest.get(free) ?? [])];
      yield rows.filter((row) => asked.every(([name, count]) => this.free(row, name) >= count));
    }
  }

  /** The hosts with the one of these extras that the fewest have. */
  #rarest(names: readonly string[]): ReadonlyMap<number, ReadonlySet<number>> {
    let fewest = Number.POSITIVE_INFINITY;
    let rarest: ReadonlyMap<number, ReadonlySet<number>> = new Map();
    for (const name of names) {
      const byFree = this.#rows.get(name);
      if (byFree === undefined) return new Map();
      let hosts = 0;
      for (const rows of byFree.values()) hosts += rows.size;
      if (hosts < fewest) {
        fewest = hosts;
        rarest = byFree;
      }
    }
    return rarest;
  }

  #change(row: number, holder: Holder): void {
    const before = this.#holders.get(row);
    if (before !== undefined) {
      for (const name in before.total) this.#remove(name, before.free, row);
    }
    let isEmpty = holder.claimed.size === 0;
    for (const name in holder.total) {
      holder.free += Math.max(0, freeOf(holder, name));
      isEmpty = false;
    }
    if (isEmpty) {
      this.#holders.delete(row);
      return;
    }
    this.#holders.set(row, holder);
    for (const name in holder.total) if (freeOf(holder, name) > 0) this.#add(name, holder.free, row);
  }

  #add(name: string, free: number, row: number): void {
    const byFree = this.#rows.get(name) ?? new Map<number, Set<number>>();
    this.#rows.set(name, byFree.set(free, (byFree.get(free) ?? new Set()).add(row)));
  }

  #remove(name: string, free: number, row: number): void {
    const byFree = this.#rows.get(name);
    const rows = byFree?.get(free);
    if (rows?.delete(row) !== true || rows.size > 0) return;
    byFree?.delete(free);
    if (byFree?.size === 0) this.#rows.delete(name);
  }
}

function freeOf({ total, claimed }: Holder, name: string): number {
  const has = Object.hasOwn(total, name) ? (total[name] as number) : 0;
  return has - (claimed.get(name) ?? 0);
}
