/**
 * E1: whom an agent obeys. Each machine's highest epoch is kept here, as its disk had it and as it has obeyed it since,
 * compared by an order of its own: what the product compares epochs with is what is judged.
 */
import type { Checkpoint, Epoch } from '../../../agent/converge/epoch.js';
import type { Checkpoint__Output } from '../../../proto/gen/secovia/v1/Checkpoint.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

export class EpochRules {
  /** What the disk of each machine has had. */
  readonly #kept = new Map<Machine, Epoch>();
  /** What each agent's process was led by: it may know more than its disk. */
  readonly #obeyed = new WeakMap<object, Epoch>();
  /** Who had an epoch that an agent's process has obeyed, and of those that are on a machine's disk. */
  readonly #leaders = new WeakMap<object, Map<string, string>>();

  constructor(private readonly violate: Violate) {}

  /** The state file of a machine is written with this epoch in it. */
  onKept(machine: Machine, epoch: Epoch | null): void {
    const before = this.#kept.get(machine);
    if (before !== undefined && (epoch === null || isBelow(epoch, before)))
      this.violate('E1', `${machine.name} had kept epoch ${text(before)}, and keeps ${text(epoch)} now`);
    if (epoch === null) return;
    this.#kept.set(machine, epoch);
    const leader = machine.agent === null ? undefined : this.#leadersOf(machine.agent).get(text(epoch));
    if (leader !== undefined) this.#leadersOf(machine).set(text(epoch), leader);
  }

  /** The state file of a machine is lost, and what was in it. */
  onLost(machine: Machine): void {
    this.#kept.delete(machine);
    this.#leaders.delete(machine);
  }

  /** An agent's process has done what somebody of this epoch has said. */
  onObeyed(machine: Machine, agent: object, what: string, epoch: Epoch, by: string): void {
    for (const leaders of [this.#leadersOf(machine), this.#leadersOf(agent)]) {
      const leader = leaders.get(text(epoch));
      if (leader !== undefined && leader !== by)
        this.violate(
          'E1',
          `${machine.name} obeys ${what} of the ${by}, and ${leader} has epoch ${text(epoch)} as well`,
        );
    }
    this.#leadersOf(agent).set(text(epoch), by);
    for (const before of [this.#kept.get(machine), this.#obeyed.get(agent)]) {
      if (before === undefined) continue;
      const isClone = isEqual(epoch, before) && epoch.instance !== before.instance;
      if (!isClone && !isBelow(epoch, before)) continue;
      const why = isClone ? 'another process has the same' : `it knows ${text(before)}`;
      this.violate('E1', `${machine.name} obeys ${what} of epoch ${text(epoch)}, and ${why}`);
    }
    const before = this.#obeyed.get(agent);
    if (before === undefined || isBelow(before, epoch)) this.#obeyed.set(agent, epoch);
  }

  /**
   * E2: the newest of what an agent's process was shown of the journal is what it shows whoever it meets. With a key of its own a
   * scheduler has shown nothing.
   */
  onShown(
    { name }: Machine,
    { incarnation, sequence }: Checkpoint__Output,
    kept: Checkpoint | null,
    by: string,
  ): void {
    if (sequence === 0 || by.startsWith('strange')) return;
    const isKept =
      kept !== null &&
      (kept.incarnation > incarnation || (kept.incarnation === incarnation && kept.sequence >= sequence));
    if (!isKept)
      this.violate(
        'E2',
        `${name} was shown the journal at ${sequence}, and knows of ${kept?.sequence ?? 'none'}`,
      );
  }

  #leadersOf(who: object): Map<string, string> {
    const leaders = this.#leaders.get(who) ?? new Map();
    this.#leaders.set(who, leaders);
    return leaders;
  }
}

function isBelow(one: Epoch, other: Epoch): boolean {
  if (one.incarnation !== other.incarnation) return one.incarnation < other.incarnation;
  return one.counter < other.counter;
}

function isEqual(one: Epoch, other: Epoch): boolean {
  return one.incarnation === other.incarnation && one.counter === other.counter;
}

function text(epoch: Epoch | null): string {
  return epoch === null ? 'none' : `${epoch.incarnation}.${epoch.counter}`;
}
