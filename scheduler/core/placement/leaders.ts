/**
 * The best host of each rack for VMs that are all alike, kept while a decision places one after the other. VMs that are
 * to be apart, or evenly spread, pass by the places that the ones before them took, and those are the best ones: the
 * ten-thousandth would look at ten thousand hosts in vain. Here a rack that may not be used steps aside until it may,
 * and only the racks where something was claimed are looked at again.
 */
import type { GroupRule } from '../model.js';
import type { State } from '../state.js';
import type { Excluding, ProfileMask } from './rank-rows/rank-rows.js';
import { excludesHost, type Verdict, verdictsOn } from './relations.js';
import type { PlacementRequest } from './request.js';
import { namedHosts, sparesGpus } from './search.js';
import { prefersSites, tierNumber, tierOf } from './site-tiers.js';

/**
 * Whether this is for such a request: it passes by places that are racks or hosts, and what is claimed only ever takes
 * places away, until a spread over racks has caught up. Sites are few, and the index leaves them out by itself.
 */
export function canBeLed({ placement, leaving, extras, layout }: PlacementRequest): boolean {
  const { groups = [], preferredTraits = [] } = placement;
  if (leaving !== null || preferredTraits.length > 0) return false;
  // What these ask for is not sorted by what hosts have free in all.
  if (extras !== undefined || layout !== undefined) return false;
  return groups.some(({ scope }) => scope !== 'site') && groups.every(takesAway);
}

function takesAway({ policy, scope }: GroupRule): boolean {
  return policy === 'anti_affinity' || (policy === 'spread' && scope !== 'site');
}

/** The hosts of each rack by their rows, and the rack of each row, by numbers that a decision gives them. */
export class Racks {
  readonly rows: number[][] = [];
  readonly ofRow: Int32Array;

  constructor({ offers, hostTable }: State) {
    this.ofRow = new Int32Array(hostTable.count);
    for (const rack of offers.racks()) {
      const rows = [...offers.rowsOfRack(rack)];
      for (const row of rows) this.ofRow[row] = this.rows.length;
      this.rows.push(rows);
    }
  }
}

const none = -1;

export class Leaders {
  readonly #state: State;
  readonly #request: PlacementRequest;
  readonly #mask: ProfileMask;
  /** Of it, the profiles whose hosts can lead: without GPUs, where these are spared. */
  readonly #leading: ProfileMask;
  readonly #named: Excluding | null;
  readonly #racks: Racks;
  /** The row of each rack's best host, by the rack's number. */
  readonly #leaders: Int32Array;
  /** Racks in a binary heap, the best leader on top. One that has no leader, or has stepped aside, is not in it. */
  readonly #heap: number[] = [];
  /** Where each rack is in the heap. */
  readonly #at: Int32Array;
  #aside: number[] = [];
  /** Where something was claimed since the last time. */
  readonly #claimed: number[] = [];
  #fewest = '';
  readonly #pair: [number, number] = [none, none];
  /** The tier of each rack's site; null when the request prefers no sites. */
  readonly #tiers: Float64Array | null;

  constructor(state: State, request: PlacementRequest, racks: Racks) {
    this.#state = state;
    this.#request = request;
    this.#mask = state.offers.profiles.mask(state, request);
    this.#leading = sparesGpus(state, request) ? state.offers.profiles.sparingGpus(this.#mask) : this.#mask;
    this.#named = namedHosts(state, request);
    this.#racks = racks;
    this.#leaders = new Int32Array(racks.rows.length).fill(none);
    this.#at = new Int32Array(racks.rows.length).fill(none);
    this.#tiers = prefersSites(request.placement) ? this.#tiersOf(racks) : null;
    const excluding = this.#excluding(this.#verdicts());
    for (const [number, rows] of racks.rows.entries()) this.#lead(number, rows, excluding);
  }

