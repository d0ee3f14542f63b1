/**
 * Takes orders to fence, and remembers what became of them: each is carried out once by this process, however often it is
 * said, and only one at a time against one host, until it is withdrawn. Pure; the fencer does the work.
 */
import { isUid } from '../converge/desired.js';
import type { FenceOrder, FenceVerdict } from './fence.js';
import type { FenceMethod, FenceTargets } from './method.js';

export interface FenceResult extends FenceVerdict {
  id: string;
  host: string;
  /** When it was known, in milliseconds of the wall clock. */
  wallMs: number;
}

export type FenceRuling =
  | { kind: 'carryOut'; order: FenceOrder; methods: readonly FenceMethod[] }
  | { kind: 'answer'; result: FenceResult }
  /** The same order is being carried out. */
  | { kind: 'underWay' }
  | { kind: 'ignore'; problem: string };

const keptResults = 100;

export class FenceDesk {
  /** The order that is being carried out, by host. */
  readonly #underWay = new Map<string, string>();
  /** Orders that are being carried out, and stand no more. */
  readonly #withdrawn = new Set<string>();
  readonly #results = new Map<string, FenceResult>();

  /** `host` is the name of this very host. */
  constructor(
    private readonly host: string,
    private readonly targets: FenceTargets,
  ) {}

  /** `ownGuid` is that of this machine's controller, or empty. */
  order(order: FenceOrder, ownGuid: string, wallMs: number): FenceRuling {
    const { id, host } = order;
    if (!isUid(id)) return { kind: 'ignore', problem: 'an order to fence has no id' };
    const known = this.#results.get(id);
    if (known !== undefined) return { kind: 'answer', result: known };
    if (this.#underWay.get(host) === id) return { kind: 'underWay' };
    const refused = (message: string): FenceRuling => {
      const verdict = { outcome: 'failed', method: '', message } as const;
      return { kind: 'answer', result: this.done(order, verdict, wallMs) };
    };
    if (host === this.host) return refused('a host does not fence itself');
    if (ownGuid !== '' && order.controllerGuid === ownGuid) {
      return refused(`${host} is said to have the management controller of this host`);
    }
    const methods = Object.hasOwn(this.targets, host) ? this.targets[host] : undefined;
    if (methods === undefined) return refused(`${host} is not in the fencing settings of this host`);
    // It does not wait: by the time its turn came, nobody might want it any more.
    if (this.#underWay.has(host)) return refused(`another order against ${host} is being carried out`);
    this.#underWay.set(host, id);
    return { kind: 'carryOut', order, methods };
  }

  /** Nobody wants it any more. */
  withdraw(id: string): void {
    if ([...this.#underWay.values()].includes(id)) this.#withdrawn.add(id);
  }

  /** Whether something may still be begun by it. */
  stands({ id }: FenceOrder): boolean {
    return !this.#withdrawn.has(id);
  }

  done({ id, host }: FenceOrder, verdict: FenceVerdict, wallMs: number): FenceResult {
    if (this.#underWay.get(host) === id) this.#underWay.delete(host);
    this.#withdrawn.delete(id);
    const result = { id, host, ...verdict, wallMs };
    this.#results.set(id, result);
    for (const old of this.#results.keys()) {
      if (this.#results.size <= keptResults) break;
      this.#results.delete(old);
    }
    return result;
  }

  /** Hosts against which an order is being carried out. */
  underWay(): string[] {
    return [...this.#underWay.keys()].sort();
  }

  /** The newest result. */
  last(): FenceResult | null {
    return [...this.#results.values()].at(-1) ?? null;
  }
}
