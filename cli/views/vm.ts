/** VMs as people see them: rows of a list, a sheet, and the one-line note that says what is the matter. */
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import type { VmPlacement__Output } from '../../proto/gen/secovia/v1/VmPlacement.js';
import type { Paint } from '../output/colours.js';
import { stateTone } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName, shortVmName } from '../values/names.js';
import { formatExtras } from '../values/extras.js';
import { formatLayout, formatPageSize } from '../values/layouts.js';
import { formatGroup } from '../values/groups.js';
import { formatMib } from '../values/sizes.js';
import { stateWord } from './enums.js';
import { moveNote, moveRow } from './vm-move.js';
import { shownDisk, shownHeld, shownMemory, shownVcpus, waitingSize } from './vm-size.js';

/** `RUNNING`, or `UNKNOWN (was RUNNING)`. */
export function vmState(vm: Vm__Output): string {
  const state = stateWord(vm.state);
  const before = stateWord(vm.lastKnownState);
  return state === 'UNKNOWN' && before !== 'UNSPECIFIED' && before !== 'UNKNOWN'
    ? `${state} (was ${before})`
    : state;
}

/** Why it is not as it should be; empty when there is nothing to say. */
export function vmNote(vm: Vm__Output): string {
  if (vm.move !== null) return moveNote(vm.move);
  if (vm.error !== null && vm.error.message !== '') return vm.error.message;
  if (vm.breachTime !== null) return 'may not be here any more; see secovia residency breaches';
  if (vm.displacedFor !== '') return `has given up its room for VM ${shortName(vm.displacedFor)}`;
  const state = stateWord(vm.state);
  const wanted = stateWord(vm.desiredPowerState);
  if (state === 'STOPPED' && wanted === 'RUNNING') return 'to be started';
  if (state === 'RUNNING' && wanted === 'STOPPED') return 'to be stopped';
  if (vm.parked) return 'holds no vCPUs and no memory while stopped';
  return waitingSize(vm);
}

export function vmColumns(nowMs: number): Column<Vm__Output>[] {
  return [
    { head: 'NAME', value: (vm) => shortVmName(vm.name) },
    { head: 'STATE', value: vmState, tone: (_vm, value) => stateTone(value) },
    { head: 'HOST', value: (vm) => shortName(vm.host) },
    { head: 'SITE', value: (vm) => shortName(vm.site) },
    { head: 'CLASS', value: (vm) => shortName(vm.dataClass) },
    { head: 'AGREEMENT', value: (vm) => shortName(vm.agreement) },
    { head: 'VCPUS', value: (vm) => String(vm.spec?.vcpus ?? ''), align: 'right' },
    { head: 'MEMORY', value: (vm) => size(vm.spec?.memoryMib), align: 'right' },
    { head: 'DISK', value: (vm) => size(vm.spec?.diskMib), align: 'right' },
    { head: 'IMAGE', value: (vm) => shortName(vm.spec?.image ?? '') },
    { head: 'AGE', value: (vm) => formatAge(timestampMs(vm.createTime), nowMs), align: 'right' },
    { head: 'NOTE', value: vmNote },
  ];
}

/** Of VMs that do not exist: without a state and an age. */
export function plannedVmColumns(): Column<Vm__Output>[] {
  return [
    { head: 'NAME', value: (vm) => shortVmName(vm.name) },
    { head: 'HOST', value: (vm) => shortName(vm.host) },
    { head: 'SITE', value: (vm) => shortName(vm.site) },
  ];
}

function size(mib: number | undefined): string {
  return mib === undefined ? '' : formatMib(mib);
}

