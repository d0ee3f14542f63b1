/**
 * libvirt's numbers for what a domain is doing, and why, in the agent's words.
 */
import { type DomainStateInfo, DomainState } from '../../../native/index.js';
import { type OffReason, type Power, startingUp } from '../hypervisor.js';

/** virDomainShutoffReason, by number. */
const offReasons: readonly OffReason[] = [
  'unknown',
  'shutdown',
  'destroyed',
  'crashed',
  'migrated',
  'saved',
  'failed',
  // A snapshot that was taken of a domain that was off: nothing is known of why.
  'unknown',
  'daemon',
];

/** virDomainPausedReason, by number. */
const pausedReasons: readonly string[] = [
  'unknown reason',
  'by a user',
  'migration',
  'saving',
  'core dump',
  'I/O error',
  'watchdog',
  'restored from a snapshot',
  'being shut down',
  'snapshot',
  'crashed',
  startingUp,
  'post-copy',
  'post-copy failed',
  'API error',
];

const pausedWhileShuttingDown = 8;

export function readPower({ state, reason }: DomainStateInfo): Power {
  switch (state) {
    case DomainState.PAUSED:
      if (reason === pausedWhileShuttingDown) return { kind: 'stopping' };
      return { kind: 'paused', reason: pausedReasons[reason] ?? `reason ${reason}` };
    case DomainState.PMSUSPENDED:
      return { kind: 'paused', reason: 'the guest sleeps' };
    case DomainState.SHUTDOWN:
      return { kind: 'stopping' };
    case DomainState.SHUTOFF:
      return { kind: 'off', reason: offReasons[reason] ?? 'unknown' };
    case DomainState.CRASHED:
      return { kind: 'crashed' };
    default:
      // RUNNING, BLOCKED, and NOSTATE, which some drivers say of a domain that runs.
      return { kind: 'running' };
  }
}
