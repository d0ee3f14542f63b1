/** Sums of what VMs hold, and how they stand to limits. Whole units; sums over a federation stay below 2^53. */
import type { Extras, Resources } from '../model.js';
import type { Limits } from './model.js';

/** What one VM holds, or what VMs hold together. */
export interface Held extends Resources {
  extras?: Extras | undefined;
}

export interface Holdings extends Resources {
  extras: Record<string, number>;
}

export const countedResources = ['vcpus', 'memoryMib', 'diskMib', 'vms'] as const;
export type CountedResource = (typeof countedResources)[number];

/** Most sums have no extras: one object for all of them, which nobody writes to. */
const noExtras: Record<string, number> = Object.freeze({});

/** A sum that is kept up as VMs come and go. */
export class Sum implements Holdings {
  vcpus = 0;
  memoryMib = 0;
  diskMib = 0;
  vms = 0;
  extras: Record<string, number> = noExtras;

  add({ vcpus, memoryMib, diskMib, vms, extras }: Held, sign: number): void {
    this.vcpus += sign * vcpus;
    this.memoryMib += sign * memoryMib;
    this.diskMib += sign * diskMib;
    this.vms += sign * vms;
    if (extras === undefined) return;
    if (this.extras === noExtras) this.extras = {};
    for (const name of Object.keys(extras)) {
      const count = (this.extras[name] ?? 0) + sign * (extras[name] as number);
      // So that two sums of the same are the same.
      if (count === 0) delete this.extras[name];
      else this.extras[name] = count;
    }
  }

  clear(): void {
    this.vcpus = this.memoryMib = this.diskMib = this.vms = 0;
    this.extras = noExtras;
  }
}

/** What of it a limit speaks about. */
export function heldOf(limits: Limits): Held {
  const { vcpus = 0, memoryMib = 0, diskMib = 0, vms = 0, extras } = limits;
  return { vcpus, memoryMib, diskMib, vms, extras };
}

/** More than a limit allows. */
export interface Shortage {
  /** `vcpus`, `memoryMib`, `diskMib`, `vms`, or the name of an extra. */
  resource: string;
  limit: number;
  used: number;
  more: number;
}

/**
 * The first resource of which so much more would exceed a limit; null when none does. What does not grow exceeds nothing:
 * under a limit that was lowered below what is used, things may stay and shrink.
 */
export function shortageOf(limit: Limits, used: Holdings, more: Held): Shortage | null {
  const { vcpus, memoryMib, diskMib, vms, extras } = limit;
  if (vcpus !== undefined && more.vcpus > 0 && used.vcpus + more.vcpus > vcpus)
    return { resource: 'vcpus', limit: vcpus, used: used.vcpus, more: more.vcpus };
  if (memoryMib !== undefined && more.memoryMib > 0 && used.memoryMib + more.memoryMib > memoryMib)
    return { resource: 'memoryMib', limit: memoryMib, used: used.memoryMib, more: more.memoryMib };
  if (diskMib !== undefined && more.diskMib > 0 && used.diskMib + more.diskMib > diskMib)
    return { resource: 'diskMib', limit: diskMib, used: used.diskMib, more: more.diskMib };
  if (vms !== undefined && more.vms > 0 && used.vms + more.vms > vms)
    return { resource: 'vms', limit: vms, used: used.vms, more: more.vms };
  if (extras === undefined || more.extras === undefined) return null;
  for (const name of Object.keys(more.extras)) {
    const most = extras[name];
    const count = more.extras[name] as number;
    if (most === undefined || count <= 0 || (used.extras[name] ?? 0) + count <= most) continue;
    return { resource: name, limit: most, used: used.extras[name] ?? 0, more: count };
  }
  return null;
}

/** Whether it is within the limit, grown or not. */
export function isExceeded(limit: Limits, used: Holdings): boolean {
  for (const resource of countedResources) if (used[resource] > (limit[resource] ?? Infinity)) return true;
  return Object.entries(limit.extras ?? {}).some(([name, most]) => (used.extras[name] ?? 0) > most);
}

/** What is needed beyond what is held already. */
export function growthOf(after: Held, before: Held): Held {
  const growth: Held = {
    vcpus: after.vcpus - before.vcpus,
    memoryMib: after.memoryMib - before.memoryMib,
    diskMib: after.diskMib - before.diskMib,
    vms: after.vms - before.vms,
  };
  if (after.extras === undefined) return growth;
  const more = Object.entries(after.extras).map(([name, count]) => [
    name,
    count - (before.extras?.[name] ?? 0),
  ]);
  return { ...growth, extras: Object.fromEntries(more) };
}

/** `+ sign * change`, where a limit says anything; what has no bound stays so. */
export function adjusted(limit: Limits, borrowed: Holdings, lent: Holdings): Limits {
  const result: Limits = {};
  for (const resource of countedResources) {
    const most = limit[resource];
    if (most !== undefined) result[resource] = most + borrowed[resource] - lent[resource];
  }
  if (limit.extras === undefined) return result;
  const extras: Record<string, number> = {};
  for (const [name, most] of Object.entries(limit.extras))
    extras[name] = most + (borrowed.extras[name] ?? 0) - (lent.extras[name] ?? 0);
  return { ...result, extras };
}

const words: Record<CountedResource, [one: string, many: string]> = {
  vcpus: ['vCPU', 'vCPUs'],
  memoryMib: ['MiB of memory', 'MiB of memory'],
  diskMib: ['MiB of disk', 'MiB of disk'],
  vms: ['VM', 'VMs'],
};

/** `3 vCPUs`, `2 gpu:a30`. */
export function amountWords(count: number, resource: string): string {
  const [one, many] = words[resource as CountedResource] ?? [resource, resource];
  return `${count} ${count === 1 ? one : many}`;
}
