/** Hugepages and NUMA cells that a VM asks for, checked for form. */
import type { VmSpec__Output } from '../../proto/gen/secovia/v1/VmSpec.js';
import type { NumaWish } from '../core/model.js';
import { misfits } from '../core/placement/numa/layout.js';
import type { Fields } from './fields.js';
import { hugepageSizesKib, mostCells } from './limits.js';

export interface WantedLayout {
  hugepageKib?: number;
  numa?: NumaWish;
}

/** `at` is the field of the specification. What is not asked for is left out. */
export function wantedLayout(fields: Fields, at: string, spec: VmSpec__Output): WantedLayout {
  const { vcpus, memoryMib, hugepageSizeKib, numa } = spec;
  const dedicatedCpus = numa?.dedicatedCpus ?? false;
  if (hugepageSizeKib === 0 && numa === null) return {};
  if (hugepageSizeKib !== 0 && !hugepageSizesKib.includes(hugepageSizeKib)) {
    const sizes = hugepageSizesKib.join(' or ');
    fields.fault(`${at}.hugepage_size_kib`, `${hugepageSizeKib} must be ${sizes}, or 0 for ordinary memory`);
    return {};
  }
  const cells = fields.whole(`${at}.numa.cells`, numa?.cells ?? 0, 0, mostCells);
  if (dedicatedCpus && cells === 0) {
    fields.fault(`${at}.numa.dedicated_cpus`, 'needs cells: CPUs are dedicated within cells; say 1 or more');
  }
  if (cells >= 0 && cells <= mostCells) {
    const layout = { cells, dedicatedCpus, hugepageKib: hugepageSizeKib, vcpus, memoryMib };
    for (const { field, description } of misfits(layout)) fields.fault(`${at}.${field}`, description);
  }
  const wanted: WantedLayout = {};
  if (hugepageSizeKib > 0) wanted.hugepageKib = hugepageSizeKib;
  if (cells > 0) wanted.numa = { cells, dedicatedCpus };
  return wanted;
}
