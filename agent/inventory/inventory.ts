/**
 * What this host has, for the scheduler and for people: the machine as libvirt sees it, and disks, network cards
 * and use as the operating system does. Without libvirt the survey says less, and is taken again when it is back.
 */
import { statfs } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import si from 'systeminformation';
import type { HostInventory } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { NetworkInterface } from '../../proto/gen/secovia/v1/NetworkInterface.js';
import type { HostMetrics } from '../core.js';
import type { MachineFacts } from '../hypervisor/hypervisor.js';
import { countExtras, type ExtraCatalogue } from './extras.js';
import type { FilesystemReader } from './filesystems.js';
import { toMib } from './mib.js';
import { type CapacityPolicy, resourcesMessage, shareOut } from './reserve.js';

export interface SurveyOptions {
  dataDir: string;
  agentVersion: string;
  policy: CapacityPolicy;
  extras: ExtraCatalogue;
  filesystems: FilesystemReader;
  /** How others hand running VMs to this host; empty when it takes none. */
  migrationUri: string;
  /** Reads the GUID of the machine's own management controller; empty when it is not known. */
  controllerGuid(): Promise<string>;
}

const maxListed = 64;

/** The host's inventory; `machine` is null while libvirt does not answer. */
export async function survey(options: SurveyOptions, machine: MachineFacts | null): Promise<HostInventory> {
  const [disk, filesystems, interfaces, extras, controllerGuid] = await Promise.all([
    statfs(options.dataDir),
    options.filesystems.read(),
    networkInterfaces(),
    countExtras(options.extras),
    options.controllerGuid(),
  ]);
  const measured = {
    vcpus: machine?.cpus ?? cpus().length,
    memoryMib: machine?.memoryMib ?? toMib(totalmem()),
    diskMib: toMib(disk.blocks * disk.bsize),
  };
  const { total, reserved } = shareOut(measured, options.policy);
  return {
    architecture: machine?.architecture ?? (arch() === 'x64' ? 'x86_64' : arch()),
    cpuModel: machine?.cpuModel || (cpus()[0]?.model ?? ''),
    cpuFeatures: machine?.cpuFeatures ?? [],
    accelerators: machine?.accelerators ?? [],
    sockets: machine?.sockets ?? 0,
    coresPerSocket: machine?.coresPerSocket ?? 0,
    threadsPerCore: machine?.threadsPerCore ?? 0,
    numaCells: (machine?.numaCells ?? []).map(({ cores: _cores, ...cell }) => cell),
    bindsToCells: true,
    controllerGuid,
    networkInterfaces: interfaces,
    filesystems,
    total: { ...resourcesMessage(total), extras },
    reserved: resourcesMessage(reserved),
    libvirtVersion: machine?.version ?? '',
    hypervisorVersion: machine?.hypervisorVersion ?? '',
    agentVersion: options.agentVersion,
    kernelVersion: release(),
    hostname: hostname(),
    storagePools: [],
    migrationUri: options.migrationUri,
  };
}

/** How much of the host is in use. */
export async function measure(dataDir: string): Promise<HostMetrics> {
  const [memory, load, disk] = await Promise.all([si.mem(), si.currentLoad(), statfs(dataDir)]);
  return {
    memoryUsedMib: toMib(memory.active),
    cpuPercent: Math.round(load.currentLoad),
    diskAvailableMib: toMib(disk.bavail * disk.bsize),
  };
}

async function networkInterfaces(): Promise<NetworkInterface[]> {
  const found = [await si.networkInterfaces()].flat();
  return found
    .filter(({ internal, virtual }) => !internal && !virtual)
    .slice(0, maxListed)
    .map(({ iface, mac, speed, operstate }) => ({
      name: iface,
      mac,
      speedMbps: Math.max(0, Math.round(speed ?? 0)),
      state: operstate,
    }));
}
