/**
 * O7: a reboot that is written down is carried out, unless somebody dies in between: then it is lost, and never doubled. What
 * libvirt carries out long after its caller has given up belongs to the order that was the newest when it was asked for.
 */
import type { Effect, EffectResult } from '../../../agent/converge/effects.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

/** Longer than an agent waits before it presses reset, with all that may keep its libvirt from hearing of it. */
const withinMs = 8 * 60_000;

interface Counted {
  agent: object | null;
  count: number;
}

/** What a call to reboot or reset a guest was made for. */
interface Ordered {
  term: number;
  /** The newest reboot that was written down when the agent asked for it. */
  count: number;
  /** Of journals that were restored by then. */
  restores: number;
}

export class RebootRules {
  readonly #counted = new Map<string, Counted>();
  /** The most that was written down of each VM on a machine under a term: what came late may take it back, and it is written again. */
  readonly #written = new Map<string, number>();
  /** By the very call that libvirt is given. */
  readonly #ordered = new WeakMap<Effect, Ordered>();
  readonly #done = new Set<string>();
  /** What each agent's process has asked a guest last: to reboot, and whether it was told that it has. */
  readonly #askedFor = new Map<string, Ordered & { agent: object; isDone: boolean }>();
  #restores = 0;

  constructor(
    private readonly violate: Violate,
    private readonly later: (ms: number, work: () => void) => void,
  ) {}

  /** An older journal leads: it may give an order the number of one that it has forgotten. */
  restored(): void {
    this.#restores += 1;
  }

  /** The agent asks for something. */
  onEffect(machine: Machine, effect: Effect): void {
    if (effect.kind !== 'reboot' && effect.kind !== 'reset') return;
    const metadata = machine.fake.inspect(effect.uid)?.metadata;
    const term = metadata?.term ?? 0;
    const permit = machine.stateFile.permit(effect.uid);
    // What came late may have taken back what the domain says, a moment ago.
    const kept = permit?.term === term ? (permit.reached?.rebootCount ?? 0) : 0;
    const count = Math.max(metadata?.rebootCount ?? 0, kept);
    const ordered = { term, count, restores: this.#restores };
    this.#ordered.set(effect, ordered);
    this.#judgeReset(machine, effect, ordered);
  }

  /** Whoever was told that the guest has rebooted as it was asked to does not reset it as well. */
  #judgeReset({ name, agent }: Machine, { kind, uid }: Effect & { uid: string }, ordered: Ordered): void {
    const key = `${name} ${uid}`;
    if (agent === null) return;
    if (kind === 'reboot') {
      this.#askedFor.set(key, { ...ordered, agent, isDone: false });
      return;
    }
    const asked = this.#askedFor.get(key);
    const isSame = asked?.agent === agent && asked.term === ordered.term && asked.count === ordered.count;
    if (isSame && asked.isDone)
      this.violate('O7', `VM ${uid} has rebooted as it was asked to, and is reset by the same order`);
  }

  /** libvirt carries something out. */
  onCall(machine: Machine, call: Effect): void {
    if (call.kind === 'reboot' || call.kind === 'reset') this.#carriesOut(machine, call);
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

  #carriesOut(machine: Machine, call: Extract<Effect, { kind: 'reboot' | 'reset' }>): void {
    const { kind, uid } = call;
    const ordered = this.#ordered.get(call);
    if (ordered === undefined) throw new Error(`nobody has asked for the ${kind} of ${uid}`);
    const { term, count, restores } = ordered;
    // One of an earlier order that comes late does not do what was counted since.
    if (count >= (this.#counted.get(`${machine.name} ${uid}`)?.count ?? 0)) this.#forget(machine, uid);
    if (machine.fake.inspect(uid) === null) return;
    // Of a machine that was switched off the count goes on.
    const key = `${kind} ${machine.name} ${uid} ${term} ${count} ${restores}`;
    if (this.#done.has(key)) this.violate('O7', `VM ${uid} is rebooted twice by the same order`);
    this.#done.add(key);
  }

  /** An agent is told that a guest has rebooted. */
  onRebooted(machine: Machine, agent: object, uid: string): void {
    const order = this.#askedFor.get(`${machine.name} ${uid}`);
    if (order !== undefined && order.agent === agent) order.isDone = true;
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
