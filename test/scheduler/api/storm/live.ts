/** Comparisons of what a scheduler says, or would load, with the state that its journal gives. */
import { isDeepStrictEqual } from 'node:util';
import type { State } from '../../../../scheduler/core/state.js';
import { scopeKey } from '../../../../scheduler/core/tenancy/scope.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import { portraitOf } from '../../core/portrait.js';
import type { Api } from '../client.js';

interface Shown {
  name: string;
  etag: string;
}

/** All pages of a listing, as `name etag`. */
async function listed(
  list: (pageToken: string) => Promise<{ nextPageToken: string; shown: Shown[] }>,
): Promise<Set<string>> {
  const found = new Set<string>();
  let pageToken = '';
  do {
    const page = await list(pageToken);
    for (const { name, etag } of page.shown) found.add(`${name} ${etag}`);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

/**
 * Throws when the scheduler shows something else than its journal says, or finds that its sums have drifted. False when
 * something was decided in the meantime, as when a loan has expired: then it is to be asked again.
 */
export async function compareLive(api: Api, followed: () => State): Promise<boolean> {
  const sequence = await api.sequence();
  const pageSize = 1000;
  const found = [
    await listed(async (pageToken) => {
      const { quotas: shown, nextPageToken } = await api.call('ListQuotas', {
        parent: 'administrations/-',
        pageSize,
        pageToken,
      });
      return { shown, nextPageToken };
    }),
    await listed(async (pageToken) => {
      const { loans: shown, nextPageToken } = await api.call('ListLoans', {
        showEnded: true,
        pageSize,
        pageToken,
      });
      return { shown, nextPageToken };
    }),
    await listed(async (pageToken) => {
      const { agreements: shown, nextPageToken } = await api.call('ListAgreements', { pageSize, pageToken });
      return { shown, nextPageToken };
    }),
    await listed(async (pageToken) => {
      const { residencyRules: shown, nextPageToken } = await api.call('ListResidencyRules', {
        pageSize,
        pageToken,
      });
      return { shown, nextPageToken };
    }),
    await listed(async (pageToken) => {
      const { administrations: shown, nextPageToken } = await api.call('ListAdministrations', {
        pageSize,
        pageToken,
      });
      return { shown, nextPageToken };
    }),
    await listed(async (pageToken) => {
      const { partners: shown, nextPageToken } = await api.call('ListPartners', { pageSize, pageToken });
      return { shown, nextPageToken };
    }),
  ];
  const verified = await api.call('VerifyQuotas', {});
  if (verified.differences.length > 0) throw new Error(`sums drift: ${JSON.stringify(verified.differences)}`);
  const { federation } = await api.call('GetFederation', {});
  if (federation?.recoveringSites.length !== 0)
    throw new Error(`the journal has lost what an agent was shown: ${federation?.recoveryReason}`);
  const state = followed();
  if (state.sequence !== sequence) return false;
  const { exceeded } = verifyTenancy(state);
  if (!isDeepStrictEqual(verified.exceeded, exceeded))
    throw new Error(`exceeded are ${verified.exceeded} instead of ${exceeded}`);
  const { quotas, loans, agreements, rules, partners } = state.tenancy;
  const kept = [
    [...quotas.values()].map(
      ({ administration, scope, revision }) =>
        `administrations/${administration}/quotas/${scopeKey(scope)} "${revision}"`,
    ),
    named('loans', loans),
    named('agreements', agreements),
    named('residencyRules', rules),
    named('administrations', state.administrations),
    named('partners', partners),
  ];
  for (const [index, expected] of kept.entries()) {
    const shown = found[index] as Set<string>;
    const missing = expected.filter((one) => !shown.delete(one));
    if (missing.length + shown.size > 0)
      throw new Error(`not shown: ${missing}; shown instead: ${[...shown]}`);
  }
  return true;
}

const named = (kind: string, entities: ReadonlyMap<string, { id: string; revision: number }>): string[] =>
  [...entities.values()].map(({ id, revision }) => `${kind}/${id} "${revision}"`);

/** Throws when what was loaded is not what was replayed, entities and indexes. */
export function compareStates(loaded: State, replayed: State): void {
  const [one, other] = [portraitOf(loaded), portraitOf(replayed)];
  // Operations that ended in the same millisecond are loaded in any order.
  for (const part of ['entities', 'indexes'] as const) {
    const [a, b] = [
      { ...one[part], ended: [] },
      { ...other[part], ended: [] },
    ] as Record<string, unknown>[];
    for (const key of Object.keys(a as object))
      if (!isDeepStrictEqual(a?.[key], b?.[key]))
        throw new Error(`${key} are loaded otherwise than replayed`);
  }
}
