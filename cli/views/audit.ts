/** Decisions of the record as people see them: when, by whom, what, and why. */
import type { AuditEntry__Output } from '../../proto/gen/secovia/v1/AuditEntry.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';

export function auditColumns(nowMs: number): Column<AuditEntry__Output>[] {
  return [
    { head: 'DECISION', value: ({ sequence }) => String(sequence), align: 'right' },
    { head: 'AGE', value: ({ time }) => formatAge(timestampMs(time), nowMs), align: 'right' },
    { head: 'BY', value: who },
    { head: 'CALL', value: ({ method }) => methodWord(method) },
    { head: 'WHAT', value: ({ changes }) => summary(changes) },
  ];
}

/** Without the federation, which is the same in all of them. */
export function who({ identity, onBehalf }: { identity: string; onBehalf: string }): string {
  const short = identity.replace(/^spiffe:\/\/[^/]+\//, '');
  return onBehalf === '' ? short : `${short} for ${onBehalf}`;
}

/** `CreateVm` of `secovia.v1.VmService/CreateVm`. */
function methodWord(method: string): string {
  return method.slice(method.lastIndexOf('/') + 1);
}

function summary([first = '', ...rest]: readonly string[]): string {
  return rest.length === 0 ? first : `${first}, and ${rest.length} more`;
}

export function auditSheet(entry: AuditEntry__Output, nowMs: number, paint: Paint): string {
  const { sequence, time, identity, onBehalf, method, requestId, changes, resources, reason, detail } = entry;
  return sheet(
    [
      ['Decision', String(sequence)],
      ['Time', formatMoment(timestampMs(time), nowMs)],
      ['By', identity],
      ['For', onBehalf],
      ['Call', method],
      ['Request id', requestId],
      ['Changes', changes],
      ['Resources', resources],
      ['Why', reason],
      ['Detail', detail === '' ? '' : JSON.stringify(JSON.parse(detail), null, 2).split('\n')],
    ],
    paint,
  );
}
