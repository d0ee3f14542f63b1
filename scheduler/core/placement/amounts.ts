/** What a request needs of its host in amounts, each with the code for want of it. */
import type { HostTable } from '../host-table.js';
import type { State } from '../state.js';
import type { Layout } from './numa/layout.js';
import type { PlacementRequest } from './request.js';

/** In the order in which the first one that a host lacks is named: what is rare comes first. */
export const resourceCodes = [
  'LACKS_EXTRA',
  'LACKS_HUGEPAGES',
  'LACKS_MEMORY',
  'LACKS_DEDICATED_CPUS',
  'LACKS_VCPUS',
  'LACKS_DISK',
  'LACKS_VM_SLOTS',
  'LACKS_NUMA_CELL',
] as const;

export type ResourceCode = (typeof resourceCodes)[number];

export interface Amount {
  code: ResourceCode;
  /** Which extra it is, of `LACKS_EXTRA`. */
  extra?: string;
  /** How much more than it has free the host of a row would need; 0 or below when it has enough. */
  missing(row: number): number;
}

export function amountsOf({ hostTable }: State, request: PlacementRequest): Amount[] {
  const { needs, extras = {}, layout } = request;
  const { freeMemoryMib, freeVcpus, freeDiskMib, freeVms } = hostTable;
  const amount = (code: ResourceCode, needed: number, free: Int32Array): Amount => ({
    code,
    missing: (row) => needed - (free[row] as number),
  });
  return [
    ...Object.entries(extras).map(
      ([extra, count]): Amount => ({
        code: 'LACKS_EXTRA',
        extra,
        missing: (row) => count - hostTable.extras.free(row, extra),
      }),
    ),
    amount('LACKS_MEMORY', needs.memoryMib, freeMemoryMib),
    amount('LACKS_VCPUS', needs.vcpus, freeVcpus),
    amount('LACKS_DISK', needs.diskMib, freeDiskMib),
    amount('LACKS_VM_SLOTS', needs.vms, freeVms),
    ...(layout === undefined ? [] : amountsOfLayout(hostTable, layout)),
  ];
}

function amountsOfLayout({ cellRooms }: HostTable, layout: Layout): Amount[] {
  const { cells, dedicatedCpus, hugepageKib, vcpus, memoryMib } = layout;
  const amounts: Amount[] = [];
  if (hugepageKib > 0) {
    const missing = (row: number) => memoryMib - cellRooms.hugeMib(row, hugepageKib);
    amounts.push({ code: 'LACKS_HUGEPAGES', missing });
  }
  if (dedicatedCpus) {
    amounts.push({ code: 'LACKS_DEDICATED_CPUS', missing: (row) => vcpus - cellRooms.dedicable(row) });
  }
  if (cells > 0) {
    // A host that has too little as a whole is told of for that alone.
    const missing = (row: number) =>
      cellRooms.fitsWhole(row, layout) ? cells - cellRooms.fitting(row, layout) : 0;
    amounts.push({ code: 'LACKS_NUMA_CELL', missing });
  }
  return amounts;
}
