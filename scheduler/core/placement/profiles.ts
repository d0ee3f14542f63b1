/**
 * Hosts that are alike in all that rules read of them share a profile, so such a rule is asked once a profile
 * instead of once a host. Profiles are numbered, and which of them a request may use is a mask of bits; masks are
 * kept, since few kinds of requests come again and again.
 */
import type { VmPlacement } from '../model.js';
import type { State } from '../state.js';
import { hasProfile, type ProfileMask } from './rank-rows/rank-rows.js';
import type { PlacementRequest } from './request.js';
import { type ProfileOfHost, rules } from './rules/index.js';
import { tierNumber, tierOf } from './site-tiers.js';

const profileRules = rules.filter((rule) => rule.reads === 'profile');

/** More masks than this are not kept: requests that all differ must not fill the memory. */
const masksKept = 4096;
/** The same, of the ways to part one mask. */
const tiersKept = 64;

export class Profiles {
  readonly #numbers = new Map<string, number>();
  readonly #profiles: (ProfileOfHost | null)[] = [];
  readonly #keys: string[] = [];
  /** How many hosts have each profile. */
  readonly #hosts: number[] = [];
  readonly #free: number[] = [];
  readonly #masks = new Map<string, ProfileMask>();
  /** Those of requests that ask for nothing but an architecture and perhaps a pool: by these, without making a key. */
  readonly #plainMasks = new Map<string, Map<string, ProfileMask>>();
  /** The tiers of each mask, for as long as the mask itself is kept. */
  readonly #tiers = new WeakMap<ProfileMask, Map<string, readonly ProfileMask[]>>();
  /** How many profiles are kept for some administration. */
  #dedicated = 0;
  /** How many profiles are of hosts with GPUs. */
  #withGpus = 0;
  /** Masks without these profiles. */
  #sparing = new WeakMap<ProfileMask, ProfileMask>();

