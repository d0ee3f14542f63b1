/**
 * The extras that this host gives away, as its sysadmin names them: PCI devices by their addresses, for only a human can
 * say which may be given to guests; and things without a device, such as licences, by their number.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';

/** By name: the addresses of its devices, or how many there are. */
export type ExtraCatalogue = Readonly<Record<string, number | readonly string[]>>;

/** As `lspci -D` prints it. */
export const pciAddress = /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

/** How many there are of each extra now: a device that has fallen off the bus is not given away. */
export async function countExtras(catalogue: ExtraCatalogue, sys = '/sys'): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [name, what] of Object.entries(catalogue)) {
    const count = typeof what === 'number' ? what : await countPresent(what, sys);
    if (count > 0) counts[name] = count;
  }
  return counts;
}

async function countPresent(addresses: readonly string[], sys: string): Promise<number> {
  const found = await Promise.allSettled(
    addresses.map((address) => access(join(sys, 'bus/pci/devices', address))),
  );
  return found.filter(({ status }) => status === 'fulfilled').length;
}
