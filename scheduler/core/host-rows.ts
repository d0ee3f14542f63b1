/**
 * The rows of very many VMs' hosts at once, as a start needs them. The time goes into waiting for strings that are not in
 * the processor's cache: a `Map` waits for each before it asks for the next, while short loops over numbers have several
 * on their way. So hashes are made of all names first, then rows are looked up by hash, and then names are compared.
 */
import type { HostTable } from './host-table.js';
import type { Vm } from './model.js';

/** The row of each VM's host; -1 for one that has none. */
export function rowsOf(vms: readonly Vm[], table: HostTable): Int32Array {
  const ids = table.hosts.map(({ id }) => id);
  const { slots, hashes } = slotsOf(ids);
  const mask = slots.length - 1;
  const rows = new Int32Array(vms.length);
  for (let index = 0; index < vms.length; index += 1) {
    const { host } = vms[index] as Vm;
    if (host !== null) rows[index] = hashOf(host);
  }
  for (let index = 0; index < rows.length; index += 1) {
    const hash = rows[index] as number;
    let slot = slotOf(hash) & mask;
    let row = slots[slot] as number;
    while (row >= 0 && hashes[row] !== hash) {
      slot = (slot + 1) & mask;
      row = slots[slot] as number;
    }
    rows[index] = row;
  }
  for (let index = 0; index < vms.length; index += 1) {
    const { host } = vms[index] as Vm;
    if (host === null) rows[index] = -1;
    // Another name of the same hash, or none that there is.
    else if (ids[rows[index] as number] !== host) rows[index] = table.rowOf(host);
  }
  return rows;
}

/** An open hash table: rows by the hashes of these ids, at most half full. */
function slotsOf(ids: readonly string[]): { slots: Int32Array; hashes: Int32Array } {
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(ids.length * 2 + 2))).fill(-1);
  const hashes = new Int32Array(ids.length);
  const mask = slots.length - 1;
  for (const [row, id] of ids.entries()) {
    const hash = hashOf(id);
    hashes[row] = hash;
    let slot = slotOf(hash) & mask;
    while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
    slots[slot] = row;
  }
  return { slots, hashes };
}

/** FNV-1a over UTF-16 units, as a signed number. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return hash;
}

/** The low bits of names that differ in their ends alone lie close together. */
function slotOf(hash: number): number {
  return hash ^ (hash >>> 15);
}
