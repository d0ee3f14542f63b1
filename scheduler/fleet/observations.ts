/** What agents say, as the core understands it. Texts are cut, so that an agent cannot fill the journal. */
import { unpackStatus } from '../../proto/errors.js';
import type { NumaCell__Output } from '../../proto/gen/secovia/v1/NumaCell.js';
import type { DomainState__Output } from '../../proto/gen/secovia/v1/DomainState.js';
import type { HostInventory__Output } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import type { Watchdog__Output } from '../../proto/gen/secovia/v1/Watchdog.js';
import type { VmSize__Output } from '../../proto/gen/secovia/v1/VmSize.js';
import type { Status__Output } from '../../proto/gen/google/rpc/Status.js';
import type { DomainState, HostReport, Observation } from '../core/commands.js';
import { isExtraName, sortedExtras } from '../core/extras.js';
import type { Extras, Fault, HostCapacity, NumaCell, VmSize, Watchdog } from '../core/model.js';
import { largestSize } from '../core/sizes.js';
import { cutText } from '../core/text.js';
import { mostGenerations, orphansIn } from './orphans.js';

const textLimit = 500;
/** As JSON; a machine of thousands of CPUs stays far below. */
const inventoryLimit = 256 * 1024;
const orphansLimit = 1000;
const mostExtrasOfHost = 256;
const longestWatchdogS = 3600;
const mostCellsOfVm = 8;
/** VMs on a host whose agent names no limit. */
const defaultVmSlots = 1000;

const domainStates: Record<Exclude<DomainState__Output, 'DOMAIN_STATE_UNSPECIFIED'>, DomainState> = {
  DOMAIN_STATE_ABSENT: 'absent',
  DOMAIN_STATE_PREPARING: 'preparing',
  DOMAIN_STATE_STARTING: 'starting',
  DOMAIN_STATE_RUNNING: 'running',
  DOMAIN_STATE_STOPPING: 'stopping',
  DOMAIN_STATE_STOPPED: 'stopped',
  DOMAIN_STATE_GUEST_SHUTDOWN: 'guest_shutdown',
  DOMAIN_STATE_CRASHED: 'crashed',
  DOMAIN_STATE_PAUSED: 'paused',
  DOMAIN_STATE_MISSING: 'missing',
  DOMAIN_STATE_REFUSED: 'refused',
  DOMAIN_STATE_UNKNOWN: 'unknown',
  DOMAIN_STATE_AWAITED: 'awaited',
};

/**
 * Null when the agent says a state that this version does not know, or what no agent can have seen: nothing is concluded from
 * it.
 */
export function observationIn(message: Observation__Output): Observation | null {
  const state = (domainStates as Record<string, DomainState | undefined>)[message.state];
  if (state === undefined) return null;
  const { term, generation, toldGeneration, rebootCount } = message;
  const numbers = [generation, toldGeneration, rebootCount];
  if (term < 0 || !numbers.every((one) => isWithin(one, 0, mostGenerations))) return null;
  return {
    uid: message.uid.toLowerCase(),
    term,
    generation,
    state,
    rebootCount,
    fault: faultIn(message.error),
    ...(message.numaCells.length === 0 ? {} : { numaCells: message.numaCells.slice(0, mostCellsOfVm) }),
    ...(toldGeneration === 0 ? {} : { toldGeneration }),
    ...(message.released ? { released: true } : {}),
    ...sizeIn(message.size),
  };
}

/** Nothing when it is not said, or no VM could have such a size. */
function sizeIn(size: VmSize__Output | null): { size?: VmSize } {
  if (size === null) return {};
  const { vcpus, memoryMib, diskMib } = size;
  const isPossible =
    isWithin(vcpus, 1, largestSize.vcpus) &&
    isWithin(memoryMib, 1, largestSize.memoryMib) &&
    isWithin(diskMib, 0, largestSize.diskMib);
  return isPossible ? { size: { vcpus, memoryMib, diskMib } } : {};
}

const isWithin = (value: number, least: number, most: number): boolean => value >= least && value <= most;

