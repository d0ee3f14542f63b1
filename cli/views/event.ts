/** Events as people see them. */
import type { Event__Output } from '../../proto/gen/secovia/v1/Event.js';
import type { Column } from '../output/table.js';
import { timestampMs } from '../values/durations.js';
import { who } from './audit.js';

export const eventColumns: Column<Event__Output>[] = [
  { head: 'EVENT', value: eventId, align: 'right' },
  { head: 'TIME', value: eventTime },
  { head: 'CODE', value: ({ code }) => code },
  { head: 'BY', value: who },
  { head: 'WHAT', value: eventText },
];

/** The decision, and behind a dot which of its changes it is, but for the first. */
export function eventId({ sequence, position }: Event__Output): string {
  return position === 0 ? String(sequence) : `${sequence}.${position}`;
}

/** To the second, in UTC. */
export function eventTime({ time }: Event__Output): string {
  const ms = timestampMs(time);
  return ms === undefined ? '' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function eventText({ message, reason }: Event__Output): string {
  return reason === '' ? message : `${message}; ${reason}`;
}
