/** Administrations as people see them. */
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { formatMib } from '../values/sizes.js';
import { stateWord } from './enums.js';
import { amounts } from './host.js';

export function administrationColumns(nowMs: number): Column<Administration__Output>[] {
  return [
    { head: 'NAME', value: (each) => shortName(each.name) },
    { head: 'COUNTRY', value: (each) => each.country },
    { head: 'PARENT', value: (each) => shortName(each.parent) },
    { head: 'VMS', value: (each) => String(each.claimed?.vms ?? 0), align: 'right' },
    { head: 'VCPUS', value: (each) => String(each.claimed?.vcpus ?? 0), align: 'right' },
    { head: 'MEMORY', value: (each) => formatMib(each.claimed?.memoryMib ?? 0), align: 'right' },
    { head: 'DISK', value: (each) => formatMib(each.claimed?.diskMib ?? 0), align: 'right' },
    { head: 'AGE', value: (each) => formatAge(timestampMs(each.createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: (each) => each.title },
    { head: 'NOTE', value: (each) => (each.suspended ? 'suspended' : '') },
  ];
}

export function administrationSheet(each: Administration__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(each.name)],
      ['Title', each.title],
      ['Country', each.country],
      ['Parent', shortName(each.parent)],
      ['Partner', shortName(each.partner)],
      ['Suspended', each.suspended ? 'yes: its subtree makes, starts and enlarges no VM' : ''],
      ['Stopped VMs', stoppedVms(each)],
      ['Held by its VMs', amounts(each.claimed, true)],
      ['Etag', each.etag],
      ['Created', formatMoment(timestampMs(each.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(each.updateTime), nowMs)],
    ],
    paint,
  );
}

const stoppedVmWords: Record<string, string> = {
  KEEP: 'keep their vCPUs and memory',
  FREE: 'give their vCPUs and memory up until they start',
};

/** Nothing when the one above it says. */
function stoppedVms({ stoppedVms: policy }: Administration__Output): string {
  return stoppedVmWords[stateWord(policy)] ?? '';
}
