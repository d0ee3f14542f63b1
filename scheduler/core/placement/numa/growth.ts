/** Whether a VM that has a layout may grow where it is: on its host, and on the cells that it has there. */
import type { HostTable } from '../../host-table.js';
import type { NumaCell, Vm, VmSpec } from '../../model.js';
import { heldSpec } from '../../state.js';
import { type Layout, layoutOf } from './layout.js';

/**
 * A sentence for each thing that is too little for the VM to hold what this specification says instead of what it holds
 * now. What does not grow is not asked about.
 */
export function shortOfLayout(table: HostTable, row: number, vm: Vm, spec: VmSpec): string[] {
  const before = layoutOf(heldSpec(vm));
  const after = layoutOf(spec);
  if (before === undefined || after === undefined) return [];
  const { cellRooms } = table;
  const short: string[] = [];
  const check = (name: string, free: number, more: number) => {
    if (more > 0 && more > free) short.push(`${name}: ${more} more needed, ${Math.max(free, 0)} free`);
  };
  const vcpus = after.vcpus - before.vcpus;
  const memoryMib = after.memoryMib - before.memoryMib;
  const { dedicatedCpus, hugepageKib } = after;
  const cpuName = dedicatedCpus ? 'dedicated CPUs' : 'vCPUs';
  const memoryName = hugepageKib > 0 ? `MiB in pages of ${hugepageKib / 1024} MiB` : 'memory MiB';
  if (dedicatedCpus) check(cpuName, cellRooms.dedicable(row), vcpus);
  if (hugepageKib > 0) check(memoryName, cellRooms.hugeMib(row, hugepageKib), memoryMib);
  for (const id of vm.numaCells ?? []) {
    const cell = cellRooms.cells(row).find((one) => one.id === id);
    const free = (amount: (cell: NumaCell) => number) => (cell === undefined ? 0 : amount(cell));
    check(
      `${cpuName} of cell ${id}`,
      free((one) => cellRooms.cellVcpus(row, one, after)),
      part(vcpus, after),
    );
    check(
      `${memoryName} of cell ${id}`,
      free((one) => cellRooms.cellMemoryMib(row, one, after)),
      part(memoryMib, after),
    );
  }
  return short;
}

const part = (amount: number, { cells }: Layout): number => amount / cells;
