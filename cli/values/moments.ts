/** Moments and months as people type them: in UTC, since that is what the contract counts in. */
import { ValueError } from './value-error.js';

export interface Moment {
  seconds: number;
  nanos: number;
}

const form = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?Z)?)?$/;

/**
 * `2026-11`, `2026-11-23` or `2026-11-23T07:00:00Z`.
 *
 * @throws ValueError with a sentence that says what to type.
 */
export function parseMoment(text: string): Moment {
  const [, year, month, day = '1', hour = '0', minute = '0', second = '0', fraction = '0'] =
    form.exec(text) ?? [];
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(numbers[0], numbers[1] - 1, ...numbers.slice(2), Number(fraction.padEnd(3, '0')));
  const date = new Date(ms);
  const read = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
  // A 30 February would become some day of March.
  if (year === undefined || read.some((value, index) => value !== numbers[index])) {
    throw new ValueError(
      'Write a day or a moment of UTC, for example 2026-11, 2026-11-23 or 2026-11-23T07:00:00Z.',
    );
  }
  return momentOf(ms);
}

export function momentOf(ms: number): Moment {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1e6 };
}

/** The beginning of the month of UTC in which a moment is. */
export function monthStartMs(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** `2026-11`. */
export function parseMonth(text: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) {
    throw new ValueError('Write a year and a month, for example 2026-11.');
  }
  return text;
}

/** `2026-11-23T07:00:00Z`, with thousandths when there are any. */
export function momentText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.000Z$/, 'Z');
}
