/**
 * Reads back from a domain's XML what it was made from. The definition is what is left of a VM when its record is lost, and
 * an operator who adopts it must not have to guess.
 */
import type { ExtraCatalogue } from '../../inventory/extras.js';
import type { DomainAccount, Hardware } from '../hypervisor.js';
import type { DiskCache } from './domain-xml.js';
import { devicesIn } from './held-devices.js';
import { readPinned } from './layout-xml.js';
import { XmlView } from './xml.js';

type FromXml = Pick<DomainAccount, 'title' | 'hardware' | 'poolPath' | 'problem'>;

/**
 * `poolOf` says in which pool a file is the VM's disk: a folder, empty for the host's own, or null when it is none. Devices
 * are named as the catalogue has them.
 */
export function readAccount(
  xml: string,
  catalogue: ExtraCatalogue,
  poolOf: (file: string) => string | null,
): FromXml {
  const domain = XmlView.parse(xml).first('domain');
  const disks = (domain?.all('devices', 'disk') ?? []).map(
    (disk) => disk.first('source')?.attribute('file') ?? '',
  );
  const [file = ''] = disks;
  const poolPath = disks.length === 1 ? poolOf(file) : null;
  const { extras, unknown } = extrasOf(devicesIn(xml), catalogue);
  const page = domain?.first('memoryBacking', 'hugepages', 'page');
  const { cells, dedicated } = readPinned(xml);
  const hardware: Hardware = {
    extras,
    hugepageKib: Number(page?.attribute('size') ?? 0),
    cells,
    dedicatedCpus: dedicated.length > 0,
  };
  const isPlain = Object.keys(extras).length + hardware.hugepageKib + cells.length === 0;
  return {
    title: domain?.first('title')?.text ?? '',
    poolPath,
    ...(isPlain ? {} : { hardware }),
    problem: problemOf(disks, poolPath, unknown),
  };
}

/** How the domain's disk is written. */
export function diskCacheIn(xml: string): DiskCache {
  const driver = XmlView.parse(xml).first('domain', 'devices', 'disk', 'driver');
  return driver?.attribute('cache') === 'writeback' ? 'writeback' : 'none';
}

function problemOf(disks: readonly string[], poolPath: string | null, unknown: readonly string[]): string {
  if (disks.length !== 1) return `its domain has ${disks.length} disks, and a VM has one`;
  if (poolPath === null)
    return `its disk ${disks[0] || '(no file)'} is not where the disks of VMs are on this host`;
  if (unknown.length > 0)
    return `its domain has the device ${unknown[0]}, which is not among the extras of this host's settings`;
  return '';
}

/** Those of a catalogue's extras that are these devices, counted by name. */
function extrasOf(
  devices: readonly string[],
  catalogue: ExtraCatalogue,
): { extras: Record<string, number>; unknown: string[] } {
  const extras: Record<string, number> = {};
  const unknown: string[] = [];
  for (const device of devices) {
    const [name] =
      Object.entries(catalogue).find(([, known]) => typeof known !== 'number' && known.includes(device)) ??
      [];
    if (name === undefined) unknown.push(device);
    else extras[name] = (extras[name] ?? 0) + 1;
  }
  return { extras, unknown };
}
