/** Durations as people type and read them: `500ms`, `30s`, `5m`, `1h30m`. A bare number is refused, it could be anything. */
import { ValueError } from './value-error.js';

const msPerUnit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A little over 24 days: what a timer can hold. */
const maxMs = 2 ** 31 - 1;

const maxSpanMs = 36_500 * 86_400_000;

/**
 * @returns milliseconds, at least 1.
 * @throws ValueError with a sentence that says what to type.
 */
export function parseDurationMs(text: string): number {
  const ms = parseSpanMs(text);
  if (ms > maxMs) throw new ValueError('That is too long: at most 24d can be said.');
  return ms;
}

/** The same for what no timer has to wait for: up to a hundred years, in milliseconds. */
export function parseSpanMs(text: string): number {
  if (/^\d+$/.test(text)) throw new ValueError(`Say the unit: ${text}s or ${text}m.`);
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) {
    throw new ValueError('Write a whole number and a unit, for example 500ms, 30s, 5m or 1h30m.');
  }
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * msPerUnit[unit!]!;
  }
  if (totalMs <= 0) throw new ValueError('A duration must be more than zero, for example 30s.');
  if (totalMs > maxSpanMs) throw new ValueError('That is too long: at most 36500d can be said.');
  return totalMs;
}

/** A google.protobuf.Duration. */
export function durationMessage(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 };
}

/** `2.3s` under a minute, then the two largest units: `1m20s`, `3h5m`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${Math.round(seconds * 10) / 10}s`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** A google.protobuf.Timestamp in milliseconds, or undefined when unset. */
export function timestampMs(timestamp: { seconds: number; nanos: number } | null): number | undefined {
  return timestamp === null ? undefined : timestamp.seconds * 1000 + Math.floor(timestamp.nanos / 1e6);
}

/** How long ago, in one unit: `45s`, `3m`, `5h`, `12d`, `3y`. A moment ahead of our clock counts as now. */
export function formatAge(fromMs: number | undefined, nowMs: number): string {
  if (fromMs === undefined) return '';
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  if (seconds < 2 * 365 * 86_400) return `${Math.floor(seconds / 86_400)}d`;
  return `${Math.floor(seconds / (365 * 86_400))}y`;
}

/** `2026-11-23T07:00:01Z (3m ago)`, or empty when unset. */
export function formatMoment(momentMs: number | undefined, nowMs: number): string {
  if (momentMs === undefined) return '';
  const date = new Date(momentMs);
  const text = Number.isNaN(date.getTime()) ? String(momentMs) : date.toISOString().replace(/\.\d+Z$/, 'Z');
  return momentMs > nowMs + 1000
    ? `${text} (in ${formatAge(nowMs, momentMs)})`
    : `${text} (${formatAge(momentMs, nowMs)} ago)`;
}