function faultIn(status: Status__Output | null): Fault | null {
  if (status === null || status.code === 0) return null;
  return {
    code: status.code >= 0 && status.code <= 16 ? status.code : 2,
    reason: (unpackStatus(status).errorInfo?.reason ?? 'HOST_ERROR').slice(0, 64),
    message: cutText(status.message, textLimit),
  };
}

export function reportIn(message: Report__Output | null): HostReport {
  if (message === null) return { libvirtAvailable: false, libvirtError: '', foreignDomains: 0, orphans: [] };
  const orphanVms = orphansIn(message.orphanVms);
  return {
    libvirtAvailable: message.libvirtAvailable,
    libvirtError: cutText(message.libvirtError, textLimit),
    foreignDomains: Math.max(0, message.foreignDomains),
    orphans: message.orphans.slice(0, orphansLimit).map((orphan) => cutText(orphan, 200)),
    ...(orphanVms === undefined ? {} : { orphanVms }),
    ...(message.orphansIncomplete ? { orphansIncomplete: true } : {}),
    ...(message.watchdog === null ? {} : { watchdog: watchdogIn(message.watchdog) }),
  };
}

/** One whose time-out makes no sense proves nothing. */
function watchdogIn({ armed, timeoutSeconds, problem }: Watchdog__Output): Watchdog {
  const isSound = timeoutSeconds >= 1 && timeoutSeconds <= longestWatchdogS;
  return {
    armed: armed && isSound,
    timeoutS: isSound ? timeoutSeconds : 0,
    problem: cutText(problem, textLimit),
  };
}

/** The inventory as the core keeps it, or null when it is absurdly large. */
export function inventoryIn(message: HostInventory__Output): Record<string, unknown> | null {
  return JSON.stringify(message).length > inventoryLimit ? null : { ...message };
}

/** What is left for VMs: what the machine has, less what is kept for itself. */
export function capacityIn(inventory: HostInventory__Output): HostCapacity {
  const { total, reserved, bindsToCells, numaCells } = inventory;
  const left = (all: number | undefined, kept: number | undefined) => Math.max(0, (all ?? 0) - (kept ?? 0));
  const setAside = numaCells.reduce((sum, cell) => sum + setAsideMib(cell), 0);
  const extras = sortedExtras(wellFormed(total?.extras ?? {}));
  return {
    vcpus: left(total?.vcpus, reserved?.vcpus),
    memoryMib: Math.max(0, left(total?.memoryMib, reserved?.memoryMib) - setAside),
    diskMib: left(total?.diskMib, reserved?.diskMib),
    vms: left(total?.vms || defaultVmSlots, reserved?.vms),
    ...(extras === undefined ? {} : { extras }),
    ...(bindsToCells && numaCells.length > 0 ? { cells: cellsIn(numaCells) } : {}),
  };
}

/** What of a cell's memory is hugepages. */
function setAsideMib({ hugepages }: NumaCell__Output): number {
  return hugepages.reduce((sum, { sizeKib, count }) => sum + Math.ceil((sizeKib * count) / 1024), 0);
}

/** By id; of cells that say the same id the first. */
function cellsIn(cells: readonly NumaCell__Output[]): NumaCell[] {
  const byId = new Map<number, NumaCell>();
  for (const cell of cells) {
    if (byId.has(cell.id)) continue;
    byId.set(cell.id, {
      id: cell.id,
      cpus: Math.max(0, cell.cpus),
      memoryMib: Math.max(0, cell.memoryMib - setAsideMib(cell)),
      hugepages: cell.hugepages
        .filter(({ sizeKib, count }) => sizeKib > 0 && count > 0)
        .map(({ sizeKib, count }) => ({ sizeKib, count }))
        .sort((a, b) => a.sizeKib - b.sizeKib),
    });
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** Extras that no VM could ask for are left out. */
function wellFormed(extras: Extras): Extras {
  const some = Object.entries(extras).filter(([name, count]) => isExtraName(name) && count > 0);
  return Object.fromEntries(some.slice(0, mostExtrasOfHost));
}
