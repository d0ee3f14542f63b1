/** The limits of what can be asked for, named once. */

export const mostVcpus = 512;
export const leastMemoryMib = 64;
/** 16 TiB. */
export const mostMemoryMib = 16 * 2 ** 20;
/** 64 TiB. */
export const largestDiskMib = 64 * 2 ** 20;
export const largestBatch = 1000;
export const mostPlacementEntries = 100;
export const defaultStopGraceSeconds = 60;
export const longestStopGraceSeconds = 3600;
/** A call's message; longer ones are refused by gRPC itself. */
export const largestMessageBytes = 4 * 2 ** 20;
