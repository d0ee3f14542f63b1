/** The methods of ResidencyService that say what follows from its rules: where data may be, and which VMs are elsewhere. */
import type { ExplainResidencyRequest__Output } from '../../proto/gen/secovia/v1/ExplainResidencyRequest.js';
import type { ListBreachesRequest__Output } from '../../proto/gen/secovia/v1/ListBreachesRequest.js';
import { notFound } from '../core/refusal.js';
import { defaultClass } from '../core/tenancy/residency.js';
import { explainResidency } from '../core/tenancy/answers.js';
import { vmsInBreach } from '../core/tenancy/stay.js';
import { breachMessage, siteVerdictMessage } from '../render/residency.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { type Answer, query } from './methods.js';
import { firstById, pageOf } from './pages.js';

/** How long one page may look for hosts to move to: it holds the loop. */
const pageTimeMs = 10;

/** Enough digits for every sequence, so that texts sort as numbers do. */
const sequenceDigits = 16;

export const breachMethods = {
  ExplainResidency: query((request: ExplainResidencyRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const fields = new Fields();
    const id = fields.name('administration', 'administration', request.administration);
    const dataClass =
      request.dataClass === '' ? defaultClass : fields.name('data_class', 'data class', request.dataClass);
    if (fields.refusal) return { refusal: fields.refusal };
    const administration = state.administrations.get(id);
    if (administration === undefined) return { refusal: notFound('administration', request.administration) };
    if (!state.tenancy.classes.has(dataClass)) return { refusal: notFound('data class', request.dataClass) };
    const sight = sightOf(engine, caller);
    // Under which agreements others serve it is nothing to an operator.
    const verdicts = explainResidency(state, administration, dataClass).filter(
      ({ site }) => sight.partner === null || sight.ownsSite(site),
    );
    return { response: { sites: verdicts.map(siteVerdictMessage) } };
  }),

  ListBreaches: query((request: ListBreachesRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const sight = sightOf(engine, caller);
    const fields = new Fields();
    const top =
      request.administration === ''
        ? null
        : fields.name('administration', 'administration', request.administration);
    const page = pageOf(fields, request, `breaches ${request.administration}`);
    if (fields.refusal) return { refusal: fields.refusal };
    if (top !== null && !state.administrations.has(top))
      return { refusal: notFound('administration', request.administration) };
    const rows = function* () {
      for (const { vm, breach } of vmsInBreach(state, top ?? sight.top))
        if (sight.vm(vm)) yield { id: String(vm.createdSequence).padStart(sequenceDigits, '0'), vm, breach };
    };
    const { after } = page;
    const next = firstById(rows(), page.size + 1, ({ id }) => after === null || id > after);
    const untilMs = performance.now() + pageTimeMs;
    const breaches: object[] = [];
    for (const { vm, breach } of next.slice(0, page.size)) {
      if (breaches.length > 0 && performance.now() > untilMs) break;
      breaches.push(breachMessage(state, sight, vm, breach, engine.now()));
    }
    const last = next[breaches.length - 1];
    const nextPageToken = last !== undefined && breaches.length < next.length ? page.token(last.id) : '';
    return { response: { breaches, nextPageToken } };
  }),
};
