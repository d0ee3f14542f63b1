/** Bytes as the contract counts them: whole MiB, in 32 bits. */
const mib = 1024 * 1024;
const largestInt32 = 2 ** 31 - 1;

export const toMib = (bytes: number): number => Math.min(largestInt32, Math.floor(bytes / mib));
