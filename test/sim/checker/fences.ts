/** Orders to power a host off, as agents carry them out (F1, F2). */
import type { FenceResult__Output } from '../../../proto/gen/secovia/v1/FenceResult.js';
import type { FenceOrder } from '../../../agent/fencing/fence.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

/** Within it a withdrawal has arrived, where the way there is well. */
const withdrawnWithinMs = 5000;

export class FenceRules {
  /** Orders that were carried out, by the agent's process. */
  readonly #done = new WeakMap<object, Set<string>>();
  /** Those of which it is known what has become of them. */
  readonly #answered = new Set<string>();
  /** Those by which a host was powered off. */
  readonly #carriedOut = new Set<string>();
  /** When it was durable that an order stands no more. */
  readonly #overMs = new Map<string, number>();

  constructor(
    private readonly violate: Violate,
    private readonly nowMs: () => number,
  ) {}

  onOver(order: string): void {
    if (!this.#overMs.has(order)) this.#overMs.set(order, this.nowMs());
  }

  /** What it has become of an order is told to the agent that carries it out. */
  onAnswered({ id }: FenceOrder): void {
    this.#answered.add(id);
  }

  /** What was carried out is not done again when the order is said again: the host may be on again by then. */
  onFence({ name, agent }: Machine, { id, host }: FenceOrder): void {
    if (agent === null) return;
    const done = this.#done.get(agent) ?? new Set();
    if (done.has(id)) this.violate('F2', `${name} powers ${host} off again by the same order`);
    this.#done.set(agent, done.add(id));
  }

  /** The power is about to be taken; whoever has heard that the order stands no more lets it be. */
  onBegun({ name, steadyLink: status, clock }: Machine, { id, host }: FenceOrder): void {
    const overMs = this.#overMs.get(id);
    if (overMs === undefined || status === null) return;
    const heardMs = Math.min(this.nowMs() - overMs, clock.bootMs - status.since);
    if (heardMs > withdrawnWithinMs)
      this.violate('F2', `${name} powers ${host} off by an order that stands no more`);
  }

  onOff({ id }: FenceOrder): void {
    this.#carriedOut.add(id);
  }

  /** What is said to be off was powered off by this very order; of one that is under way nothing is said. */
  onSaid({ name, agent }: Machine, { id, outcome }: FenceResult__Output): void {
    const isUnderWay = agent !== null && this.#done.get(agent)?.has(id) === true && !this.#answered.has(id);
    if (isUnderWay) this.violate('F2', `${name} says ${outcome} of order ${id}, and is at it`);
    if (outcome === 'FENCE_OUTCOME_OFF' && !this.#carriedOut.has(id))
      this.violate('F1', `${name} says that it has powered a host off by order ${id}, and it has not`);
  }
}
