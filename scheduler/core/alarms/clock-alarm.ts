/** The alarm about a wall clock that has jumped (PROTOCOL E3). */
import type { State } from '../state.js';
import type { Alarm } from './alarm.js';

const minuteMs = 60_000;

export function clockAlarm({ federation }: State): Alarm | null {
  const { clockJump } = federation;
  if (clockJump === undefined) return null;
  const minutes = Math.max(1, Math.round(Math.abs(clockJump.byMs) / minuteMs));
  const way = clockJump.byMs > 0 ? 'ahead of' : 'behind';
  return {
    code: 'CLOCK_JUMPED',
    severity: 'critical',
    about: { kind: 'federation' },
    sinceMs: clockJump.sinceMs,
    message: `the clock of the scheduler's machine jumped, and is ${minutes} minutes ${way} the time that goes on here: loans, rules, agreements and time limits follow the latter`,
    advice: `set the clock right (timedatectl), and this ends by itself; if it is right now, start the scheduler anew, which ${clockJump.byMs > 0 ? 'believes it' : 'goes at half speed until the clock has caught up'}`,
  };
}
