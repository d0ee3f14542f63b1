/** VMs between machines: who reaches whom, and what becomes of a move when the libvirt at one end of it is gone. */
import type { FakeHost, FakeVolume } from '../../agent/hypervisor/fake/fake-host.js';
import type { FakeMove } from '../../agent/hypervisor/fake/fake-move.js';
import { type Machine, uriOf } from './machine.js';

export class Moves {
  /** What is on shared pools is in sight of all that mount them. */
  readonly #shared = new Map<string, FakeVolume>();
  readonly #machines = new Map<string, Machine>();
  readonly #underWay = new Set<{ move: FakeMove; ends: readonly Machine[] }>();

  join(machine: Machine): void {
    this.#machines.set(uriOf(machine.host), machine);
    this.share(machine);
  }

  /** A clone sees the pools as well, and nobody reaches it. */
  share({ fake }: Machine): void {
    fake.shared = this.#shared;
    fake.network = { find: (uri) => this.#reached(uri) };
  }

  #reached(uri: string): FakeHost | undefined {
    const machine = this.#machines.get(uri);
    return machine?.libvirt.isUp === true && !machine.libvirt.isHung ? machine.fake : undefined;
  }

  began(from: Machine, move: FakeMove, peerUri: string): void {
    const to = this.#machines.get(peerUri);
    const underWay = { move, ends: to === undefined ? [from] : [from, to] };
    this.#underWay.add(underWay);
    move.whenOver(() => this.#underWay.delete(underWay));
  }

  libvirtGone(machine: Machine): void {
    for (const { move, ends } of [...this.#underWay]) if (ends.includes(machine)) move.end('failed');
  }
}
