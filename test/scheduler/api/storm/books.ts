/**
 * What the clients know together: which VMs, loans and agreements they have been told of, what was acknowledged, and how
 * their calls ended. It is the memory of the callers, and never asks the scheduler.
 */
import type { MethodName } from '../client.js';
import { Deeds } from './deeds.js';

export class Books {
  /** By uid: the names of VMs that were made and not deleted. */
  readonly vms = new Map<string, string>();
  /** The same as a list to draw from. */
  readonly #names: string[] = [];
  /** Names of VMs that were ordered to stop, the latest last. */
  readonly stopped: string[] = [];
  readonly loans: string[] = [];
  readonly agreements: string[] = [];
  readonly rules: string[] = [];
  /** What answers have said was done. */
  readonly acknowledged = new Deeds();
  readonly #unproved: string[] = [];
  /** How often calls ended how: `CreateVm`, `CreateVm QUOTA_EXCEEDED`. */
  readonly outcomes = new Map<string, number>();
  answered = 0;
  /** Calls that a crash left without an answer. */
  lost = 0;
  /** Calls that were made again although they had been answered, and were answered by the same bytes. */
  repeated = 0;
  #drawn = 0;
  readonly #listeners = new Set<() => void>();

  acknowledge(deed: string): void {
    this.#unproved.push(this.acknowledged.add(deed));
  }

  /** Hands over what was acknowledged since the last call. */
  takeUnproved(): string[] {
    return this.#unproved.splice(0);
  }

  /** A number that was not drawn before. */
  draw(): number {
    this.#drawn += 1;
    return this.#drawn;
  }

  made(uid: string, name: string): void {
    this.vms.set(uid, name);
    this.#names.push(name);
  }

  /** The name of a VM, or of one that was there not long ago. */
  name(at: number): string {
    return this.#names[at % Math.max(1, this.#names.length)] ?? 'administrations/zagreb/vms/none';
  }

  deleted(uid: string): void {
    const name = this.vms.get(uid);
    this.vms.delete(uid);
    const index = name === undefined ? -1 : this.#names.indexOf(name);
    if (index >= 0) this.#names.splice(index, 1);
  }

  ended(method: MethodName, reason: string): void {
    this.note(reason === '' ? method : `${method} ${reason}`);
    this.answered += 1;
    for (const listener of this.#listeners) listener();
  }

  note(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** Resolves when so many calls have been answered. */
  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      const listener = () => {
        if (this.answered < count) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
      listener();
    });
  }
}
