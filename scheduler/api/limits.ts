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
/** Entries of a partner's own administrations, and of a residency rule's countries. */
export const mostOwnAdministrations = 100;
export const mostRuleCountries = 100;
/** Names of extras that one limit speaks of. */
export const mostLimitedExtras = 64;
/** Of any one amount in a limit: sums of a few stay whole numbers of a double. */
export const mostOfALimit = 1e12;
export const mostDataClassLevel = 100;
export const mostRulePriority = 1000;
export const mostNoticeDays = 3650;
/** A million of the currency's main unit an hour. */
export const mostPriceMicros = 1e12;
export const loanNoteLimit = 500;
export const legalBasisLimit = 1000;
/** A call's message: the largest batch, with labels and wishes. Longer ones are refused by gRPC itself. */
export const largestMessageBytes = 16 * 2 ** 20;
