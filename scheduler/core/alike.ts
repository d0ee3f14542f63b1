/**
 * Parts of entities that very many have in common: the size and image of VMs, what they may do and where they may be, what
 * machines that were bought together say of themselves. Such a part is a value, which is replaced as a whole and never
 * written to, so all that have it can hold the same one: of a million VMs that is half of the memory. What was seen
 * lately is kept, and each finds its equal by a hash; where two values fall on one place the later one has it.
 */
import type { Host, Vm } from './model.js';

/** At first and at most: most federations are small, and a table of the largest size is a quarter of a megabyte. */
const places = { least: 2 ** 8, most: 2 ** 15 };
/** A hash reads no more of a list than its beginning and its end. */
const hashedAtEnds = 2;
const hashedUnits = 6;

export class Alike {
  #seen: unknown[] = new Array(places.least).fill(undefined);
  #taken = 0;

  /** Lets a VM share what it has in common with others. */
  vm(vm: Vm): void {
    vm.labels = this.of(vm.labels);
    vm.spec = this.of(vm.spec);
    vm.policy = this.of(vm.policy);
    vm.placement = this.of(vm.placement);
    vm.refusedBy = this.of(vm.refusedBy);
  }

  /** As `vm`; of an inventory each part by itself, since some of it is its host's own. */
  host(host: Host): void {
    host.capacity = this.of(host.capacity);
    host.traits = this.of(host.traits);
    host.orphans = this.of(host.orphans);
    const { inventory } = host;
    if (inventory !== null) for (const name in inventory) inventory[name] = this.of(inventory[name]);
  }

  /** The value, or one like it that was seen before. */
  of<T>(value: T): T {
    if (typeof value === 'string' ? value.length === 0 : !isObject(value)) return value;
    const place = hashOf(value, 0) & (this.#seen.length - 1);
    const seen = this.#seen[place];
    if (isAlike(seen, value)) return seen as T;
    this.#seen[place] = value;
    if (seen === undefined) this.#take();
    return value;
  }

  /** Another place is taken; when half of them are there are more, and what was seen is to be seen again. */
  #take(): void {
    this.#taken += 1;
    const { length } = this.#seen;
    if (this.#taken * 2 <= length || length >= places.most) return;
    this.#seen = new Array(length * 2).fill(undefined);
    this.#taken = 0;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function hashOf(value: unknown, before: number): number {
  switch (typeof value) {
    case 'number':
      return mixed(before, value | 0);
    case 'string': {
      let hash = mixed(before, value.length);
      for (let at = Math.max(0, value.length - hashedUnits); at < value.length; at += 1)
        hash = mixed(hash, value.charCodeAt(at));
      return hash;
    }
    case 'boolean':
      return mixed(before, value ? 1 : 2);
    case 'object': {
      if (value === null) return mixed(before, 3);
      let hash = mixed(before, 5);
      if (Array.isArray(value)) {
        hash = mixed(hash, value.length);
        for (let at = 0; at < value.length; at += 1)
          if (at < hashedAtEnds || at >= value.length - hashedAtEnds) hash = hashOf(value[at], hash);
      } else {
        for (const name in value) hash = hashOf((value as Record<string, unknown>)[name], hash);
      }
      return hash;
    }
    default:
      return before;
  }
}

/** FNV-1a, with its high bits brought down to where places are read. */
function mixed(hash: number, value: number): number {
  const next = Math.imul(hash ^ value ^ (value >>> 16), 0x01000193);
  return next ^ (next >>> 15);
}

/** Whether two values are the same to whoever reads them; the names of both stand in the same order, as in their JSON. */
function isAlike(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isObject(one) || !isObject(other)) return false;
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    for (let at = 0; at < one.length; at += 1) if (!isAlike(one[at], other[at])) return false;
    return true;
  }
  if (Array.isArray(other)) return false;
  return hasAll(one as Record<string, unknown>, other as Record<string, unknown>);
}

function hasAll(one: Record<string, unknown>, other: Record<string, unknown>): boolean {
  const names = Object.keys(one);
  let at = 0;
  for (const name in other) {
    if (name !== names[at] || !isAlike(one[name], other[name])) return false;
    at += 1;
  }
  return at === names.length;
}
