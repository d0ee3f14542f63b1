/** The size of a VM as people see it: what it has now, and what of its specification waits for a stop and a start. */
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import type { VmSize__Output } from '../../proto/gen/secovia/v1/VmSize.js';
import { formatMib } from '../values/sizes.js';

/** Sizes that were asked for; 0 for those that were not. */
export type AskedSize = Pick<VmSize__Output, 'vcpus' | 'memoryMib' | 'diskMib'>;

const vcpuCount = (count: number): string => (count === 1 ? '1 vCPU' : `${count} vCPUs`);

/** `4 vCPUs and 8 GiB of memory after the next stop and start`; empty when nothing waits. */
export function waitingSize({ spec, currentSize, restartRequired }: Vm__Output): string {
  if (!restartRequired || spec === null || currentSize === null) return '';
  const waiting = [
    ...(spec.vcpus === currentSize.vcpus ? [] : [vcpuCount(spec.vcpus)]),
    ...(spec.memoryMib === currentSize.memoryMib ? [] : [`${formatMib(spec.memoryMib)} of memory`]),
  ];
  return `${waiting.join(' and ')} after the next stop and start`;
}

/** What of the sizes that were asked for it has, and what waits: `disk is 20 GiB now; 4 vCPUs after ...`. */
export function resizeOutcome(vm: Vm__Output, asked: AskedSize): string {
  const { spec, currentSize } = vm;
  if (spec === null) return '';
  const has = currentSize ?? spec;
  const now = [
    ...(asked.vcpus > 0 && has.vcpus === spec.vcpus ? [vcpuCount(has.vcpus)] : []),
    ...(asked.memoryMib > 0 && has.memoryMib === spec.memoryMib
      ? [`${formatMib(has.memoryMib)} of memory`]
      : []),
    ...(asked.diskMib > 0 ? [`disk ${formatMib(has.diskMib)}`] : []),
  ];
  return [now.length === 0 ? '' : `${now.join(', ')} now`, waitingSize(vm)].filter(Boolean).join('; ');
}

/** `4`, or `4, has 2 until it is stopped and started`. */
export function shownVcpus({ spec, currentSize }: Vm__Output): string {
  return shown(spec?.vcpus, currentSize?.vcpus, String, untilRestart);
}

export function shownMemory({ spec, currentSize }: Vm__Output): string {
  return shown(spec?.memoryMib, currentSize?.memoryMib, formatMib, untilRestart);
}

/** Disks do not shrink: one that was to grow, and was ordered back, may have grown by then. */
export function shownDisk({ spec, currentSize }: Vm__Output): string {
  return shown(spec?.diskMib, currentSize?.diskMib, formatMib, '');
}

const untilRestart = ' until it is stopped and started';

function shown(
  wanted: number | undefined,
  has: number | undefined,
  format: (amount: number) => string,
  until: string,
): string {
  if (wanted === undefined) return '';
  return has === undefined || has === wanted
    ? format(wanted)
    : `${format(wanted)}, has ${format(has)}${until}`;
}

/** What it holds of its host while that is more than what it should have. */
export function shownHeld({ heldSize }: Vm__Output): string {
  if (heldSize === null) return '';
  const { vcpus, memoryMib, diskMib } = heldSize;
  return `${vcpuCount(vcpus)}, ${formatMib(memoryMib)} of memory, disk ${formatMib(diskMib)}`;
}
