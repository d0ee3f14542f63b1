/** Months, and when a period begins and ends, as people type them: in UTC, since that is what the contract counts in. */
import { parseMoment } from './moments.js';
import { ValueError } from './value-error.js';

const monthForm = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** `2026-11`. */
export function parseMonth(text: string): string {
  if (!monthForm.test(text)) throw new ValueError('Write a year and a month, for example 2026-11.');
  return text;
}

/**
 * `2026-11` or `2026-11-23`, which are their beginnings, or `2026-11-23T07:00Z`, as milliseconds since 1970.
 *
 * @throws ValueError with a sentence that says what to type.
 */
export function parsePointMs(text: string): number {
  const moment = parseMoment(monthForm.test(text) ? `${text}-01` : text);
  if ('atMs' in moment) return moment.atMs;
  throw new ValueError('Write a month as 2026-11, a day as 2026-11-23, or a time as 2026-11-23T07:00Z.');
}

/** The beginning of the month in which a moment is. */
export function monthStartMs(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

export function timestampMessage(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1e6 };
}

/** `2026-11-23T07:00:00Z`, with thousandths when there are any. */
export function momentText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.000Z$/, 'Z');
}
