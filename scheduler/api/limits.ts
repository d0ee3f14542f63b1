/** The limits of what can be asked for, named once. */

import { largestSize } from '../core/sizes.js';

export const { vcpus: mostVcpus, memoryMib: mostMemoryMib, diskMib: largestDiskMib } = largestSize;
export { leastMemoryMib } from '../core/placement/suggestion.js';
export const largestBatch = 10_000;
export const mostPlacementEntries = 100;
export const mostJurisdictions = 32;
/** Of a host, and of those that a VM requires, or forbids. */
export const mostTraits = 64;
/** Each makes one round more of a search possible. */
export const mostPreferredTraits = 16;
/** Names of extras that one VM asks for, and how many of each. */
export const mostExtras = 16;
export const mostOfOneExtra = 64;
/** 2 MiB and 1 GiB. */
export const hugepageSizesKib: readonly number[] = [2048, 1_048_576];
export const mostCells = 8;
export const mostGroups = 8;
export const mostSkew = 1000;
export const leastOvercommitPercent = 10;
export const mostOvercommitPercent = 3200;
export const mostPriceTier = 99;
export const mostCountedVms = 10_000;
export const defaultStopGraceSeconds = 60;
export const longestStopGraceSeconds = 3600;
/** A call's message: the largest batch, with labels and wishes. Longer ones are refused by gRPC itself. */
export const largestMessageBytes = 16 * 2 ** 20;
