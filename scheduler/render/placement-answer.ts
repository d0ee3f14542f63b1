/** What was asked about placement, as messages. */
import type { EstimateCapacityResponse } from '../../proto/gen/secovia/v1/EstimateCapacityResponse.js';
import type { ExplainPlacementResponse } from '../../proto/gen/secovia/v1/ExplainPlacementResponse.js';
import type { HostScore as HostScoreMessage } from '../../proto/gen/secovia/v1/HostScore.js';
import type { Capacity, HostScore, PlacementAnswer } from '../core/placement/answers.js';
import { exclusionWords } from '../core/placement/no-host.js';
import type { State } from '../core/state.js';
import { resourcesMessage, timestamp } from './basics.js';
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
export function placementAnswerMessage(state: State, answer: PlacementAnswer): ExplainPlacementResponse {
  const { chosen, runnerUp, suggestion, displacement } = answer;
  const { hosts, eligible, excluded, misses, lackedExtras, extraMisses } = answer.explanation;
  return {
    chosen: scoreMessage(chosen),
    runnerUp: scoreMessage(runnerUp),
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
      displacement === null
        ? null
        : {
            host: nameOf('host', displacement.host.id),
            vms: displacement.vms.map((vm) => vmMessage(state, vm)),
          },
  };
}

function scoreMessage(score: HostScore | null): HostScoreMessage | null {
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
  return {
    host: nameOf('host', host.id),
    softViolations,
    sparedForGpus,
    priceTier: tier.price,
    sitePreference: tier.preference,
    left: resourcesMessage(left, extrasLeft),
    hugepagesLeft,
    contentStartTime: timestamp(contentStartMs),
    numaCells,
  };
}

export function capacityMessage({ vms, limited, bySite }: Capacity): EstimateCapacityResponse {
  const sites = [...bySite].sort(([a], [b]) => (a < b ? -1 : 1));
  return { vms, limited, sites: sites.map(([site, count]) => ({ site: nameOf('site', site), vms: count })) };
}
