/**
 * A VM as libvirt's domain XML. One function from a blueprint and what this host's libvirt offers to one document;
 * no text gets in unescaped.
 */
import type { Blueprint } from '../hypervisor.js';
import type { DomainLayout } from '../layout.js';
import type { GuestSupport } from './capabilities.js';
import { cpuTune, guestCells, memoryBacking, numaTune, vcpu } from './layout-xml.js';
import { metadataElement } from './metadata.js';
import { element, render, type XmlElement } from './xml.js';

/** How QEMU writes a disk: past the host's page cache, or through it. */
export type DiskCache = 'none' | 'writeback';

/** Where the domain's files are, and how this host's storage likes to be written. */
export interface DomainPlaces {
  diskPath: string;
  diskCache: DiskCache;
  /** The host's PCI devices that it gets, as `lspci -D` prints their addresses. */
  devices: readonly string[];
  layout: DomainLayout;
  /** It can be given so many vCPUs while it runs; left out when it can be given none. */
  mostVcpus?: number;
  /** Everything that the guest writes to its serial port is appended here; empty for none. */
  consoleLog: string;
}

/** What the guest's only disk is called. */
export const rootDisk = 'vda';

/**
 * A vCPU that is added takes a free part of it, and QEMU 7.2 aborts when the others have used them all (tcg_region_initial_alloc);
 * with 32 that was seen once, when a guest had just booted.
 */
const tcgTranslationCacheMib = 64;

/** @throws XmlTextRefused for names that no domain may have. */
export function domainXml(blueprint: Blueprint, guest: GuestSupport, places: DomainPlaces): string {
  const { layout } = places;
  return render(
    element(
      'domain',
      { type: guest.domainType },
      element('name', {}, blueprint.name),
      element('uuid', {}, blueprint.uid),
      blueprint.title === '' ? null : element('title', {}, blueprint.title),
      element('metadata', {}, metadataElement(blueprint.metadata)),
      element('memory', { unit: 'MiB' }, String(blueprint.memoryMib)),
      element('currentMemory', { unit: 'MiB' }, String(blueprint.memoryMib)),
      memoryBacking(layout),
      vcpu(blueprint.vcpus, layout, places.mostVcpus),
      cpuTune(layout),
      numaTune(layout),
      element(
        'os',
        {},
        element('type', { arch: guest.architecture, machine: guest.machine }, 'hvm'),
        element('boot', { dev: 'hd' }),
      ),
      guest.domainType === 'test' ? null : features(guest),
      cpu(guest, guestCells(blueprint.memoryMib, layout)),
      element('clock', { offset: 'utc' }),
      // Off means off, a guest's own reboot is a reboot, and a crash is the agent's to deal with (O7).
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      element('on_crash', {}, 'destroy'),
      guest.domainType === 'test' ? null : noSleep(),
      devices(guest, places),
    ),
  );
}

function features(guest: GuestSupport): XmlElement {
  const acpi = element('acpi');
  if (guest.domainType === 'kvm') return element('features', {}, acpi, element('apic'));
  // Many small guests share a host in software emulation: QEMU's own default is a gigabyte of cache each.
  const cache = element('tb-cache', { unit: 'MiB' }, String(tcgTranslationCacheMib));
  return element('features', {}, acpi, element('apic'), element('tcg', {}, cache));
}

function cpu(guest: GuestSupport, cells: XmlElement | null): XmlElement | null {
  if (guest.domainType === 'test') return cells === null ? null : element('cpu', {}, cells);
  if (guest.domainType === 'kvm') return element('cpu', { mode: 'host-model', check: 'partial' }, cells);
  if (guest.architecture !== 'x86_64') return element('cpu', { mode: 'maximum' }, cells);
  const model = element('model', { fallback: 'allow' }, 'qemu64');
  return element('cpu', { mode: 'custom', match: 'exact' }, model, cells);
}

/** A guest that sends itself to sleep would look paused, and nobody may resume it (O4). */
function noSleep(): XmlElement {
  const no = { enabled: 'no' };
  return element('pm', {}, element('suspend-to-mem', no), element('suspend-to-disk', no));
}

function devices(guest: GuestSupport, places: DomainPlaces): XmlElement {
  const disk = element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: 'qcow2', cache: places.diskCache, discard: 'unmap' }),
    element('source', { file: places.diskPath }),
    element('target', { dev: rootDisk, bus: 'virtio' }),
  );
  const hostDevices = places.devices.map(hostDevice);
  if (guest.domainType === 'test') return element('devices', {}, disk, ...hostDevices);
  const log = places.consoleLog === '' ? null : element('log', { file: places.consoleLog, append: 'on' });
  return element(
    'devices',
    {},
    element('emulator', {}, guest.emulator),
    disk,
    element('controller', { type: 'usb', model: 'none' }),
    element('controller', { type: 'virtio-serial', index: 0 }),
    element('serial', { type: 'pty' }, log, element('target', { port: 0 })),
    element(
      'channel',
      { type: 'unix' },
      element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
    ),
    ...hostDevices,
    element('memballoon', { model: 'virtio' }),
    element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')),
  );
}

/** libvirt takes it from the host's driver when the domain starts, and gives it back at the end. */
function hostDevice(pciAddress: string): XmlElement {
  const [domain = '', bus = '', slot = '', index = ''] = pciAddress.split(/[:.]/);
  const address = {
    domain: `0x${domain}`,
    bus: `0x${bus}`,
    slot: `0x${slot}`,
    function: `0x${index}`,
  };
  const source = element('source', {}, element('address', address));
  return element('hostdev', { mode: 'subsystem', type: 'pci', managed: 'yes' }, source);
}
