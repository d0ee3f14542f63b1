/** Amounts of memory and disk as a scenario writes them. Only binary units: a decimal `GB` would be rounded unseen. */

const mibPerUnit: Record<string, number> = { Mi: 1, Gi: 1024, Ti: 1024 * 1024 };

/** What hosts have free is kept as int32. */
const mostOfAHostMib = 2 ** 31 - 1;

export const sizeWords = 'must be a size such as 512Mi, 4Gi or 1Ti, or a whole number of MiB';

/** Reads `512Mi`, `4Gi`, `1Ti` (`4GiB` as well, as the command line writes it) or MiB; null when it is none of them. */
export function parseSize(value: string | number, mostMib = mostOfAHostMib): number | null {
  const written = /^(\d+)(Mi|Gi|Ti)B?$/.exec(String(value));
  const mib = written ? Number(written[1]) * (mibPerUnit[written[2] as string] as number) : value;
  return typeof mib === 'number' && Number.isInteger(mib) && mib >= 0 && mib <= mostMib ? mib : null;
}

/** Exactly, in the largest unit that divides it: what is printed can be written into a scenario. */
export function formatSize(mib: number): string {
  const units = Object.entries(mibPerUnit).reverse();
  const [unit, per] = units.find(([, size]) => mib !== 0 && mib % size === 0) ?? ['Mi', 1];
  return `${mib / per}${unit}`;
}
