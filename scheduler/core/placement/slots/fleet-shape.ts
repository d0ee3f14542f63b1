/** What all hosts have together, and which amounts of memory single ones have. */
export class FleetShape {
  vcpus = 0;
  memoryMib = 0;
  readonly #shapes: { vcpus: number; memoryMib: number }[] = [];
  /** How many hosts have each amount of memory. */
  readonly #memories = new Map<number, number>();

  set(host: number, vcpus: number, memoryMib: number): void {
    const shape = { vcpus, memoryMib };
    const before = this.#shapes[host];
    if (before !== undefined) this.#add(before, -1);
    this.#shapes[host] = shape;
    this.#add(shape, 1);
  }

  memories(): number[] {
    return [...this.#memories.keys()];
  }

  #add({ vcpus, memoryMib }: { vcpus: number; memoryMib: number }, sign: 1 | -1): void {
    this.vcpus += sign * vcpus;
    this.memoryMib += sign * memoryMib;
    const hosts = (this.#memories.get(memoryMib) ?? 0) + sign;
    if (hosts === 0) this.#memories.delete(memoryMib);
    else this.#memories.set(memoryMib, hosts);
  }
}
