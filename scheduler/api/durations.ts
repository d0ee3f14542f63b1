/** Durations of requests, in milliseconds. */
import type { Duration__Output } from '../../proto/gen/google/protobuf/Duration.js';
import type { Fields } from './fields.js';

/** Null when it is not set. */
export function durationMs(
  fields: Fields,
  field: string,
  duration: Duration__Output | null,
  leastMs: number,
  mostMs: number,
): number | null {
  if (duration === null) return null;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (!(ms >= leastMs && ms <= mostMs)) {
    fields.fault(field, `must be from ${leastMs / 1000} s to ${mostMs / 1000} s`);
    return leastMs;
  }
  return ms;
}
