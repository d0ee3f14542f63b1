/** Where a domain lies on the machine, as parts of its XML, and read from them again. */
import type { DomainLayout } from '../layout.js';
import { formatCpus, parseCpus } from './cpu-set.js';
import { element, type XmlElement, XmlView } from './xml.js';

export function memoryBacking({ hugepageKib }: DomainLayout): XmlElement | null {
  if (hugepageKib === 0) return null;
  const page = element('page', { size: hugepageKib, unit: 'KiB' });
  return element('memoryBacking', {}, element('hugepages', {}, page));
}

/** Its `cpuset` says which CPUs the domain has to itself: nobody else is let on them. */
export function vcpu(vcpus: number, { dedicated, pins }: DomainLayout, most = vcpus): XmlElement {
  const cpuset = dedicated ? formatCpus(pins.flat()) : undefined;
  const current = most > vcpus ? vcpus : undefined;
  return element('vcpu', { placement: 'static', cpuset, current }, String(most));
}

export function cpuTune({ pins, emulator }: DomainLayout): XmlElement | null {
  if (pins.length === 0) return null;
  return element(
    'cputune',
    {},
    ...pins.map((cpus, index) => element('vcpupin', { vcpu: index, cpuset: formatCpus(cpus) })),
    element('emulatorpin', { cpuset: formatCpus(emulator) }),
  );
}

export function numaTune({ cells }: DomainLayout): XmlElement | null {
  if (cells.length === 0) return null;
  const nodeset = formatCpus(cells.map(({ id }) => id));
  const nodes = cells.map(({ id }, cellid) => element('memnode', { cellid, mode: 'strict', nodeset: id }));
  return element(
    'numatune',
    {},
    element('memory', { mode: 'strict', nodeset }),
    ...(cells.length > 1 ? nodes : []),
  );
}

/** The cells that the guest sees; a guest in one cell sees none. */
export function guestCells(memoryMib: number, { cells }: DomainLayout): XmlElement | null {
  if (cells.length < 2) return null;
  const memory = (memoryMib * 1024) / cells.length;
  return element(
    'numa',
    {},
    ...cells.map(({ vcpus }, id) => element('cell', { id, cpus: formatCpus(vcpus), memory, unit: 'KiB' })),
  );
}

export interface Pinned {
  /** CPUs that it has to itself; empty for one that shares. */
  dedicated: number[];
  /** The cells that it is bound to; empty for one that floats. */
  cells: number[];
  /** With those that it can be given while it runs. */
  vcpus: number;
  /** The CPUs that each vCPU may run on, where that is said. */
  pins: ReadonlyMap<number, number[]>;
}

export function readPinned(xml: string): Pinned {
  const domain = XmlView.parse(xml).first('domain');
  const cpuset = domain?.first('vcpu')?.attribute('cpuset');
  const nodeset = domain?.first('numatune', 'memory')?.attribute('nodeset');
  return {
    dedicated: cpuset === undefined ? [] : parseCpus(cpuset),
    cells: nodeset === undefined ? [] : parseCpus(nodeset),
    vcpus: Number(domain?.first('vcpu')?.text ?? 0),
    pins: new Map(
      (domain?.all('cputune', 'vcpupin') ?? []).map((pin) => [
        Number(pin.attribute('vcpu')),
        parseCpus(pin.attribute('cpuset') ?? ''),
      ]),
    ),
  };
}
