/**
 * The agent's two clocks. Leases and pauses are counted on CLOCK_BOOTTIME, which goes on while the machine sleeps
 * and which nobody can set; Node's own monotonic clock stops in suspend, so a lease counted on it would seem to be
 * valid after a night in standby. /proc/uptime is that clock, to a hundredth of a second.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Instant } from './converge/converger.js';

export interface Clock {
  now(): Instant;
}

const longestUptimeText = 64;

export function systemClock(): Clock {
  let file: number;
  try {
    file = openSync('/proc/uptime', 'r');
  } catch {
    // Not Linux: nobody runs guests there, and what remains (status, tests) does not live through a suspend.
    return { now: () => ({ bootMs: performance.now(), wallMs: Date.now() }) };
  }
  const buffer = Buffer.alloc(longestUptimeText);
  process.once('exit', () => closeSync(file));
  return {
    now() {
      const length = readSync(file, buffer, 0, longestUptimeText, 0);
      const [seconds = '0'] = buffer.toString('latin1', 0, length).split(' ');
      return { bootMs: Math.round(Number(seconds) * 1000), wallMs: Date.now() };
    },
  };
}
