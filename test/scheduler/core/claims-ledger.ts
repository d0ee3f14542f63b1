/**
 * What VMs hold, written down a second time: by administration and site, by agreement, and by partner. What a quota's
 * subtree holds is added up from that when it is asked for, by the parents that the records name, so that nothing here
 * depends on the sums that the scheduler keeps.
 */
import type { Site, Vm } from '../../../scheduler/core/model.js';
import { heldWithExtras, type State } from '../../../scheduler/core/state.js';
import { type Held, type Holdings, Sum } from '../../../scheduler/core/tenancy/holdings.js';
import type { Limits, Quota } from '../../../scheduler/core/tenancy/model.js';
import { covers, scopeKey } from '../../../scheduler/core/tenancy/scope.js';

/** By the name of the resource or extra. */
export type Amounts = Record<string, number>;

/** One VM as it is counted now. */
export interface Counted {
  administration: string;
  site: Site;
  agreement: string | undefined;
  held: Held;
}

export class ClaimsLedger {
  readonly #state: State;
  /** By administration, then by site. */
  readonly #cells = new Map<string, Map<Site, Sum>>();
  readonly #agreements = new Map<string, Sum>();
  /** By partner: what VMs of others hold there. */
  readonly #lent = new Map<string, Sum>();

  constructor(state: State) {
    this.#state = state;
  }

  /** What a VM counts as now; undefined while no host has it. */
  countedOf(vm: Vm | undefined): Counted | undefined {
    const host = vm?.host == null ? undefined : this.#state.hosts.get(vm.host);
    if (vm === undefined || host === undefined) return undefined;
    const { administration, agreement } = vm;
    return { administration, site: this.#state.siteOf(host), agreement, held: heldWithExtras(vm) };
  }

  count({ administration, site, agreement, held }: Counted, sign: 1 | -1): void {
    let bySite = this.#cells.get(administration);
    if (bySite === undefined) {
      bySite = new Map();
      this.#cells.set(administration, bySite);
    }
    sumIn(bySite, site).add(held, sign);
    if (agreement === undefined) return;
    sumIn(this.#agreements, agreement).add(held, sign);
    sumIn(this.#lent, site.partner).add(held, sign);
  }

  usedUnder({ administration, scope }: Quota): Holdings {
    const used = new Sum();
    for (const [id, bySite] of this.#cells) {
      if (!this.#state.isWithin(id, administration)) continue;
      for (const [site, sum] of bySite) if (covers(scope, site)) used.add(sum, 1);
    }
    return used;
  }

  usedUnderAgreement(id: string): Holdings {
    return sumIn(this.#agreements, id);
  }

  heldByOthers(partner: string): Holdings {
    return sumIn(this.#lent, partner);
  }
}

function sumIn<K>(sums: Map<K, Sum>, key: K): Sum {
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = new Sum();
    sums.set(key, sum);
  }
  return sum;
}

const counted = ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const;

/** Sums of everything that is counted, by name. */
export function flat({ vcpus, memoryMib, diskMib, vms, extras = {} }: Held): Amounts {
  return { vcpus, memoryMib, diskMib, vms, ...extras };
}

export function isSame(one: Holdings, other: Holdings): boolean {
  if (counted.some((resource) => one[resource] !== other[resource])) return false;
  const names = new Set([...Object.keys(one.extras), ...Object.keys(other.extras)]);
  return [...names].every((name) => (one.extras[name] ?? 0) === (other.extras[name] ?? 0));
}

/** As `Tenancy.quotas` has it. */
export const keyOf = ({ administration, scope }: Quota) => `${administration}/${scopeKey(scope)}`;

/** What is limited, by name. */
export const amountsOf = (limit: Limits): Amounts => {
  const { extras, ...rest } = limit;
  return { ...rest, ...extras } as Amounts;
};

/** By how much more is held of each than before. */
export function growthOf(before: Held | undefined, after: Held): Amounts {
  const was = before === undefined ? {} : flat(before);
  return Object.fromEntries(
    Object.entries(flat(after)).map(([name, count]) => [name, count - ((was as Amounts)[name] ?? 0)]),
  );
}

/** Whether a VM counts for the same in the same places. */
export function isAlike(one: Counted, other: Counted): boolean {
  if (one.site !== other.site || one.agreement !== other.agreement) return false;
  if (one.administration !== other.administration) return false;
  return JSON.stringify(one.held) === JSON.stringify(other.held);
}
