/** Operations as people see them: what was ordered, how far it is, how it ended. */
import type { Operation__Output } from '../../proto/gen/secovia/v1/Operation.js';
import type { Paint } from '../output/colours.js';
import { stateTone } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatDuration, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { stateWord } from './enums.js';

export function operationColumns(nowMs: number): Column<Operation__Output>[] {
  return [
    { head: 'OPERATION', value: (each) => shortName(each.name) },
    { head: 'VERB', value: (each) => each.verb },
    { head: 'STATE', value: (each) => stateWord(each.state), tone: (_each, value) => stateTone(value) },
    { head: 'VMS', value: progressCount, align: 'right' },
    { head: 'AGE', value: (each) => formatAge(timestampMs(each.createTime), nowMs), align: 'right' },
    { head: 'TOOK', value: (each) => took(each, nowMs), align: 'right' },
    { head: 'NOTE', value: operationNote },
  ];
}

/** `12/20`, or `12/20, 1 failed`. */
export function progressCount(operation: Operation__Output): string {
  const count = `${operation.succeededCount}/${operation.targetCount}`;
  return operation.failedCount === 0 ? count : `${count}, ${operation.failedCount} failed`;
}

/** What it waits for, or why it failed. */
export function operationNote(operation: Operation__Output): string {
  return operation.error?.message || (operation.done ? '' : operation.progress);
}

/** How long it took, or has been going on. */
export function took(operation: Operation__Output, nowMs: number): string {
  const begun = timestampMs(operation.createTime);
  return begun === undefined ? '' : formatDuration((timestampMs(operation.endTime) ?? nowMs) - begun);
}

export function operationSheet(operation: Operation__Output, nowMs: number, paint: Paint): string {
  const more = operation.targetCount - operation.targets.length;
  return sheet(
    [
      ['Operation', shortName(operation.name)],
      ['Verb', operation.verb],
      ['State', stateWord(operation.state)],
      ['Done', progressCount(operation)],
      ['Note', operationNote(operation)],
      ['VMs', [...operation.targets.map(shortName), ...(more > 0 ? [`and ${more} more`] : [])]],
      ['Took', took(operation, nowMs)],
      ['Begun', formatMoment(timestampMs(operation.createTime), nowMs)],
      ['Ended', formatMoment(timestampMs(operation.endTime), nowMs)],
    ],
    paint,
  );
}