  /** The number of the profile that this key stands for, for a host more. */
  take(key: string, make: () => ProfileOfHost): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#profiles.length;
      const profile = make();
      this.#numbers.set(key, number);
      this.#keys[number] = key;
      this.#profiles[number] = profile;
      this.#hosts[number] = 0;
      if (profile.dedicatedTo !== null) this.#dedicated += 1;
      if (profile.hasGpus) this.#withGpus += 1;
      this.forgetMasks();
    }
    this.#hosts[number] = (this.#hosts[number] as number) + 1;
    return number;
  }

  /** A host less has this profile; with the last one its number may go to another. */
  release(number: number): void {
    const hosts = (this.#hosts[number] as number) - 1;
    this.#hosts[number] = hosts;
    if (hosts > 0) return;
    if (this.get(number).dedicatedTo !== null) this.#dedicated -= 1;
    if (this.get(number).hasGpus) this.#withGpus -= 1;
    this.#numbers.delete(this.#keys[number] as string);
    this.#profiles[number] = null;
    this.#free.push(number);
  }

  get(number: number): ProfileOfHost {
    const profile = this.#profiles[number];
    if (profile === null || profile === undefined) throw new Error(`no host has profile ${number}`);
    return profile;
  }

  /** To be called after something has changed that rules read, but that is no part of a profile. */
  forgetMasks(): void {
    this.#masks.clear();
    this.#plainMasks.clear();
    this.#sparing = new WeakMap();
  }

  /** The profiles that no rule excludes for this request. It is shared: nobody may write to it. */
  mask(state: State, request: PlacementRequest): ProfileMask {
    const { architecture, pool, administration, dataClass } = request;
    const where = state.tenancy.admission(administration, dataClass).key;
    const plain = where === '' && this.#dedicated === 0 && asksForNothing(request.placement);
    const key = plain ? '' : this.#maskKey(request, where);
    const known = plain ? this.#plainMasks.get(architecture)?.get(pool) : this.#masks.get(key);
    if (known !== undefined) return known;
    const mask = this.select(
      (profile) => !profileRules.some((rule) => rule.excludes(state, profile, request)),
    );
    if (!plain) {
      if (this.#masks.size >= masksKept) this.#masks.clear();
      this.#masks.set(key, mask);
      return mask;
    }
    const ofArchitecture = this.#plainMasks.get(architecture) ?? new Map<string, ProfileMask>();
    this.#plainMasks.set(architecture, ofArchitecture.set(pool, mask));
    return mask;
  }

  /**
   * A mask parted by the tiers that a request sees in sites, the best first. It is shared: nobody may write to it.
   */
  tiers(state: State, { placement }: PlacementRequest, mask: ProfileMask): readonly ProfileMask[] {
    const { preferCheap, preferredSites = [], preferredSitesInOrder } = placement;
    const key = `${preferCheap} ${preferredSitesInOrder} ${preferredSites.join()}`;
    let kept = this.#tiers.get(mask);
    if (kept === undefined || kept.size >= tiersKept) {
      kept = new Map();
      this.#tiers.set(mask, kept);
    }
    let tiers = kept.get(key);
    if (tiers === undefined) {
      tiers = this.#part(mask, (site) => tierNumber(tierOf(state, placement, site)));
      kept.set(key, tiers);
    }
    return tiers;
  }

  #part(mask: ProfileMask, numberOf: (site: string) => number): ProfileMask[] {
    const numbers = new Map<number, number>();
    for (const [profile, its] of this.#profiles.entries()) {
      if (its !== null && hasProfile(mask, profile)) numbers.set(profile, numberOf(its.site));
    }
    const tiers = [...new Set(numbers.values())].sort((a, b) => a - b);
    return tiers.map((tier) => this.select((_, profile) => numbers.get(profile) === tier));
  }

  get areAnyWithGpus(): boolean {
    return this.#withGpus > 0;
  }

  /** The same mask without hosts that have GPUs. */
  sparingGpus(mask: ProfileMask): ProfileMask {
    let sparing = this.#sparing.get(mask);
    if (sparing === undefined) {
      sparing = this.select(({ hasGpus }, number) => !hasGpus && hasProfile(mask, number));
      this.#sparing.set(mask, sparing);
    }
    return sparing;
  }

  /** A mask of these profiles. */
  select(wanted: (profile: ProfileOfHost, number: number) => boolean): ProfileMask {
    // At least as many words as the index may have: it doubles its room for profiles.
    const mask = new Int32Array(Math.max(1, Math.ceil(this.#profiles.length / 16)));
    for (const [number, profile] of this.#profiles.entries()) {
      if (profile === null || !wanted(profile, number)) continue;
      mask[number >>> 5] = (mask[number >>> 5] as number) | (1 << (number & 31));
    }
    return mask;
  }

  /** Everything that rules which are asked once a profile read of a request. */
  #maskKey({ architecture, pool, administration, placement }: PlacementRequest, where: string): string {
    const { sites, countries, jurisdictions, requiredTraits, forbiddenTraits } = placement;
    let key = `${architecture} ${pool} ${where}`;
    if (this.#dedicated > 0) key += ` ${administration}`;
    if (sites.length + countries.length > 0) key += ` in ${sites.join()} ${countries.join()}`;
    if (jurisdictions?.length) key += ` under ${jurisdictions.join()}`;
    if (requiredTraits?.length) key += ` with ${requiredTraits.join()}`;
    if (forbiddenTraits?.length) key += ` without ${forbiddenTraits.join()}`;
    return key;
  }
}

/** Whether rules that are asked once a profile find nothing to read in these wishes. */
function asksForNothing(placement: VmPlacement): boolean {
  const { sites, countries, jurisdictions, requiredTraits, forbiddenTraits } = placement;
  if (sites.length + countries.length > 0) return false;
  return !jurisdictions?.length && !requiredTraits?.length && !forbiddenTraits?.length;
}
