/**
 * Hosts that are alike in all that rules read of them share a profile, so such a rule is asked once a profile
 * instead of once a host. Profiles are numbered, and which of them a request may use is a mask of bits; masks are
 * kept, since few kinds of requests come again and again.
 */
import type { State } from '../state.js';
import type { PlacementRequest } from './placement.js';
import type { ProfileMask } from './rank-rows/rank-rows.js';
import { type ProfileOfHost, rules } from './rules/index.js';

const profileRules = rules.filter((rule) => rule.reads === 'profile');

/** More masks than this are not kept: requests that all differ must not fill the memory. */
const masksKept = 4096;

export class Profiles {
  readonly #numbers = new Map<string, number>();
  readonly #profiles: (ProfileOfHost | null)[] = [];
  /** How many hosts have each profile. */
  readonly #hosts: number[] = [];
  readonly #free: number[] = [];
  readonly #masks = new Map<string, ProfileMask>();

  /** The number of a profile, for a host more. */
  take(profile: ProfileOfHost): number {
    const key = JSON.stringify([profile.site, profile.architecture, profile.pools]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#profiles.length;
      this.#numbers.set(key, number);
      this.#profiles[number] = profile;
      this.#hosts[number] = 0;
      this.#masks.clear();
    }
    this.#hosts[number] = (this.#hosts[number] as number) + 1;
    return number;
  }

  /** A host less has this profile; with the last one its number may go to another. */
  release(number: number): void {
    const hosts = (this.#hosts[number] as number) - 1;
    this.#hosts[number] = hosts;
    if (hosts > 0) return;
    const { site, architecture, pools } = this.#profiles[number] as ProfileOfHost;
    this.#numbers.delete(JSON.stringify([site, architecture, pools]));
    this.#profiles[number] = null;
    this.#free.push(number);
  }

  /** The profiles that no rule excludes for this request. */
  mask(state: State, request: PlacementRequest): ProfileMask {
    const { sites, countries } = request.placement;
    const key = `${request.architecture} ${request.pool} ${sites.join()} ${countries.join()}`;
    const known = this.#masks.get(key);
    if (known !== undefined) return known;
    // At least as many words as the index may have: it doubles its room for profiles.
    const mask = new Int32Array(Math.max(1, Math.ceil(this.#profiles.length / 16)));
    for (const [number, profile] of this.#profiles.entries()) {
      if (profile === null || profileRules.some((rule) => rule.excludes(state, profile, request))) continue;
      mask[number >>> 5] = (mask[number >>> 5] as number) | (1 << (number & 31));
    }
    if (this.#masks.size >= masksKept) this.#masks.clear();
    this.#masks.set(key, mask);
    return mask;
  }
}
