/** ResidencyService: where data may be. */
import type { CreateResidencyRuleRequest__Output } from '../../proto/gen/secovia/v1/CreateResidencyRuleRequest.js';
import type { DeleteResidencyRuleRequest__Output } from '../../proto/gen/secovia/v1/DeleteResidencyRuleRequest.js';
import type { GetResidencyRuleRequest__Output } from '../../proto/gen/secovia/v1/GetResidencyRuleRequest.js';
import type { ListResidencyRulesRequest__Output } from '../../proto/gen/secovia/v1/ListResidencyRulesRequest.js';
import type { ResidencyRule__Output } from '../../proto/gen/secovia/v1/ResidencyRule.js';
import type { UpdateResidencyRuleRequest__Output } from '../../proto/gen/secovia/v1/UpdateResidencyRuleRequest.js';
import { notFound } from '../core/refusal.js';
import type { State } from '../core/state.js';
import type { Places, ResidencyRule } from '../core/tenancy/model.js';
import { residencyRuleMessage } from '../render/residency.js';
import { sightOf } from './authorization.js';
import { breachMethods } from './breach-methods.js';
import { dataClassMethods } from './data-class-methods.js';
import { Fields } from './fields.js';
import { legalBasisLimit, mostRulePriority } from './limits.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { checkOrder, momentIn, placesIn } from './tenancy-fields.js';

function legalBasisIn(fields: Fields, { legalBasis }: ResidencyRule__Output): string {
  const field = 'residency_rule.legal_basis';
  if (legalBasis.trim() === '') fields.fault(field, 'is missing; name what the rule follows from, as a law');
  return fields.text(field, legalBasis, legalBasisLimit);
}

function priorityIn(fields: Fields, { priority }: ResidencyRule__Output): number {
  return fields.whole('residency_rule.priority', priority, 0, mostRulePriority);
}

function isNowhere({ countries, jurisdictions }: Places): boolean {
  return countries.length + jurisdictions.length === 0;
}

/** About what the places and texts of a rule take on the wire. */
function ruleBytes({ allowed, forbidden, legalBasis }: ResidencyRule): number {
  const places = [allowed, forbidden];
  const units = places.map(
    ({ countries, jurisdictions }) => 4 * countries.length + 34 * jurisdictions.length,
  );
  return 3 * legalBasis.length + units.reduce((sum, each) => sum + each, 0);
}

/** An administration and those above it. */
function chainOf(state: State, id: string): Set<string> {
  const chain = new Set<string>();
  for (let at: string | null = id; at !== null; ) {
    chain.add(at);
    at = state.administrations.get(at)?.parent ?? null;
  }
  return chain;
}

export const residencyService = {
  ...dataClassMethods,
  ...breachMethods,

  CreateResidencyRule: mutation((request: CreateResidencyRuleRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.residencyRule;
    const id = fields.id('residency_rule_id', request.residencyRuleId);
    if (!fields.present('residency_rule', sent))
      return { refusal: fields.refusal ?? notFound('residency rule', id) };
    const dataClass = fields.name('residency_rule.data_class', 'data class', sent.dataClass);
    const administration =
      sent.administration === ''
        ? null
        : fields.name('residency_rule.administration', 'administration', sent.administration);
    const allowed = placesIn(fields, 'residency_rule.allowed', sent.allowed);
    const forbidden = placesIn(fields, 'residency_rule.forbidden', sent.forbidden);
    if (isNowhere(allowed) && isNowhere(forbidden))
      fields.fault('residency_rule.allowed', 'is empty, and so is forbidden; name at least one place');
    const legalBasis = legalBasisIn(fields, sent);
    const priority = priorityIn(fields, sent);
    const fromMs = momentIn(fields, 'residency_rule.valid_from', sent.validFrom);
    const untilMs = momentIn(fields, 'residency_rule.valid_until', sent.validUntil);
    checkOrder(fields, 'residency_rule.valid_until', fromMs, untilMs);
    const startUntilMs = momentIn(fields, 'residency_rule.start_in_place_until', sent.startInPlaceUntil);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({
      type: 'residency.create',
      id,
      dataClass,
      administration,
      allowed,
      forbidden,
      legalBasis,
      priority,
      fromMs,
      untilMs,
      startUntilMs,
    });
    return outcome.refusal ? outcome : { response: { residencyRule: residencyRuleMessage(outcome.reply) } };
  }),

  GetResidencyRule: query((request: GetResidencyRuleRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'residency rule', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const rule = engine.state.tenancy.rules.get(id);
    if (rule === undefined) return { refusal: notFound('residency rule', request.name) };
    return { response: { residencyRule: residencyRuleMessage(rule) } };
  }),

  ListResidencyRules: query(
    (request: ListResidencyRulesRequest__Output, { engine }, caller): Answer<object> => {
      const { state } = engine;
      const fields = new Fields();
      const of =
        request.administration === ''
          ? null
          : fields.name('administration', 'administration', request.administration);
      const page = pageOf(fields, request, `residency rules ${request.administration}`);
      if (fields.refusal) return { refusal: fields.refusal };
      if (of !== null && !state.administrations.has(of))
        return { refusal: notFound('administration', request.administration) };
      const chain = of === null ? null : chainOf(state, of);
      const sight = sightOf(engine, caller);
      const { items, nextPageToken } = pageById(
        page,
        state.tenancy.rules.values(),
        (rule) =>
          (chain === null || rule.administration === null || chain.has(rule.administration)) &&
          sight.rule(rule),
        ruleBytes,
      );
      return { response: { residencyRules: items.map(residencyRuleMessage), nextPageToken } };
    },
  ),

  UpdateResidencyRule: mutation((request: UpdateResidencyRuleRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.residencyRule;
    if (!fields.present('residency_rule', sent))
      return { refusal: fields.refusal ?? notFound('residency rule', '') };
    const id = fields.name('residency_rule.name', 'residency rule', sent.name);
    const masked = maskedFields(fields, request.updateMask, {
      allowed: sent.allowed !== null,
      forbidden: sent.forbidden !== null,
      legal_basis: sent.legalBasis !== '',
      priority: sent.priority !== 0,
      valid_until: sent.validUntil !== null,
      start_in_place_until: sent.startInPlaceUntil !== null,
    });
    const places = (field: 'allowed' | 'forbidden') =>
      masked.has(field) ? placesIn(fields, `residency_rule.${field}`, sent[field]) : undefined;
    const allowed = places('allowed');
    const forbidden = places('forbidden');
    const legalBasis = masked.has('legal_basis') ? legalBasisIn(fields, sent) : undefined;
    const priority = masked.has('priority') ? priorityIn(fields, sent) : undefined;
    const untilMs = masked.has('valid_until')
      ? momentIn(fields, 'residency_rule.valid_until', sent.validUntil)
      : undefined;
    const startUntilMs = masked.has('start_in_place_until')
      ? momentIn(fields, 'residency_rule.start_in_place_until', sent.startInPlaceUntil)
      : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = sent;
    const terms = { allowed, forbidden, legalBasis, priority, untilMs, startUntilMs };
    const outcome = engine.run({ type: 'residency.update', id, ...terms, etag });
    return outcome.refusal ? outcome : { response: { residencyRule: residencyRuleMessage(outcome.reply) } };
  }),

  DeleteResidencyRule: mutation((request: DeleteResidencyRuleRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'residency rule', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'residency.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
