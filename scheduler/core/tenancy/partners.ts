/** Whose sites serve whom, and how much of a partner's hosts VMs of others hold, under which agreements. */
import type { Administration, HostCapacity } from '../model.js';
import { type Held, Sum, type Shortage, shortageOf } from './holdings.js';
import type { Agreement, Limits, Partner } from './model.js';

export function newPartner(
  id: string,
  title: string,
  country: string,
  administrations: string[],
  open: boolean,
  nowMs: number,
): Partner {
  return { id, title, country, administrations, open, revision: 1, createdMs: nowMs, updatedMs: nowMs };
}

/** A partner with what its hosts offer and what VMs of others hold there. */
export class PartnerMeter {
  readonly offered = new Sum();
  readonly heldByOthers = new Sum();
  /** Counts the changes of what is offered. */
  version = 0;

  constructor(public partner: Partner) {}
}

/** An agreement with what is held under it. */
export class AgreementMeter {
  readonly used = new Sum();
  #share: Limits = {};
  #shareVersion = -1;
  #reserved: Limits = {};

  constructor(
    public agreement: Agreement,
    readonly provider: PartnerMeter,
  ) {}

  /** To be called after the agreement has changed. */
  settle(): void {
    this.#shareVersion = -1;
  }

  /** What so much more would exceed: `own` of the agreement itself, `ofOthers` of what the partner lends in all. */
  shortage(own: Held, ofOthers: Held): (Shortage & { code: 'AGREEMENT_EXHAUSTED' | 'RESERVE_KEPT' }) | null {
    if (this.#shareVersion !== this.provider.version) this.#divide();
    const { limit } = this.agreement;
    const short = shortageOf(limit, this.used, own) ?? shortageOf(this.#share, this.used, own);
    if (short !== null) return { ...short, code: 'AGREEMENT_EXHAUSTED' };
    const kept = shortageOf(this.#reserved, this.provider.heldByOthers, ofOthers);
    return kept === null ? null : { ...kept, code: 'RESERVE_KEPT' };
  }

  #divide(): void {
    const { offered, version } = this.provider;
    const { limitPercent, reserve } = this.agreement;
    const share = (most: number) => Math.floor((most * (limitPercent as number)) / 100);
    this.#share =
      limitPercent === null
        ? {}
        : {
            vcpus: share(offered.vcpus),
            memoryMib: share(offered.memoryMib),
            diskMib: share(offered.diskMib),
          };
    this.#reserved = {};
    for (const resource of ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const) {
      const kept = reserve[resource];
      if (kept !== undefined) this.#reserved[resource] = Math.max(0, offered[resource] - kept);
    }
    if (reserve.extras !== undefined) {
      const kept = Object.entries(reserve.extras);
      const left = kept.map(([name, count]) => [name, Math.max(0, (offered.extras[name] ?? 0) - count)]);
      this.#reserved.extras = Object.fromEntries(left);
    }
    this.#shareVersion = version;
  }
}

/** What hosts offer, by the partner that they belong to. */
export class Offered {
  /** What is counted of each host, by row. */
  readonly #counted: ({ meter: PartnerMeter; capacity: HostCapacity } | undefined)[] = [];

  /** A host has this capacity for VMs, or with null none any more. */
  host(row: number, meter: PartnerMeter | undefined, capacity: HostCapacity | null): void {
    const before = this.#counted[row];
    if (
      before !== undefined &&
      capacity !== null &&
      before.meter === meter &&
      isSame(before.capacity, capacity)
    )
      return;
    if (before !== undefined) {
      before.meter.offered.add(before.capacity, -1);
      before.meter.version += 1;
      this.#counted[row] = undefined;
    }
    if (meter === undefined || capacity === null) return;
    meter.offered.add(capacity, 1);
    meter.version += 1;
    this.#counted[row] = { meter, capacity };
  }
}

/** Hosts are refreshed for many reasons; extras are replaced whole when they change. */
function isSame(one: HostCapacity, other: HostCapacity): boolean {
  return (
    one.vcpus === other.vcpus &&
    one.memoryMib === other.memoryMib &&
    one.diskMib === other.diskMib &&
    one.vms === other.vms &&
    one.extras === other.extras
  );
}

/** Who is above whom. */
export type IsWithin = (administration: string, ancestor: string) => boolean;

/** Whether an administration is one of a partner's own. */
export function isOwn(partner: Partner, administration: Administration, isWithin: IsWithin): boolean {
  if (partner.administrations.length === 0) return partner.country === administration.country;
  return partner.administrations.some((ancestor) => isWithin(administration.id, ancestor));
}

/**
 * The agreements of a partner that an administration may use now, in the order in which they are used: those that name
 * one of its ancestors first, the nearest before the others, then those of a partner whose own it is; of these the
 * cheapest vCPU, then the lowest id.
 */
export function agreementsFor(
  agreements: Iterable<AgreementMeter>,
  ancestors: readonly string[],
  benefits: (partner: string) => boolean,
): AgreementMeter[] {
  const found: { meter: AgreementMeter; distance: number }[] = [];
  for (const meter of agreements) {
    const { beneficiary, state } = meter.agreement;
    if (state !== 'in_force') continue;
    const distance =
      beneficiary.kind === 'partner'
        ? benefits(beneficiary.partner)
          ? ancestors.length
          : -1
        : ancestors.indexOf(beneficiary.administration);
    if (distance >= 0) found.push({ meter, distance });
  }
  const order = (a: AgreementMeter, b: AgreementMeter) =>
    a.agreement.price.vcpuMicros - b.agreement.price.vcpuMicros || (a.agreement.id < b.agreement.id ? -1 : 1);
  found.sort((a, b) => a.distance - b.distance || order(a.meter, b.meter));
  return found.map(({ meter }) => meter);
}
