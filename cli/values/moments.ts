/**
 * Moments as people type them: a day of UTC (`2027-01-31`, which is its beginning), a time (`2027-01-31T12:00Z`, or with an
 * offset as `+02:00`), or how long from now (`30d`).
 */
import { parseSpanMs } from './durations.js';
import { ValueError } from './value-error.js';

/** What was typed; a span is counted from when the command runs. */
export type Moment = { atMs: number } | { inMs: number };

const form = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/i;
const advice = 'Write a day as 2027-01-31, a time as 2027-01-31T12:00Z, or a span from now as 30d.';

export function parseMoment(text: string): Moment {
  if (/^[\d.]+[a-z]/i.test(text)) return { inMs: parseSpanMs(text) };
  const match = form.exec(text);
  if (match === null) throw new ValueError(advice);
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone] = match;
  if (match[4] !== undefined && zone === undefined) {
    throw new ValueError(`Say the zone as well: write ${text}Z for UTC, or for example ${text}+02:00.`);
  }
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const asUtc = Date.parse(`${local}Z`);
  // Date rolls the 30th of February over to March; nobody who types it means that.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== local) {
    throw new ValueError(`${text} is not in the calendar. ${advice}`);
  }
  const atMs = Date.parse(`${local}${zone?.toUpperCase() ?? 'Z'}`);
  if (Number.isNaN(atMs)) throw new ValueError(`${zone} is no offset from UTC: write for example +02:00.`);
  if (atMs <= 0) throw new ValueError('Moments begin with the year 1970.');
  return { atMs };
}

/** A google.protobuf.Timestamp; null for what was not said, or taken back. */
export function momentMessage(
  moment: Moment | false | undefined,
  nowMs: number,
): { seconds: number; nanos: number } | null {
  if (moment === undefined || moment === false) return null;
  // A span is typed in seconds at the least, so what is shown need not be finer.
  const ms = 'atMs' in moment ? moment.atMs : nowMs + moment.inMs;
  return { seconds: Math.floor(ms / 1000), nanos: 0 };
}

/** `30d` or `0d`, in whole days. */
export function parseDays(text: string): number {
  if (/^0+d?$/.test(text)) return 0;
  const days = parseSpanMs(text) / 86_400_000;
  if (!Number.isInteger(days) || days > 3650) {
    throw new ValueError('Write whole days, 0d to 3650d, for example 90d.');
  }
  return days;
}
