/**
 * What agents read of orphans, as the core understands it. It is what a VM will be made of if somebody adopts it, so it is
 * checked like a caller's words: what no VM can be is left out, and then is in the host's plain list of orphans alone.
 */
import type { Orphan__Output } from '../../proto/gen/secovia/v1/Orphan.js';
import { isExtraName, sortedExtras } from '../core/extras.js';
import type { Extras, NumaWish, Orphan } from '../core/model.js';
import { largestSize } from '../core/sizes.js';
import { cutText } from '../core/text.js';
import { newestTerm } from '../core/vm-changes.js';

const mostOrphans = 1000;
const longestProblem = 500;
const longestName = 200;
const longestPath = 1024;
const mostExtras = 16;
const mostOfOneExtra = 64;
const mostCells = 8;
const pageSizesKib = [0, 2048, 1_048_576];
/** A VM has fewer (`fleet/session.ts`). */
export const mostGenerations = 2 ** 24;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const digest = /^sha256:[0-9a-f]{64}$/;

/** Sorted by uid, of two with the same the first; undefined when there are none. */
export function orphansIn(messages: readonly Orphan__Output[]): Orphan[] | undefined {
  const byUid = new Map<string, Orphan>();
  for (const message of messages.slice(0, mostOrphans)) {
    const orphan = orphanIn(message);
    if (orphan !== null && !byUid.has(orphan.uid)) byUid.set(orphan.uid, orphan);
  }
  const orphans = [...byUid.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
  return orphans.length === 0 ? undefined : orphans;
}

function orphanIn(message: Orphan__Output): Orphan | null {
  const { uid, kind, vmName, running, resources, storagePoolPath, imageDigest, problem } = message;
  const { term, generation, rebootCount, hugepageSizeKib, numaCells, dedicatedCpus } = message;
  const { vcpus = 0, memoryMib = 0, diskMib = 0, extras = {} } = resources ?? {};
  const counts = Object.entries(extras);
  const isPossible =
    uuid.test(uid) &&
    (kind === 'ORPHAN_KIND_DOMAIN' || kind === 'ORPHAN_KIND_DISK') &&
    isWithin(vcpus, largestSize.vcpus) &&
    isWithin(memoryMib, largestSize.memoryMib) &&
    isWithin(diskMib, largestSize.diskMib) &&
    isWithin(term, newestTerm - 1) &&
    isWithin(generation, mostGenerations) &&
    isWithin(rebootCount, mostGenerations) &&
    pageSizesKib.includes(hugepageSizeKib) &&
    isWithin(numaCells.length, mostCells) &&
    storagePoolPath.length <= longestPath &&
    counts.length <= mostExtras &&
    counts.every(([name, count]) => isExtraName(name) && isWithin(count, mostOfOneExtra));
  if (!isPossible) return null;
  const sorted: Extras | undefined = sortedExtras(extras);
  const numa: NumaWish = { cells: numaCells.length, dedicatedCpus };
  return {
    uid,
    kind: kind === 'ORPHAN_KIND_DOMAIN' ? 'domain' : 'disk',
    vmName: cutText(vmName, longestName),
    running: running && kind === 'ORPHAN_KIND_DOMAIN',
    size: { vcpus, memoryMib, diskMib },
    ...(sorted === undefined ? {} : { extras: sorted }),
    ...(hugepageSizeKib === 0 ? {} : { hugepageKib: hugepageSizeKib }),
    ...(numaCells.length === 0 ? {} : { numa, numaCells: [...numaCells].sort((a, b) => a - b) }),
    poolPath: storagePoolPath,
    imageDigest: digest.test(imageDigest) ? imageDigest : '',
    term,
    generation,
    rebootCount,
    problem: cutText(problem, longestProblem),
  };
}

const isWithin = (value: number, most: number): boolean => value >= 0 && value <= most;
