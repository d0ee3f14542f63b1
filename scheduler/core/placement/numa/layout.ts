/**
 * How a VM lies on a host whose cells or hugepages it asks for. Most VMs ask for neither: they have no layout, float
 * over all cells, and nothing here is looked at for them.
 */
import type { VmSpec } from '../../model.js';

export interface Layout {
  /** It has so many equal cells; 0 means that it floats over all of them. */
  cells: number;
  /** Its vCPUs have whole CPUs to themselves. */
  dedicatedCpus: boolean;
  /** Its memory is made of pages of this size; 0 means ordinary memory. */
  hugepageKib: number;
  /** In all. */
  vcpus: number;
  memoryMib: number;
}

/** Undefined for a VM that asks for nothing of the kind. */
export function layoutOf(spec: VmSpec): Layout | undefined {
  if (spec.numa === undefined && spec.hugepageKib === undefined) return undefined;
  const { vcpus, memoryMib, hugepageKib = 0, numa } = spec;
  return {
    cells: numa?.cells ?? 0,
    dedicatedCpus: numa?.dedicatedCpus ?? false,
    hugepageKib,
    vcpus,
    memoryMib,
  };
}

/** The step in which the memory of such a layout grows: whole pages in each cell. */
export function memoryStepMib({ cells, hugepageKib }: Pick<Layout, 'cells' | 'hugepageKib'>): number {
  return Math.max(1, cells) * Math.max(1, hugepageKib / 1024);
}

/** What is wrong with a size that such a layout cannot have, by the field of the VM's specification. */
export function misfits(layout: Layout): { field: 'vcpus' | 'memory_mib'; description: string }[] {
  const { cells, vcpus, memoryMib, hugepageKib } = layout;
  const faults: ReturnType<typeof misfits> = [];
  if (cells > 1 && vcpus % cells !== 0) {
    faults.push({
      field: 'vcpus',
      description: `${vcpus} vCPUs cannot be divided into ${cells} equal cells`,
    });
  }
  const step = memoryStepMib(layout);
  if (memoryMib % step !== 0) {
    const parts = cells > 1 ? `${cells} equal cells` : '';
    const pages = hugepageKib > 0 ? `pages of ${hugepageKib / 1024} MiB` : '';
    const what = [parts, pages].filter(Boolean).join(' of whole ');
    const description = `${memoryMib} MiB cannot be divided into ${what || 'whole MiB'}; it must be a multiple of ${step}`;
    faults.push({ field: 'memory_mib', description });
  }
  return faults;
}