  /**
   * To be called before something is claimed on a host, while it is still worth what it is sorted by: a heap in which
   * several have changed is none.
   */
  claiming(row: number): void {
    const number = this.#racks.ofRow[row] as number;
    if ((this.#leaders[number] as number) === row) this.#take(number);
    this.#claimed.push(row);
  }

  /** The row of the best host that breaks no rule, not even a soft one; -1 if there is none. */
  find(): number {
    const verdicts = this.#verdicts();
    this.#follow(this.#excluding(verdicts));
    this.#comeBack(verdicts);
    const byPlace = verdicts.filter(({ scope }) => scope !== 'host');
    for (;;) {
      const [number] = this.#heap;
      if (number === undefined) return none;
      const row = this.#leaders[number] as number;
      if (!byPlace.some((verdict) => excludesHost(this.#state, verdict, row))) return row;
      this.#take(number);
      this.#aside.push(number);
    }
  }

  #tiersOf({ rows }: Racks): Float64Array {
    const { hosts } = this.#state.hostTable;
    const { placement } = this.#request;
    return Float64Array.from(rows, ([row = none]) =>
      tierNumber(tierOf(this.#state, placement, hosts[row]?.site ?? '')),
    );
  }

  #verdicts(): readonly Verdict[] {
    return verdictsOn(this.#state, this.#request, this.#mask);
  }

  /** What must be asked of hosts one by one; null when there is nothing to ask. */
  #excluding(verdicts: readonly Verdict[]): Excluding | null {
    const byHost = verdicts.filter(({ scope }) => scope === 'host');
    const named = this.#named;
    if (byHost.length === 0) return named;
    const excluded = (row: number) => byHost.some((verdict) => excludesHost(this.#state, verdict, row));
    return { excludes: (row) => named?.excludes(row) === true || excluded(row) };
  }

  /** When the least even place of a spread has caught up, racks that have stepped aside may be used again. */
  #comeBack(verdicts: readonly Verdict[]): void {
    const fewest = verdicts.map((verdict) => verdict.fewest ?? '').join();
    if (fewest === this.#fewest) return;
    this.#fewest = fewest;
    const aside = this.#aside;
    this.#aside = [];
    for (const number of aside) if (this.#at[number] === none) this.#put(number);
  }

  /** Hosts where something was claimed may be the best of their racks now, or be so no more. */
  #follow(excluding: Excluding | null): void {
    for (const row of this.#claimed) {
      const number = this.#racks.ofRow[row] as number;
      const leader = this.#leaders[number] as number;
      // Where nothing fitted before, nothing fits now.
      if (leader === none) continue;
      if (leader === row) this.#lead(number, this.#racks.rows[number] as number[], excluding);
      else if (this.#bestOf([leader, row], excluding) === row) this.#lead(number, [row], excluding);
    }
    this.#claimed.length = 0;
  }

  /** Gives a rack the best of these hosts for its leader. */
  #lead(number: number, rows: readonly number[], excluding: Excluding | null): void {
    this.#take(number);
    this.#leaders[number] = this.#bestOf(rows, excluding);
    this.#put(number);
  }

  #bestOf(rows: readonly number[], excluding: Excluding | null): number {
    return this.#state.offers.index.bestOf(rows, this.#request.needs, this.#leading, excluding);
  }

  #put(number: number): void {
    if ((this.#leaders[number] as number) === none) return;
    this.#heap.push(number);
    this.#rise(this.#heap.length - 1, number);
  }

  /** Takes a rack out of the heap, if it is there. */
  #take(number: number): void {
    const place = this.#at[number] as number;
    if (place === none) return;
    this.#at[number] = none;
    const last = this.#heap.pop() as number;
    if (last === number) return;
    if (place > 0 && this.#before(last, this.#heap[(place - 1) >> 1] as number)) this.#rise(place, last);
    else this.#sink(place, last);
  }

  #rise(from: number, number: number): void {
    let place = from;
    while (place > 0) {
      const above = this.#heap[(place - 1) >> 1] as number;
      if (!this.#before(number, above)) break;
      this.#settle(place, above);
      place = (place - 1) >> 1;
    }
    this.#settle(place, number);
  }

  #sink(from: number, number: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#heap.length) break;
      const right = this.#heap[child + 1];
      if (right !== undefined && this.#before(right, this.#heap[child] as number)) child += 1;
      const below = this.#heap[child] as number;
      if (!this.#before(below, number)) break;
      this.#settle(place, below);
      place = child;
    }
    this.#settle(place, number);
  }

  #settle(place: number, number: number): void {
    this.#heap[place] = number;
    this.#at[number] = place;
  }

  /** Whether the leader of one rack is better than that of another. */
  #before(one: number, other: number): boolean {
    if (this.#tiers !== null) {
      const difference = (this.#tiers[one] as number) - (this.#tiers[other] as number);
      if (difference !== 0) return difference < 0;
    }
    const row = this.#leaders[one] as number;
    this.#pair[0] = row;
    this.#pair[1] = this.#leaders[other] as number;
    return this.#bestOf(this.#pair, null) === row;
  }
}
