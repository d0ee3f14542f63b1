/**
 * VMs of a host that is off which have to be where one of them is: each by itself finds no place, since the others hold it where they
 * were. They leave in one decision, or not at all.
 */
import type { Host, Resources, Vm } from '../model.js';
import { type Place, placeOn } from '../placement/placement.js';
import type { PlacementRequest } from '../placement/request.js';
import { asIfNowhere, type Tentative } from '../placement/tentative.js';
import type { State } from '../state.js';

const bindingGroups = ({ administration, placement }: Vm): string[] =>
  (placement.groups ?? [])
    .filter(({ policy, soft }) => policy === 'affinity' && !soft)
    .map(({ group }) => `${administration}/${group}`);

/** Those of the VM's host that a chain of such groups binds to it, itself first. */
export function boundTogether(state: State, vm: Vm, host: Host): Vm[] {
  const bound = [vm];
  const groups = new Set(bindingGroups(vm));
  if (groups.size === 0) return bound;
  const others = new Map([...state.vmsOfHost(host.id)].map((other) => [other, bindingGroups(other)]));
  others.delete(vm);
  // Until nobody is added any more: who comes in by one group may bring another.
  for (let before = 0; before !== bound.length; ) {
    before = bound.length;
    for (const [other, its] of others) {
      if (!its.some((group) => groups.has(group))) continue;
      others.delete(other);
      bound.push(other);
      for (const group of its) groups.add(group);
    }
  }
  return bound;
}

/**
 * Where each of them can be, all at once, as if none of them were anywhere, though what they hold is theirs already; null when they
 * find no such places. A host for all of them is looked for first: the best one for the first of them may have no room for the others.
 */
export function placeTogether(
  state: State,
  vms: readonly Vm[],
  requests: readonly PlacementRequest[],
  nowMs: number,
): Place[] | null {
  const asked = requests.map((request) => ({ ...request, leaving: null }));
  const all = asked.map(({ needs }) => needs).reduce(sum);
  for (const room of [all, null]) {
    const places = asIfNowhere(state, vms, nowMs, (tentative) => placesFrom(state, asked, room, tentative));
    if (places !== null) return places;
  }
  return null;
}

/** `room` is what the first one's host must have, if that is more than it needs. */
function placesFrom(
  state: State,
  requests: readonly PlacementRequest[],
  room: Resources | null,
  tentative: Tentative,
): Place[] | null {
  const places: Place[] = [];
  for (const request of requests) {
    const isFirst = places.length === 0;
    const row = tentative.find(isFirst && room !== null ? { ...request, needs: room } : request);
    if (row < 0) return null;
    const place = placeOn(state, request, row);
    tentative.claim(place, request);
    places.push(place);
  }
  return places;
}

const sum = (a: Resources, b: Resources): Resources => ({
  vcpus: a.vcpus + b.vcpus,
  memoryMib: a.memoryMib + b.memoryMib,
  diskMib: a.diskMib + b.diskMib,
  vms: a.vms + b.vms,
});
