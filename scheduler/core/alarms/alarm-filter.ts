/** By what alarms are searched. */
import type { FilterSchema } from '../filter.js';
import type { Alarm } from './alarm.js';

/** `nameOf` gives the name of what an alarm is about. */
export function alarmFilter(nameOf: (alarm: Alarm) => string): FilterSchema<Alarm> {
  return {
    fields: {
      code: ({ code }) => code,
      severity: ({ severity }) => severity.toUpperCase(),
      about: nameOf,
    },
    moments: { since: ({ sinceMs }) => sinceMs },
  };
}
