/** Alarms about sites: those in recovery, where nothing is started, deleted, joined or leased. */
import type { State } from '../state.js';
import type { Alarm } from './alarm.js';

export function* siteAlarms({ federation }: State): Generator<Alarm> {
  const { recoveringSites, recoveringSinceMs = {}, recoveryReason } = federation;
  for (const id of recoveringSites) {
    yield {
      code: 'SITE_RECOVERING',
      severity: 'critical',
      about: { kind: 'site', id },
      sinceMs: recoveringSinceMs[id] ?? 0,
      message: `site "${id}" is in recovery, and nothing is started, deleted, joined or leased there: ${recoveryReason}`,
      advice: `compare what its hosts run with secovia vm list, then end it with secovia federation end-recovery ${id}`,
    };
  }
}
