/** Moves of VMs between hosts as people see them. */
import type { VmMove__Output } from '../../proto/gen/secovia/v1/VmMove.js';
import { formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';

/** `moves to b: it goes off, to be moved`; empty for a VM that does not move. */
export function moveNote(move: VmMove__Output | null): string {
  return move === null ? '' : `moves to ${hostWord(move.to)}: ${move.progress}`;
}

/** `from a to b while it runs, since ...: HOW FAR`. */
export function moveRow(move: VmMove__Output | null, nowMs: number): string {
  if (move === null) return '';
  const how = move.mode === 'MIGRATION_MODE_LIVE' ? ' while it runs' : '';
  const since = formatMoment(timestampMs(move.startTime), nowMs);
  return `from ${hostWord(move.from)} to ${hostWord(move.to)}${how}, since ${since}: ${move.progress}`;
}

/** One that the caller does not see has no name. */
function hostWord(name: string): string {
  const id = shortName(name);
  return id === '-' ? 'another host' : id;
}
