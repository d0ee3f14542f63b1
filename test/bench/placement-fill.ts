/**
 * VMs for a fleet: each on a random host where it may be and fits, until so much of what is scarcest is taken. They
 * are columns instead of objects, because there are millions of them and only their claims count here.
 */
import type { Resources } from '../../scheduler/core/model.js';
import type { Random } from '../scheduler/core/placement/random.js';
import { type Place, usualPlaces } from './placement-places.js';
import type { Sizes } from './placement-sizes.js';

/** By number of the VM. */
export interface Vms {
  /** The row of its host. */
  host: Int32Array;
  /** The number of its size. */
  size: Uint16Array;
  /** The number of its place. */
  place: Uint8Array;
  /** The minute since 1970 in which it was created. */
  created: Int32Array;
}

/** VMs that are there were created within two years. */
const firstMinute = 27_000_000;
const minutesOfLife = 2 ** 20;
/** In which the measured VMs come. */
export const presentMinute = firstMinute + minutesOfLife;

/** How many hosts are tried for a VM before it is left out: the narrowest wish is one site of a hundredth. */
const tries = 60;

export function fill(
  capacities: readonly Resources[],
  siteOf: Uint8Array,
  sizes: Sizes,
  places: readonly Place[],
  share: number,
  random: Random,
): Vms {
  const total = nothing();
  for (const capacity of capacities) add(total, capacity);
  const most = total.vcpus;
  const vms = {
    host: new Int32Array(most),
    size: new Uint16Array(most),
    place: new Uint8Array(most),
    created: new Int32Array(most),
  };
  const held = capacities.map(nothing);
  const taken = nothing();
  let count = 0;
  while (largestShare(taken, total) < share) {
    const size = sizes.draw(random);
    const needs = sizes.all[size] as Resources;
    const place = random.below(usualPlaces);
    const allowed = (places[place] as Place).sites;
    for (let left = tries; left > 0; left -= 1) {
      const host = random.below(capacities.length);
      if (((allowed >>> (siteOf[host] as number)) & 1) === 0) continue;
      if (!fits(capacities[host] as Resources, held[host] as Resources, needs)) continue;
      add(held[host] as Resources, needs);
      add(taken, needs);
      vms.host[count] = host;
      vms.size[count] = size;
      vms.place[count] = place;
      vms.created[count] = firstMinute + random.below(minutesOfLife);
      count += 1;
      break;
    }
  }
  return {
    host: vms.host.slice(0, count),
    size: vms.size.slice(0, count),
    place: vms.place.slice(0, count),
    created: vms.created.slice(0, count),
  };
}

export const nothing = (): Resources => ({ vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });

export function add(sum: Resources, more: Resources): void {
  sum.vcpus += more.vcpus;
  sum.memoryMib += more.memoryMib;
  sum.diskMib += more.diskMib;
  sum.vms += more.vms;
}

function largestShare(taken: Resources, total: Resources): number {
  return Math.max(
    taken.vcpus / total.vcpus,
    taken.memoryMib / total.memoryMib,
    taken.diskMib / total.diskMib,
  );
}

function fits(capacity: Resources, held: Resources, needs: Resources): boolean {
  return (
    capacity.vcpus - held.vcpus >= needs.vcpus &&
    capacity.memoryMib - held.memoryMib >= needs.memoryMib &&
    capacity.diskMib - held.diskMib >= needs.diskMib &&
    capacity.vms > held.vms
  );
}
