/** What was asked about placement, as messages. */
import type { EstimateCapacityResponse } from '../../proto/gen/secovia/v1/EstimateCapacityResponse.js';
import type { ExplainPlacementResponse } from '../../proto/gen/secovia/v1/ExplainPlacementResponse.js';
import type { HostScore as HostScoreMessage } from '../../proto/gen/secovia/v1/HostScore.js';
import type { Sight } from '../core/access/sight.js';
import type { Capacity, HostScore, PlacementAnswer } from '../core/placement/answers.js';
import { exclusionWords } from '../core/placement/no-host.js';
import type { State } from '../core/state.js';
import { resourcesMessage, timestamp } from './basics.js';
import { hostNameInSight } from './in-sight.js';
import { nameOf } from './names.js';
import { vmMessage } from './vm.js';

interface Counted {
  code: string;
  hosts: number;
}

/** What counts for most hosts first; what counts for as many, by its code. */
function byHosts(a: Counted, b: Counted): number {
  return b.hosts - a.hosts || (a.code < b.code ? -1 : 1);
}

/** All but the refusal. */
export function placementAnswerMessage(
  state: State,
  sight: Sight,
  answer: PlacementAnswer,
): ExplainPlacementResponse {
  const { chosen, runnerUp, suggestion, displacement } = answer;
  const { hosts, eligible, excluded, misses, lackedExtras, extraMisses } = answer.explanation;
  return {
    chosen: scoreMessage(sight, chosen),
    runnerUp: scoreMessage(sight, runnerUp),
    hosts,
    eligible,
    exclusions: [...excluded]
      .map(([code, counts]) => ({
        code,
        description: exclusionWords[code](counts.hosts),
        ...counts,
        extras: code === 'LACKS_EXTRA' ? Object.fromEntries(lackedExtras) : {},
      }))
      .sort(byHosts),
    nearestMisses: [
      ...[...misses].map(([code, miss]) => ({ code, ...miss })),
      ...[...extraMisses].map(([extra, miss]) => ({ code: 'LACKS_EXTRA', extra, ...miss })),
    ].sort(byHosts),
    suggestion,
    displacement:
      displacement === null || !displacement.vms.every((vm) => sight.wholeVm(vm))
        ? null
        : {
            host: nameOf('host', displacement.host.id),
            vms: displacement.vms.map((vm) => vmMessage(state, vm)),
          },
  };
}

function scoreMessage(sight: Sight, score: HostScore | null): HostScoreMessage | null {
  if (score === null) return null;
  const {
    host,
    softViolations,
    sparedForGpus,
    tier,
    left,
    extrasLeft,
    hugepagesLeft,
    contentStartMs,
    numaCells,
  } = score;
  const told = {
    host: hostNameInSight(sight, host),
    site: nameOf('site', host.site),
    softViolations,
    sparedForGpus,
    priceTier: tier.price,
    sitePreference: tier.preference,
  };
  if (!sight.numbersOfHost(host)) return told;
  return {
    ...told,
    left: resourcesMessage(left, extrasLeft),
    hugepagesLeft,
    contentStartTime: timestamp(contentStartMs),
    numaCells,
  };
}

/** To a partner's operator, what fits on its own sites. */
export function capacityMessage(
  state: State,
  sight: Sight,
  { vms: all, limited, bySite }: Capacity,
): EstimateCapacityResponse {
  const isTold = (site: string) => sight.partner === null || sight.ownsSite(state.sites.get(site));
  const sites = [...bySite].filter(([site]) => isTold(site)).sort(([a], [b]) => (a < b ? -1 : 1));
  const vms = sight.partner === null ? all : sites.reduce((sum, [, count]) => sum + count, 0);
  return { vms, limited, sites: sites.map(([site, count]) => ({ site: nameOf('site', site), vms: count })) };
}
