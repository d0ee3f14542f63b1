/** QuotaService: what administrations may use. What they lend one another is in `loan-methods.ts`. */
import type { DeleteQuotaRequest__Output } from '../../proto/gen/secovia/v1/DeleteQuotaRequest.js';
import type { GetQuotaRequest__Output } from '../../proto/gen/secovia/v1/GetQuotaRequest.js';
import type { ListQuotasRequest__Output } from '../../proto/gen/secovia/v1/ListQuotasRequest.js';
import type { SetQuotaRequest__Output } from '../../proto/gen/secovia/v1/SetQuotaRequest.js';
import { notFound } from '../core/refusal.js';
import type { State } from '../core/state.js';
import type { Scope } from '../core/tenancy/model.js';
import { quotaKey, scopeKey } from '../core/tenancy/scope.js';
import { verifyTenancy } from '../core/tenancy/verify.js';
import { quotaMessage } from '../render/tenancy.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { loanMethods } from './loan-methods.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { limitsIn, quotaIn, scopeIn } from './tenancy-fields.js';

/** The wider first. */
const scopeOrder: Record<Scope['kind'], number> = { everywhere: 0, country: 1, site: 2 };

/** Whether an administration is another one, or below it. */
function isWithin(state: State, administration: string, top: string): boolean {
  for (let at: string | null = administration; at !== null; ) {
    if (at === top) return true;
    at = state.administrations.get(at)?.parent ?? null;
  }
  return false;
}

export const quotaService = {
  ...loanMethods,

  SetQuota: mutation((request: SetQuotaRequest__Output, { engine }) => {
    const fields = new Fields();
    const administration = fields.name('parent', 'administration', request.parent);
    const scope = scopeIn(fields, 'scope', request.scope);
    if (request.limit === null) fields.fault('limit', 'is missing; to lift all limits delete the quota');
    const limit = limitsIn(fields, 'limit', request.limit);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'quota.set', administration, scope, limit, etag: request.etag });
    if (outcome.refusal) return outcome;
    return { response: { quota: quotaMessage(engine.state, outcome.reply) } };
  }),

  GetQuota: query((request: GetQuotaRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const { administration, scope } = quotaIn(fields, 'name', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const quota = engine.state.tenancy.quotas.get(quotaKey(administration, scope));
    if (quota === undefined) return { refusal: notFound('quota', request.name) };
    return { response: { quota: quotaMessage(engine.state, quota) } };
  }),

  ListQuotas: query((request: ListQuotasRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const fields = new Fields();
    const top = fields.name('parent', 'administration', request.parent || 'administrations/-');
    const page = pageOf(fields, request, `quotas ${request.parent} ${request.subtree}`);
    if (fields.refusal) return { refusal: fields.refusal };
    if (top !== '-' && !state.administrations.has(top))
      return { refusal: notFound('administration', request.parent) };
    const sight = sightOf(engine, caller);
    const isAsked = (administration: string) =>
      top === '-' || administration === top || (request.subtree && isWithin(state, administration, top));
    const rows = function* () {
      for (const quota of state.tenancy.quotas.values()) {
        const { administration, scope } = quota;
        // A space comes before all that an id may have.
        const id = `${administration} ${scopeOrder[scope.kind]} ${scopeKey(scope)}`;
        const isSeen = sight.isWhole || sight.isInSubtree(administration);
        if (isSeen && isAsked(administration)) yield { id, quota };
      }
    };
    const { items, nextPageToken } = pageById(page, rows(), () => true);
    return { response: { quotas: items.map(({ quota }) => quotaMessage(state, quota)), nextPageToken } };
  }),

  DeleteQuota: mutation((request: DeleteQuotaRequest__Output, { engine }) => {
    const fields = new Fields();
    const quota = quotaIn(fields, 'name', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'quota.delete', ...quota, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),

  VerifyQuotas: query((_request: object, { engine }): Answer<object> => {
    return { response: verifyTenancy(engine.state) };
  }),
};
