/** O7: a reboot that is written down is carried out, unless somebody dies in between: then it is lost, and not doubled. */
import type { Effect, EffectResult } from '../../../agent/converge/effects.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

/** Longer than an agent waits before it presses reset, with all that may keep its libvirt from hearing of it. */
const withinMs = 8 * 60_000;

interface Counted {
  agent: object | null;
  count: number;
}

export class RebootRules {
  readonly #counted = new Map<string, Counted>();
  /** The most that was written down of each VM on a machine under a term: what came late may take it back, and it is written again. */
  readonly #written = new Map<string, number>();

  constructor(
    private readonly violate: Violate,
    private readonly later: (ms: number, work: () => void) => void,
  ) {}

  /** libvirt carries something out. */
  onCall(machine: Machine, call: Effect): void {
    if (call.kind === 'reboot' || call.kind === 'reset') this.#forget(machine, call.uid);
    if (call.kind !== 'record') return;
    const { uid, metadata } = call;
    const domain = machine.fake.inspect(uid);
    const before = domain?.metadata;
    const stay = `${machine.name} ${uid} ${metadata.term}`;
    const written = this.#written.get(stay) ?? -1;
    this.#written.set(stay, Math.max(written, metadata.rebootCount));
    if (metadata.rebootCount <= written) return;
    if (domain?.power.kind !== 'running' || !before || metadata.rebootCount <= before.rebootCount) return;
    // Of one that was adopted nobody knows how often it was rebooted before.
    if (metadata.term !== before.term) return;
    const counted = { agent: machine.agent, count: metadata.rebootCount };
    const key = `${machine.name} ${uid}`;
    this.#counted.set(key, counted);
    this.later(withinMs, () => {
      if (this.#counted.get(key) !== counted || machine.agent !== counted.agent) return;
      this.violate(
        'O7',
        `reboot ${counted.count} of VM ${uid} is written down on ${machine.name}, and not done`,
      );
    });
  }

  /** What has failed is not tried a second time. */
  onAnswered(machine: Machine, effect: Effect, result: EffectResult): void {
    if (!result.ok && 'uid' in effect) this.#forget(machine, effect.uid);
  }

  /** It was off meanwhile, or has left. */
  onDomain(machine: Machine, uid: string): void {
    if (machine.fake.inspect(uid)?.power.kind !== 'running') this.#forget(machine, uid);
  }

  #forget(machine: Machine, uid: string): void {
    this.#counted.delete(`${machine.name} ${uid}`);
  }
}
