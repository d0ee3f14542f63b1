/**
 * Finds the host for a request. The objective is lexicographic: hard rules, then the fewest soft violations, then, for a
 * VM that needs no GPU, hosts without any, then the best tier of sites, then the lowest score, then the lowest id. Soft
 * violations are gone through level by level, and tiers one after the other, so that within them the score alone
 * decides, and the index can answer.
 */
import type { Host } from '../model.js';
import { hasGpus } from '../extras.js';
import type { State } from '../state.js';
import { exceededEverywhere } from '../tenancy/limits.js';
import type { Excluding, ProfileMask } from './rank-rows/rank-rows.js';
import { excludesHost, isAgainst, type Verdict, verdictsOn } from './relations.js';
import type { PlacementRequest } from './request.js';
import { rules } from './rules/index.js';
import { prefersSites } from './site-tiers.js';

const nameRules = rules.filter((rule) => rule.reads === 'name');
const noNames: readonly string[] = [];

/** Above this many places it is not even counted how many hosts they have. */
const mostListedPlaces = 64;
/** Places are few when going through all their hosts takes less than meeting one of them by chance. */
const fewerThanRoots = 4;

/**
 * The row of the best host for a request; -1 if none can take it. `fewest` is how many soft violations it has at least,
 * when that is known.
 */
export function findHost(state: State, request: PlacementRequest, fewest = 0): number {
  if (exceededEverywhere(state.tenancy, request) !== null) return -1;
  const { offers } = state;
  const { preferredTraits = noNames } = request.placement;
  const mask = offers.profiles.mask(state, request);
  const named = namedHosts(state, request);
  const verdicts = verdictsOn(state, request, mask);
  if (verdicts.length + preferredTraits.length === 0) {
    return findAllowed(state, request, mask, null, named, null);
  }
  return findByLevel(state, request, mask, named, verdicts, fewest);
}

/** The hosts that a request names, as ones that it may not use; null when it names none. */
export function namedHosts(state: State, request: PlacementRequest): Excluding | null {
  if (request.placement.excludedHosts.length + request.refusedBy.length === 0) return null;
  const { hosts } = state.hostTable;
  return {
    excludes: (row) => nameRules.some((rule) => rule.excludes(state, hosts[row] as Host, request)),
  };
}

function findByLevel(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  named: Excluding | null,
  verdicts: readonly Verdict[],
  fewest: number,
): number {
  const { placement } = request;
  const hard = verdicts.filter(({ soft }) => !soft);
  const soft = verdicts.filter((verdict) => verdict.soft);
  const levels = soft.length + (placement.preferredTraits?.length ?? 0);
  for (let level = fewest; level <= levels; level += 1) {
    // At the first level soft verdicts bind like hard ones, which may leave few hosts to look at.
    const binding = level === 0 ? verdicts : hard;
    const allowed = narrow(state, mask, binding, placement.preferredTraits, level);
    const excluding = excludingHosts(state, request, named, hard, soft, level);
    const found = findAllowed(
      state,
      request,
      mask,
      allowed === mask ? null : allowed,
      excluding,
      rowsOfFewPlaces(state, binding),
    );
    if (found >= 0) return found;
  }
  return -1;
}

/** Whether hosts with GPUs are to be left to others as long as another host will do. */
export function sparesGpus(state: State, { extras }: PlacementRequest): boolean {
  return state.offers.profiles.areAnyWithGpus && !hasGpus(extras);
}

/**
 * The best host of those that a mask allows, and where given, of these profiles and these rows; hosts with GPUs come last
 * for VMs that need none.
 */
function findAllowed(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  allowed: ProfileMask | null,
  excluding: Excluding | null,
  rows: readonly number[] | null,
): number {
  if (sparesGpus(state, request)) {
    const sparing = state.offers.profiles.sparingGpus(mask);
    const found = findByTier(state, request, sparing, allowed, excluding, rows);
    if (found >= 0) return found;
  }
  return findByTier(state, request, mask, allowed, excluding, rows);
}

