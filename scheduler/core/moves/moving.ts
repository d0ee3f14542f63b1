/** The VMs that are on their way from one host to another, and those that are to arrive on each host. */
import type { Vm } from '../model.js';

const none: ReadonlySet<Vm> = new Set();

export class Moving {
  readonly #vms = new Set<Vm>();
  readonly #byPeer = new Map<string, Set<Vm>>();

  /** All of them. */
  get vms(): ReadonlySet<Vm> {
    return this.#vms;
  }

  /** Those that claim room on a host that is not their owner. */
  withPeer(host: string): ReadonlySet<Vm> {
    return this.#byPeer.get(host) ?? none;
  }

  add(vm: Vm, peer: string): void {
    this.#vms.add(vm);
    const others = this.#byPeer.get(peer);
    if (others === undefined) this.#byPeer.set(peer, new Set([vm]));
    else others.add(vm);
  }

  remove(vm: Vm, peer: string): void {
    this.#vms.delete(vm);
    const others = this.#byPeer.get(peer);
    others?.delete(vm);
    if (others?.size === 0) this.#byPeer.delete(peer);
  }
}
