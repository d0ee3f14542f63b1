/** What a request needs of its host in amounts, each with the code for want of it. */
import type { State } from '../state.js';
import type { PlacementRequest } from './request.js';

/** In the order in which the first one that a host lacks is named: what is rare comes first. */
export const resourceCodes = [
  'LACKS_EXTRA',
  'LACKS_MEMORY',
  'LACKS_VCPUS',
  'LACKS_DISK',
  'LACKS_VM_SLOTS',
] as const;

export type ResourceCode = (typeof resourceCodes)[number];

export interface Amount {
  code: ResourceCode;
  /** Which extra it is, of `LACKS_EXTRA`. */
  extra?: string;
  /** How much more than it has free the host of a row would need; 0 or below when it has enough. */
  missing(row: number): number;
}

export function amountsOf({ hostTable }: State, { needs, extras = {} }: PlacementRequest): Amount[] {
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
  ];
}
