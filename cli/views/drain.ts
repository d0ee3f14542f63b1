/** Drains of hosts as people see them: how far each is, and what is in its way. */
import type { HostDrain__Output } from '../../proto/gen/secovia/v1/HostDrain.js';
import { formatMoment, timestampMs } from '../values/durations.js';
import { shortVmName } from '../values/names.js';

/** The contract shows no more VMs that cannot leave than these. */
const mostShown = 20;

/** `draining: 5 VMs left, 2 moving, 1 cannot leave`, `drain paused: 3 VMs left`, `drained`; empty for none. */
export function drainWords(drain: HostDrain__Output | null): string {
  if (drain === null) return '';
  if (drain.state === 'HOST_DRAIN_STATE_DRAINED') return 'drained';
  const how = drain.state === 'HOST_DRAIN_STATE_PAUSED' ? 'drain paused' : 'draining';
  return `${how}: ${leftWords(drain)}`;
}

/** `5 VMs left, 2 moving, 1 cannot leave`. */
export function leftWords({ vmsLeft, vmsMoving, obstacles }: HostDrain__Output): string {
  if (vmsLeft === 0) return 'no VM left, but one that has left is not settled elsewhere yet';
  const more = obstacles.length >= mostShown ? ' or more' : '';
  return [
    `${vmsLeft} ${vmsLeft === 1 ? 'VM' : 'VMs'} left`,
    vmsMoving > 0 ? `${vmsMoving} moving` : '',
    obstacles.length > 0 ? `${obstacles.length}${more} cannot leave` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

/** `draining: 5 VMs left; begun ..., to be empty by ...`. */
export function drainRow(drain: HostDrain__Output | null, nowMs: number): string {
  if (drain === null) return '';
  const begun = `begun ${formatMoment(timestampMs(drain.startTime), nowMs)}`;
  const deadline = formatMoment(timestampMs(drain.deadline), nowMs);
  return [drainWords(drain), deadline === '' ? begun : `${begun}, to be empty by ${deadline}`].join('; ');
}

/** One line for each VM that cannot leave: `city/db: its only disk is on a ... (DISK_THERE)`. */
export function obstacleLines(drain: HostDrain__Output | null): string[] {
  return (drain?.obstacles ?? []).map(
    ({ vm, reason, message }) => `${shortVmName(vm)}: ${message} (${reason})`,
  );
}

/** Whether nothing of it moves or will by itself: every VM that is left cannot leave. */
export function isStuck({ state, vmsLeft, vmsMoving, obstacles }: HostDrain__Output): boolean {
  if (state !== 'HOST_DRAIN_STATE_ACTIVE' || vmsLeft === 0 || vmsMoving > 0) return false;
  return obstacles.length >= Math.min(vmsLeft, mostShown);
}
