/** VMs between machines: who reaches whom, and what becomes of a move when the libvirt at one end of it is gone. */
import type { FakeHost, FakeVolume } from '../../agent/hypervisor/fake/fake-host.js';
import type { FakeMove, FakeMoveEnd } from '../../agent/hypervisor/fake/fake-move.js';
import { type Machine, uriOf } from './machine.js';

export class Moves {
  /** What is on shared pools is in sight of all that mount them. */
  readonly #shared = new Map<string, FakeVolume>();
  readonly #machines = new Map<string, Machine>();
  readonly #underWay = new Set<{
    move: FakeMove;
    from: Machine;
    to: Machine | undefined;
    onDeath: FakeMoveEnd;
  }>();

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

  /** `onDeath`: how it ends when the libvirt dies that hands it over. */
  began(from: Machine, move: FakeMove, peerUri: string, onDeath: FakeMoveEnd): void {
    const underWay = { move, from, to: this.#machines.get(peerUri), onDeath };
    this.#underWay.add(underWay);
    move.whenOver(() => this.#underWay.delete(underWay));
  }

  libvirtGone(machine: Machine): void {
    for (const { move, from, to, onDeath } of [...this.#underWay]) {
      if (from === machine) move.end(onDeath);
      else if (to === machine) move.end('failed');
    }
  }
}