export function vmSheet(vm: Vm__Output, nowMs: number, paint: Paint): string {
  const { spec, policy, placement } = vm;
  return sheet(
    [
      ['Name', shortVmName(vm.name)],
      ['UUID', vm.uid],
      ['Title', vm.title],
      ['State', vmState(vm)],
      ['Since', formatMoment(timestampMs(vm.stateTime), nowMs)],
      ['Wanted', stateWord(vm.desiredPowerState)],
      ['Note', vmNote(vm)],
      ['Host', shortName(vm.host)],
      ['Site', shortName(vm.site)],
      ['Move', moveRow(vm.move, nowMs)],
      ['Data class', shortName(vm.dataClass)],
      ['Agreement', shortName(vm.agreement)],
      ['In breach since', formatMoment(timestampMs(vm.breachTime), nowMs)],
      ['Parked', vm.parked ? 'yes: it takes its vCPUs and memory again when it starts' : ''],
      ['vCPUs', shownVcpus(vm)],
      ['Memory', shownMemory(vm)],
      ['Disk', shownDisk(vm)],
      ['Held meanwhile', shownHeld(vm)],
      ['Hugepages', spec?.hugepageSizeKib ? formatPageSize(spec.hugepageSizeKib) : ''],
      ['NUMA', formatLayout(spec?.numa, vm.numaCells)],
      ['Extras', formatExtras(spec?.extras ?? {}).join(', ')],
      ['Image', shortName(spec?.image ?? '')],
      ['Pool', shortName(spec?.storagePool ?? '') || "the host's own"],
      ['Labels', Object.entries(vm.labels).map(([key, value]) => `${key}=${value}`)],
      ['Only sites', (placement?.sites ?? []).map(shortName).join(', ')],
      ['Only countries', (placement?.countries ?? []).join(', ')],
      ['Only jurisdictions', (placement?.jurisdictions ?? []).join(', ')],
      ['Not on hosts', (placement?.excludedHosts ?? []).map(shortName).join(', ')],
      ['Required traits', (placement?.requiredTraits ?? []).join(', ')],
      ['Forbidden traits', (placement?.forbiddenTraits ?? []).join(', ')],
      ['Preferred traits', (placement?.preferredTraits ?? []).join(', ')],
      ['Preferred sites', preferredSites(placement)],
      ['Groups', (placement?.groups ?? []).map(formatGroup)],
      ['When the guest shuts down', words(policy?.onGuestShutdown)],
      ['When the lease is lost', words(policy?.onLeaseLoss)],
      ['When its host is lost', words(policy?.onHostLoss)],
      ['When its host is drained', words(policy?.onDrain)],
      ['Rebuildable', policy?.rebuildable ? 'yes' : ''],
      ['Priority', priority(vm)],
      ['Room given up for', shortName(vm.displacedFor)],
      ['Deletion protection', vm.deletionProtection ? 'on' : ''],
      ['Operation', shortName(vm.operation)],
      ['Generation', generation(vm)],
      ['Term', String(vm.term)],
      ['Etag', vm.etag],
      ['Created', formatMoment(timestampMs(vm.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(vm.updateTime), nowMs)],
    ],
    paint,
  );
}

/** Nothing for the plain one, which nearly all have. */
function priority(vm: Vm__Output): string {
  const word = stateWord(vm.priority).toLowerCase();
  return word === 'normal' || word === 'vm_priority_unspecified' || word === 'unspecified' ? '' : word;
}

function preferredSites(placement: VmPlacement__Output | null): string {
  if (placement === null) return '';
  const { preferCheap, preferredSites: named, preferredSitesInOrder } = placement;
  const sites = named.map(shortName).join(preferredSitesInOrder ? ', then ' : ', ');
  return [preferCheap ? 'cheap ones' : '', sites].filter(Boolean).join(', and of these ');
}

function generation(vm: Vm__Output): string {
  return vm.generation === vm.observedGeneration
    ? String(vm.generation)
    : `${vm.generation}, the host has reached ${vm.observedGeneration}`;
}

/** `GUEST_SHUTDOWN_POLICY_STAY_STOPPED` → `stay-stopped`. */
function words(policy: string | undefined): string {
  const word = stateWord(policy ?? '');
  return word === 'UNSPECIFIED' ? '' : word.toLowerCase().replaceAll('_', '-');
}
