/** What a host has of NUMA cells and hugepages, and how much of it VMs hold, as people see it. */
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { HostNumaCell__Output } from '../../proto/gen/secovia/v1/HostNumaCell.js';
import type { HugepagePool__Output } from '../../proto/gen/secovia/v1/HugepagePool.js';
import type { SheetRow } from '../output/sheet.js';
import { formatPageSize } from '../values/layouts.js';
import { formatMib } from '../values/sizes.js';

/** Held by VMs, of what there is. Cells that only the inventory knows are not placed by. */
export function cellRows({ numaCells, hugepages, inventory }: Host__Output): SheetRow[] {
  const shown = (inventory?.numaCells ?? []).map(
    (cell) => `${cell.id}: ${cell.cpus} CPUs, ${formatMib(cell.memoryMib)}; VMs are not bound to it`,
  );
  return [
    ['Hugepages', hugepages.map(poolText)],
    ['NUMA cells', numaCells.length === 0 ? shown : numaCells.map(cellText)],
  ];
}

function cellText(cell: HostNumaCell__Output): string {
  const { id, cpus, dedicatedCpus, claimedVcpus, memoryMib, claimedMemoryMib, hugepages } = cell;
  return [
    `${id}: ${dedicatedCpus}/${cpus} CPUs dedicated`,
    ...(claimedVcpus > 0 ? [`${claimedVcpus} vCPUs bound`] : []),
    `${formatMib(claimedMemoryMib)}/${formatMib(memoryMib)} memory`,
    ...hugepages.map(poolText),
  ].join(', ');
}

function poolText({ sizeKib, count, claimed }: HugepagePool__Output): string {
  return `${claimed}/${count} of ${formatPageSize(sizeKib)}`;
}
