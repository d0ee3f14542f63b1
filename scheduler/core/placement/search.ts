/**
 * Finds the host for a request. The objective is lexicographic: hard rules, then the fewest soft violations, then, for
 * a VM that needs no GPU, hosts without any, then the lowest score, then the lowest id. Soft violations are gone through
 * level by level, so that within a level the score alone decides, and the index can answer.
 */
import type { Host } from '../model.js';
import { hasGpus } from '../extras.js';
import type { State } from '../state.js';
import type { Excluding, ProfileMask } from './rank-rows/rank-rows.js';
import { excludesHost, isAgainst, type Verdict, verdictsOn } from './relations.js';
import type { PlacementRequest } from './request.js';
import { rules } from './rules/index.js';

const nameRules = rules.filter((rule) => rule.reads === 'name');
const noNames: readonly string[] = [];

/** Above this many places their hosts are not listed; each host that could win is asked where it is instead. */
const mostListedPlaces = 64;

/** The row of the best host for a request; -1 if none can take it. */
export function findHost(state: State, request: PlacementRequest): number {
  const { offers } = state;
  const { excludedHosts, preferredTraits = noNames } = request.placement;
  const mask = offers.profiles.mask(state, request);
  const named = excludedHosts.length + request.refusedBy.length > 0 ? byName(state, request) : null;
  const verdicts = verdictsOn(state, request, mask);
  if (verdicts.length + preferredTraits.length === 0) return findSparing(state, request, mask, named, null);
  return findByLevel(state, request, mask, named, verdicts);
}

function byName(state: State, request: PlacementRequest): Excluding {
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
): number {
  const { placement } = request;
  const hard = verdicts.filter(({ soft }) => !soft);
  const soft = verdicts.filter((verdict) => verdict.soft);
  const levels = soft.length + (placement.preferredTraits?.length ?? 0);
  for (let level = 0; level <= levels; level += 1) {
    // At the first level soft verdicts bind like hard ones, which may leave few hosts to look at.
    const binding = level === 0 ? verdicts : hard;
    const allowed = narrow(
      state,
      mask,
      binding,
      (traits) => missing(traits, placement.preferredTraits) <= level,
    );
    const excluding = excludingHosts(state, request, named, hard, soft, level);
    const listed = binding.find(
      ({ scope, only, places }) => only && scope !== 'site' && places.size <= mostListedPlaces,
    );
    const rows = listed ? [...rowsIn(state, listed)] : null;
    const found = findSparing(state, request, allowed, excluding, rows);
    if (found >= 0) return found;
  }
  return -1;
}

/** Whether hosts with GPUs are to be left to others as long as another host will do. */
export function sparesGpus(state: State, { extras }: PlacementRequest): boolean {
  return state.offers.profiles.areAnyWithGpus && !hasGpus(extras);
}

/** The best host, or the best of these rows; hosts with GPUs come last for VMs that need none. */
function findSparing(
  state: State,
  request: PlacementRequest,
  mask: ProfileMask,
  excluding: Excluding | null,
  rows: readonly number[] | null,
): number {
  if (!sparesGpus(state, request)) return findBest(state, request, mask, excluding, rows);
  const sparing = state.offers.profiles.sparingGpus(mask);
  const found = findBest(state, request, sparing, excluding, rows);
  return found >= 0 ? found : findBest(state, request, mask, excluding, rows);
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

/** The profiles of the mask that verdicts about sites leave, and whose traits will do. */
function narrow(
  state: State,
  mask: ProfileMask,
  verdicts: readonly Verdict[],
  enough: (traits: ReadonlySet<string>) => boolean,
): ProfileMask {
  const bySite = verdicts.filter(({ scope }) => scope === 'site');
  const narrowed = state.offers.profiles.select(
    ({ site, traits }) => !bySite.some((verdict) => isAgainst(verdict, site)) && enough(traits),
  );
  for (let word = 0; word < narrowed.length; word += 1) {
    narrowed[word] = (narrowed[word] as number) & (mask[word] ?? 0);
  }
  return narrowed;
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
  const { hosts } = state.hostTable;
  return {
    excludes: (row) => {
      if (named?.excludes(row) === true) return true;
      if (byHost.some((verdict) => excludesHost(verdict, hosts[row] as Host))) return true;
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
  const host = state.hostTable.hosts[row] as Host;
  let violations = missing(state.offers.profile(row).traits, preferredTraits);
  for (const verdict of soft) if (excludesHost(verdict, host)) violations += 1;
  return violations;
}

/** The rows of the hosts in a verdict's places. */
function* rowsIn(state: State, { scope, places }: Verdict): Iterable<number> {
  for (const place of places) {
    if (scope === 'rack') yield* state.offers.rowsOfRack(place);
    else {
      const row = state.hostTable.row(place);
      if (row !== undefined) yield row;
    }
  }
}
