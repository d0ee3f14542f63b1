/** How many VMs fit, as people see it: the sites, and the sum in a sentence. */
import type { EstimateCapacityResponse__Output } from '../../proto/gen/secovia/v1/EstimateCapacityResponse.js';
import type { SiteCapacity__Output } from '../../proto/gen/secovia/v1/SiteCapacity.js';
import type { Paint } from '../output/colours.js';
import { type Column, Table } from '../output/table.js';
import { shortName } from '../values/names.js';

const columns: Column<SiteCapacity__Output>[] = [
  { head: 'SITE', value: ({ site }) => shortName(site) },
  { head: 'VMS', value: ({ vms }) => String(vms), align: 'right' },
];

export async function capacityText(
  { vms, limited, sites }: EstimateCapacityResponse__Output,
  paint: Paint,
): Promise<string> {
  const table = sites.length === 0 ? '' : await new Table(columns, paint).page(sites);
  return `${table}${sentence(vms, limited)}\n`;
}

function sentence(vms: number, limited: boolean): string {
  if (limited) return `at least ${vms} such VMs fit: the limit was reached, and more may fit`;
  if (vms === 0) return 'no such VM fits; secovia vm explain with the same options says why';
  return vms === 1 ? '1 such VM fits' : `${vms} such VMs fit`;
}
