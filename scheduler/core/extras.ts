/**
 * Counted extras: what a host has few of and gives away whole, such as GPUs, virtual functions or licences. They are
 * known by name alone; only `gpu:` at its beginning has a meaning here.
 */
import type { Extras } from './model.js';

const nameForm = /^[a-z0-9]([a-z0-9._/:-]{0,61}[a-z0-9])?$/;

/** Extras of these kinds are worth more than what else a host has: it is kept from VMs that need none. */
const gpuPrefix = 'gpu:';

export function isExtraName(name: string): boolean {
  return nameForm.test(name);
}

export function hasGpus(extras: Extras | undefined): boolean {
  for (const name in extras) if (name.startsWith(gpuPrefix)) return true;
  return false;
}

/** By name, whatever the order they came in: what is the same is then written in the same way. Undefined for none. */
export function sortedExtras(extras: Extras): Extras | undefined {
  const entries = Object.entries(extras).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