/** What is found among the profiles of the best tier that has something; tiers part what a mask has. */
function findByTier(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  allowed: ProfileMask | null,
  excluding: Excluding | null,
  rows: readonly number[] | null,
): number {
  if (!prefersSites(request.placement)) {
    return findBest(state, request, common(allowed, mask), excluding, rows);
  }
  for (const tier of state.offers.profiles.tiers(state, request, mask)) {
    const found = findBest(state, request, common(allowed, tier), excluding, rows);
    if (found >= 0) return found;
  }
  return -1;
}

/** Of hosts with the extras that are asked for, those with the fewest free come first. */
function findBest(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  excluding: Excluding | null,
  rows: readonly number[] | null,
): number {
  const { extras } = request;
  if (extras === undefined) return findByScore(state, request, mask, excluding, rows);
  const listed = rows === null ? null : new Set(rows);
  for (const group of state.hostTable.extras.candidates(extras)) {
    const among = listed === null ? group : group.filter((row) => listed.has(row));
    const found = findByScore(state, request, mask, excluding, among);
    if (found >= 0) return found;
  }
  return -1;
}

function common(allowed: ProfileMask | null, mask: ProfileMask): ProfileMask {
  return allowed === null ? mask : allowed.map((word, at) => word & (mask[at] ?? 0));
}

function findByScore(
  { hostTable, offers }: State,
  { needs, layout }: PlacementRequest,
  mask: ProfileMask,
  excluding: Excluding | null,
  rows: readonly number[] | null,
): number {
  if (layout !== undefined) return hostTable.rooms.find(layout, needs, mask, excluding, rows);
  const { index } = offers;
  return rows === null ? index.find(needs, mask, excluding) : index.bestOf(rows, needs, mask, excluding);
}

function missing(traits: ReadonlySet<string>, preferred: readonly string[] = noNames): number {
  return preferred.reduce((count, trait) => count + (traits.has(trait) ? 0 : 1), 0);
}

/** The profiles of the mask that verdicts about sites leave, and that lack at most so many of the preferred traits. */
function narrow(
  state: State,
  mask: ProfileMask,
  verdicts: readonly Verdict[],
  preferred: readonly string[] = noNames,
  most: number,
): ProfileMask {
  const bySite = verdicts.filter(({ scope }) => scope === 'site');
  if (bySite.length + preferred.length === 0) return mask;
  const narrowed = state.offers.profiles.select(
    ({ site, traits }) =>
      !bySite.some((verdict) => isAgainst(verdict, site)) && missing(traits, preferred) <= most,
  );
  return common(narrowed, mask);
}

/** What must be asked of each host that could win; null when there is nothing to ask. */
function excludingHosts(
  state: State,
  { placement }: PlacementRequest,
  named: Excluding | null,
  hard: readonly Verdict[],
  soft: readonly Verdict[],
  level: number,
): Excluding | null {
  const byHost = hard.filter(({ scope }) => scope !== 'site');
  if (byHost.length + soft.length === 0) return named;
  return {
    excludes: (row) => {
      if (named?.excludes(row) === true) return true;
      if (byHost.some((verdict) => excludesHost(state, verdict, row))) return true;
      return softViolations(state, row, soft, placement.preferredTraits) > level;
    },
  };
}

/** How many of these soft verdicts, and of the preferred traits, the host of a row does not meet. */
export function softViolations(
  state: State,
  row: number,
  soft: readonly Verdict[],
  preferredTraits: readonly string[] | undefined,
): number {
  let violations = missing(state.offers.profile(row).traits, preferredTraits);
  for (const verdict of soft) if (excludesHost(state, verdict, row)) violations += 1;
  return violations;
}

/** The rows of the hosts in the only places that some verdict allows, if these are few; else null. */
function rowsOfFewPlaces(state: State, verdicts: readonly Verdict[]): number[] | null {
  const { offers, hostTable } = state;
  const most = fewerThanRoots * Math.sqrt(hostTable.count);
  for (const { only, scope, places } of verdicts) {
    if (!only || scope === 'site' || places.size > mostListedPlaces) continue;
    const rows: number[] = [];
    for (const place of places.keys()) {
      if (scope === 'rack') rows.push(...offers.rowsOfRack(place));
      else {
        const row = hostTable.row(place);
        if (row !== undefined) rows.push(row);
      }
      if (rows.length > most) break;
    }
    if (rows.length <= most) return rows;
  }
  return null;
}
