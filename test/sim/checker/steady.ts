/** Agents that are well connected, as whoever looks now and then can tell. */
import type { Machine } from '../machine.js';

interface Seen {
  agent: object;
  since: number;
  cuts: number;
  looks: number;
}

export class Steady {
  readonly #seen = new Map<Machine, Seen>();

  /** At how many looks in a row a machine's agent was on the same stream, over a way that was not cut; 0 when it is not now. */
  look(machine: Machine): number {
    const { agent, path, steadyLink: status } = machine;
    if (agent === null || status === null) {
      this.#seen.delete(machine);
      return 0;
    }
    const { since } = status;
    const { cuts } = path;
    const before = this.#seen.get(machine);
    const isSame = before?.agent === agent && before.since === since && before.cuts === cuts;
    const looks = isSame ? before.looks + 1 : 1;
    this.#seen.set(machine, { agent, since, cuts, looks });
    return looks;
  }
}
