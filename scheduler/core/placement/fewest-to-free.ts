/**
 * The fewest VMs of a host that together free what is lacking: of as many the smallest, and of those the ones with the
 * lowest names. VMs of one size are alike but for their names, so what is tried is how many of each size.
 */
import type { Vm } from '../model.js';

export interface Lacks {
  memoryMib: number;
  vcpus: number;
}

/** Combinations of sizes that are tried on one host: with sizes that hardly repeat there could be billions. */
const mostTried = 20_000;

interface Kind {
  memoryMib: number;
  vcpus: number;
  /** By name. */
  vms: Vm[];
}

export const nameOf = ({ administration, id }: Vm): string => `${administration}/${id}`;

/** The VMs, by name; null when more than `most` would be needed. */
export function fewestToFree(vms: readonly Vm[], lacks: Lacks, most: number): Vm[] | null {
  const kinds = kindsOf(vms);
  for (let count = 1; count <= Math.min(most, vms.length); count += 1) {
    if (!canFree(vms, count, lacks)) continue;
    const found = new Choice(kinds, lacks, count).best;
    if (found !== null) return found;
  }
  return null;
}

function kindsOf(vms: readonly Vm[]): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const vm of [...vms].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    const { memoryMib, vcpus } = vm.spec;
    const key = `${memoryMib} ${vcpus}`;
    const kind = kinds.get(key) ?? { memoryMib, vcpus, vms: [] };
    kind.vms.push(vm);
    kinds.set(key, kind);
  }
  return [...kinds.values()].sort((a, b) => a.memoryMib - b.memoryMib || a.vcpus - b.vcpus);
}

/** Whether the largest would do, each resource by itself: otherwise there is nothing to look for. */
function canFree(vms: readonly Vm[], count: number, lacks: Lacks): boolean {
  return (['memoryMib', 'vcpus'] as const).every((resource) => {
    const largest = vms.map(({ spec }) => spec[resource]).sort((a, b) => b - a);
    return largest.slice(0, count).reduce((sum, amount) => sum + amount, 0) >= lacks[resource];
  });
}

/** Tries how many of each kind, so many in all. */
class Choice {
  best: Vm[] | null = null;
  #bestMemoryMib = Number.POSITIVE_INFINITY;
  #bestVcpus = Number.POSITIVE_INFINITY;
  #tried = 0;
  readonly #kinds: readonly Kind[];
  readonly #lacks: Lacks;

  constructor(kinds: readonly Kind[], lacks: Lacks, count: number) {
    this.#kinds = kinds;
    this.#lacks = lacks;
    this.#choose(kinds.length - 1, count, 0, 0, []);
  }

  /** Goes on with the kinds up to this one, the largest first. */
  #choose(at: number, left: number, memoryMib: number, vcpus: number, chosen: readonly Vm[]): void {
    if (memoryMib > this.#bestMemoryMib || this.#tried > mostTried) return;
    this.#tried += 1;
    if (left === 0) {
      if (memoryMib >= this.#lacks.memoryMib && vcpus >= this.#lacks.vcpus) {
        this.#take(memoryMib, vcpus, chosen);
      }
      return;
    }
    const kind = this.#kinds[at];
    // What is left is no larger than this, so all of it together frees no more.
    if (kind === undefined || memoryMib + left * kind.memoryMib < this.#lacks.memoryMib) return;
    for (let taken = 0; taken <= Math.min(left, kind.vms.length); taken += 1) {
      this.#choose(at - 1, left - taken, memoryMib + taken * kind.memoryMib, vcpus + taken * kind.vcpus, [
        ...chosen,
        ...kind.vms.slice(0, taken),
      ]);
    }
  }

  #take(memoryMib: number, vcpus: number, chosen: readonly Vm[]): void {
    const vms = [...chosen].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const difference = memoryMib - this.#bestMemoryMib || vcpus - this.#bestVcpus;
    if (this.best !== null && (difference > 0 || (difference === 0 && !comesFirst(vms, this.best)))) return;
    this.best = vms;
    this.#bestMemoryMib = memoryMib;
    this.#bestVcpus = vcpus;
  }
}

function comesFirst(one: readonly Vm[], other: readonly Vm[]): boolean {
  const at = one.findIndex((vm, index) => vm !== other[index]);
  return at >= 0 && nameOf(one[at] as Vm) < nameOf(other[at] as Vm);
}
