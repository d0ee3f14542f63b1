/** Alarms as people see them. */
import type { Alarm__Output } from '../../proto/gen/secovia/v1/Alarm.js';
import { stateTone } from '../output/colours.js';
import type { Column } from '../output/table.js';
import { formatAge, timestampMs } from '../values/durations.js';
import { shortVmName } from '../values/names.js';
import { stateWord } from './enums.js';

export function alarmColumns(nowMs: number): Column<Alarm__Output>[] {
  return [
    {
      head: 'SEVERITY',
      value: ({ severity }) => stateWord(severity),
      tone: (_alarm, value) => stateTone(value),
    },
    { head: 'CODE', value: ({ code }) => code },
    { head: 'ABOUT', value: ({ about }) => shortVmName(about) },
    {
      head: 'SINCE',
      value: ({ sinceTime }) => formatAge(timestampMs(sinceTime), nowMs),
      align: 'right',
    },
    { head: 'WHAT, AND WHAT TO DO', value: ({ message, advice }) => `${message} → ${advice}` },
  ];
}
