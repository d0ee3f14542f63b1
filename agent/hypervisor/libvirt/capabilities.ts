/**
 * What libvirt says about the machine and about the guests it can run, read from its capabilities document.
 */
import type { NumaCellFacts } from '../hypervisor.js';
import { XmlView } from './xml.js';

/** How domains are made on this host. */
export interface GuestSupport {
  domainType: 'kvm' | 'qemu' | 'test';
  architecture: string;
  emulator: string;
  machine: string | undefined;
}

export interface Capabilities {
  architecture: string;
  cpuModel: string;
  cpuFeatures: string[];
  numaCells: NumaCellFacts[];
  /** Types of domains for the machine's own architecture, e.g. `qemu` and `kvm`. */
  domainTypes: string[];
  emulator: string;
  machines: string[];
}

const toMib = (amount: number, unit: string): number => {
  const kib: Record<string, number> = { b: 1 / 1024, KiB: 1, MiB: 1024, GiB: 1024 * 1024 };
  return Math.floor((amount * (kib[unit] ?? 1)) / 1024);
};

/** Smaller pages are the machine's ordinary ones. */
const smallestHugepageKib = 1024;

function readCell(cell: XmlView): NumaCellFacts {
  const memory = cell.first('memory');
  const hugepages = cell
    .all('pages')
    .map((pages) => ({ sizeKib: Number(pages.attribute('size') ?? 0), count: Number(pages.text) }))
    .filter(({ sizeKib, count }) => sizeKib >= smallestHugepageKib && count > 0);
  return {
    id: Number(cell.attribute('id') ?? 0),
    cpus: cell.all('cpus', 'cpu').length,
    cores: coresOf(cell.all('cpus', 'cpu')),
    memoryMib: toMib(Number(memory?.text ?? 0), memory?.attribute('unit') ?? 'KiB'),
    hugepages,
  };
}

/** CPUs that name the same siblings are one core; one that names none is a core of its own. */
function coresOf(cpus: readonly XmlView[]): number[][] {
  const cores = new Map<string, number[]>();
  for (const cpu of cpus) {
    const id = cpu.attribute('id') ?? '0';
    const siblings = cpu.attribute('siblings') ?? id;
    cores.set(
      siblings,
      [...(cores.get(siblings) ?? []), Number(id)].sort((a, b) => a - b),
    );
  }
  return [...cores.values()].sort(([a = 0], [b = 0]) => a - b);
}

export function readCapabilities(document: string): Capabilities {
  const root = XmlView.parse(document).first('capabilities');
  const cpu = root?.first('host', 'cpu');
  const architecture = cpu?.first('arch')?.text ?? '';
  const guests = root?.all('guest') ?? [];
  const hvm = guests.filter((guest) => guest.first('os_type')?.text === 'hvm');
  const guest = hvm
    .flatMap((entry) => entry.all('arch'))
    .find((arch) => arch.attribute('name') === architecture);
  return {
    architecture,
    cpuModel: cpu?.first('model')?.text ?? '',
    cpuFeatures: (cpu?.all('feature') ?? []).flatMap((feature) => feature.attribute('name') ?? []),
    numaCells: (root?.all('host', 'topology', 'cells', 'cell') ?? []).map(readCell),
    domainTypes: (guest?.all('domain') ?? []).flatMap((domain) => domain.attribute('type') ?? []),
    emulator: guest?.first('emulator')?.text ?? '',
    machines: (guest?.all('machine') ?? []).map((machine) => machine.text),
  };
}

/** Whether a guest of this machine can be given vCPUs while it runs: QEMU's machines for ARM have them all from the start. */
export function addsVcpus({ architecture }: GuestSupport): boolean {
  return architecture === 'x86_64' || architecture === 'i686';
}

/** Why this host's libvirt cannot run our guests, or how it does. */
export function guestSupport(capabilities: Capabilities, accelerated: boolean): GuestSupport | string {
  const { architecture, domainTypes, emulator, machines } = capabilities;
  if (domainTypes.includes('test')) {
    return { domainType: 'test', architecture, emulator, machine: undefined };
  }
  const domainType = accelerated ? 'kvm' : 'qemu';
  if (!domainTypes.includes(domainType)) {
    const known = domainTypes.join(', ') || 'none';
    return `libvirt offers no ${domainType} guests for ${architecture} (it offers: ${known})`;
  }
  const preferred = architecture === 'x86_64' ? 'q35' : 'virt';
  return {
    domainType,
    architecture,
    emulator,
    machine: machines.includes(preferred) ? preferred : undefined,
  };
}
