/** Alarms about hosts that are drained, and do not become empty. */
import type { Host } from '../model.js';
import { momentWords } from '../moment.js';
import type { State } from '../state.js';
import { amountWords } from '../tenancy/holdings.js';
import type { Alarm } from './alarm.js';
import { type DrainProgress, drainProgress, isStuck } from './drain-progress.js';

const code = 'HOST_DRAIN_STUCK';

/** Null for a host that is not drained, or whose drain gets on. */
export function drainAlarm(state: State, host: Host, nowMs: number): Alarm | null {
  const { id, drain } = host;
  if (drain === undefined || host.state === 'retired') return null;
  const progress = drainProgress(state, host, nowMs);
  if (progress.left === 0) return null;
  const about = { kind: 'host', id } as const;
  const { deadlineMs, sinceMs } = drain;
  const vms = amountWords(progress.left, 'vms');
  const why = firstWords(progress);
  if (deadlineMs !== undefined && deadlineMs <= nowMs) {
    const paused = drain.state === 'paused' ? ' and is paused' : '';
    return {
      code,
      severity: 'critical',
      about,
      sinceMs: deadlineMs,
      message: `host "${id}" was to be empty by ${momentWords(deadlineMs)}, and has ${vms}${paused}${why}`,
      advice: `see what is left with secovia host show ${id}; move or delete it${drain.state === 'paused' ? `, or go on with secovia host drain-resume ${id}` : ''}`,
    };
  }
  if (!isStuck(host, progress)) return null;
  return {
    code,
    severity: 'warning',
    about,
    sinceMs,
    message: `the drain of host "${id}" does not get on: none of its ${vms} can leave${why}`,
    advice: `see each with secovia host show ${id}; make room or mend what is in the way, and it goes on by itself, or end it with secovia host undrain ${id}`,
  };
}

/** The most important VM that cannot leave, and why. */
function firstWords({ obstacles: [first] }: DrainProgress): string {
  if (first === undefined) return '';
  const { vm, fault } = first;
  return `; "${vm.id}" of "${vm.administration}": ${fault.message}`;
}
