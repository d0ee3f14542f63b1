/**
 * Which VMs each host has. A start finds them by the million and asks for few hosts' right away, so what was found is kept
 * as a list until somebody asks or it changes, and becomes a set then.
 */
import type { HostTable } from './host-table.js';
import type { Host, Vm } from './model.js';

const none: ReadonlySet<Vm> = new Set();

export class VmsOfHosts {
  readonly #vms = new Map<string, Set<Vm> | Vm[]>();

  of(host: string): ReadonlySet<Vm> {
    return this.#set(host) ?? none;
  }

  /** How many a host has; what was found stays as it is. */
  count(host: string): number {
    const vms = this.#vms.get(host);
    if (vms === undefined) return 0;
    return Array.isArray(vms) ? vms.length : vms.size;
  }

  add(host: string, vm: Vm): void {
    const vms = this.#set(host);
    if (vms === undefined) this.#vms.set(host, new Set([vm]));
    else vms.add(vm);
  }

  remove(host: string, vm: Vm): void {
    this.#set(host)?.delete(vm);
  }

  /** Takes in the VMs of a host that has none yet. */
  found(host: string, vms: Vm[]): void {
    this.#vms.set(host, vms);
  }

  #set(host: string): Set<Vm> | undefined {
    const vms = this.#vms.get(host);
    if (!Array.isArray(vms)) return vms;
    const set = new Set(vms);
    this.#vms.set(host, set);
    return set;
  }
}

/** The VMs of each host that has any: counted first, and then put where they belong. `rows` are those of `rowsOf`. */
export function* byHost(
  vms: readonly Vm[],
  rows: Int32Array,
  table: HostTable,
): Iterable<[host: string, vms: Vm[]]> {
  const ends = new Int32Array(table.count + 1);
  for (const row of rows) if (row >= 0) ends[row + 1] = (ends[row + 1] as number) + 1;
  for (let row = 0; row < table.count; row += 1)
    ends[row + 1] = (ends[row + 1] as number) + (ends[row] as number);
  const sorted = new Int32Array(ends[table.count] as number);
  const next = ends.slice();
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    if (row < 0) continue;
    sorted[next[row] as number] = index;
    next[row] = (next[row] as number) + 1;
  }
  for (let row = 0; row < table.count; row += 1) {
    const first = ends[row] as number;
    const end = ends[row + 1] as number;
    if (first === end) continue;
    const some: Vm[] = [];
    for (let at = first; at < end; at += 1) some.push(vms[sorted[at] as number] as Vm);
    yield [(table.hosts[row] as Host).id, some];
  }
}
