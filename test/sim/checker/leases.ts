/** Whoever is connected has a lease, also in quarantine (E4): looked at now and then, for none is told that it has none. */
import type { State } from '../../../scheduler/core/state.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

/** An agent that was well connected at so many looks has asked, and was answered. */
const looks = 4;

export class LeaseRules {
  /** How often a machine that is owed a lease was looked at in a row. */
  readonly #looks = new Map<Machine, number>();
  /** When each agent's process has asked for a lease, by the number of its request, on the machine's clock. */
  readonly #asked = new WeakMap<object, Map<number, number>>();
  /** Of the newest that it was granted: which it was, and until when it may be held. */
  readonly #granted = new WeakMap<object, { id: number; endsAt: number }>();

  /** Machines that were connected at the last look, and not heard. */
  readonly #unheard = new Set<Machine>();

  constructor(private readonly violate: Violate) {}

  onAsked({ agent, clock }: Machine, id: number): void {
    if (agent === null) return;
    const asked = this.#asked.get(agent) ?? new Map();
    this.#asked.set(agent, asked.set(id, clock.bootMs));
  }

  /** A grant arrives. */
  onGranted({ agent }: Machine, { id, leaseMs }: { id: number; leaseMs: number }): void {
    const askedMs = agent === null ? undefined : this.#asked.get(agent)?.get(id);
    if (agent === null || askedMs === undefined) return;
    if (id >= (this.#granted.get(agent)?.id ?? 0))
      this.#granted.set(agent, { id, endsAt: askedMs + leaseMs });
  }

  /** L1: an agent counts its lease from when it has asked for that one. */
  onLeased({ name, agent }: Machine, endsAt: number): void {
    const granted = agent === null ? undefined : this.#granted.get(agent);
    if (granted === undefined || endsAt <= granted.endsAt + 1) return;
    const moreMs = Math.round(endsAt - granted.endsAt);
    this.violate('L1', `${name} holds its lease for ${moreMs} ms longer than it was granted`);
  }

  /** `led`: the machines that this state's scheduler leads. To be called every twenty seconds. */
  look(led: readonly Machine[], { hosts, federation }: State, steady: (machine: Machine) => number): void {
    for (const machine of led) {
      const { agent, clock, name } = machine;
      const host = hosts.get(machine.host);
      const isOwed = host !== undefined && !federation.recoveringSites.includes(host.site);
      const count = isOwed ? Math.min((this.#looks.get(machine) ?? 0) + 1, steady(machine)) : 0;
      this.#looks.set(machine, count);
      const wasUnheard = this.#unheard.delete(machine);
      if (host === undefined || count < looks) continue;
      // One whose libvirt does not answer is heard all the same.
      const isUnheard = host.state === 'suspect' && !host.stateReason.startsWith('libvirt');
      if (isUnheard && wasUnheard)
        this.violate('L1', `${name} is connected, and is taken to be suspect: ${host.stateReason}`);
      if (isUnheard) this.#unheard.add(machine);
      if ((agent?.core.linkStatus().leaseExpiresAt ?? 0) > clock.bootMs) continue;
      const rule = host.state === 'quarantined' ? 'E4' : 'L1';
      this.violate(rule, `${name} is connected and ${host.state}, and is given no lease`);
    }
  }
}
