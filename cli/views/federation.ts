/** The federation as people see it. */
import type { Federation__Output } from '../../proto/gen/secovia/v1/Federation.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import { formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';

export function federationSheet(federation: Federation__Output, nowMs: number, paint: Paint): string {
  const { epoch } = federation;
  const recovering = federation.recoveringSites.map(shortName);
  return sheet(
    [
      ['Federation', federation.title],
      ['Scheduler', federation.version],
      ['Started', formatMoment(timestampMs(federation.startTime), nowMs)],
      ['Sites', String(federation.siteCount)],
      ['Hosts', `${federation.hostCount}, ${federation.readyHostCount} ready`],
      ['VMs', String(federation.vmCount)],
      ['Epoch', epoch === null ? '' : `incarnation ${epoch.incarnation}, counter ${epoch.counter}`],
      ['Journal', `sequence ${federation.sequence}`],
      ['Recovering sites', recovering],
      ['Why', federation.recoveryReason],
      [
        'To end recovery',
        recovering.map((site) => `secovia federation end-recovery ${site}, after a look at its hosts`),
      ],
    ],
    paint,
  );
}
