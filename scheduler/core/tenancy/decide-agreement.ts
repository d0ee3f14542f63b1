/** Decisions about what partners let others use. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { staleEtag } from '../etag.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import type { Agreement, Beneficiary } from './model.js';
import { agreementAt, noticed } from './times.js';

export function createAgreement(
  state: State,
  command: CommandOf<'agreement.create'>,
  nowMs: number,
): Decision<Agreement> {
  const { id, title, partner, beneficiary, limit, limitPercent, reserve, price, untilMs, noticeDays } =
    command;
  if (state.tenancy.agreements.has(id)) return { refusal: alreadyExists('agreement', id) };
  if (!state.tenancy.partners.has(partner)) return { refusal: notFound('partner', partner) };
  const fromMs = command.fromMs ?? nowMs;
  const refusal =
    unknownBeneficiary(state, partner, beneficiary) ?? endsTooSoon(untilMs, Math.max(fromMs, nowMs));
  if (refusal) return { refusal };
  const planned: Agreement = {
    id,
    title,
    partner,
    beneficiary,
    limit,
    limitPercent,
    reserve,
    price,
    fromMs,
    untilMs,
    noticeDays,
    state: 'planned',
    noticeUntilMs: null,
    recalled: false,
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  const agreement = agreementAt(planned, nowMs);
  return { changes: [{ type: 'agreement.set', agreement }], reply: () => agreement };
}

function unknownBeneficiary(state: State, provider: string, beneficiary: Beneficiary): Refusal | null {
  if (beneficiary.kind === 'administration') {
    const { administration } = beneficiary;
    return state.administrations.has(administration) ? null : notFound('administration', administration);
  }
  const { partner } = beneficiary;
  if (!state.tenancy.partners.has(partner)) return notFound('partner', partner);
  if (partner !== provider) return null;
  const message = `partner "${partner}" needs no agreement with itself: its own administrations use its sites anyway`;
  return refuse('precondition', 'AGREEMENT_WITH_ITSELF', message);
}

function endsTooSoon(untilMs: number | null, fromMs: number): Refusal | null {
  if (untilMs === null || untilMs > fromMs) return null;
  const description = 'must be in the future, and after the agreement begins';
  return {
    ...refuse('invalid', 'ENDS_TOO_SOON', `valid_until ${description}`),
    violations: [{ field: 'agreement.valid_until', description }],
  };
}

export function updateAgreement(
  state: State,
  command: CommandOf<'agreement.update'>,
  nowMs: number,
): Decision<Agreement> {
  const found = find(state, command.id, command.etag);
  if (found.refusal) return found;
  const { agreement: before } = found;
  if (before.recalled) return { refusal: isRecalled(before) };
  const { title = before.title, limit = before.limit, limitPercent = before.limitPercent } = command;
  const { reserve = before.reserve, price = before.price, noticeDays = before.noticeDays } = command;
  const { untilMs = before.untilMs } = command;
  const extended = untilMs !== before.untilMs;
  const refusal = extended ? endsTooSoon(untilMs, Math.max(before.fromMs, nowMs)) : null;
  if (refusal) return { refusal };
  const changed: Agreement = {
    ...before,
    title,
    limit,
    limitPercent,
    reserve,
    price,
    untilMs,
    noticeDays,
    revision: before.revision + 1,
    updatedMs: nowMs,
  };
  // One that had expired is in force again when its end is put off.
  const isBack = extended && before.state !== 'planned' && before.state !== 'in_force';
  const agreement: Agreement = isBack ? { ...changed, state: 'in_force', noticeUntilMs: null } : changed;
  return { changes: [{ type: 'agreement.set', agreement }], reply: () => agreement };
}

export function recallAgreement(
  state: State,
  command: CommandOf<'agreement.recall'>,
  nowMs: number,
): Decision<Agreement> {
  const found = find(state, command.id, command.etag);
  if (found.refusal) return found;
  const { agreement: before } = found;
  if (before.recalled) return { refusal: isRecalled(before) };
  const recalled = { ...before, recalled: true, revision: before.revision + 1, updatedMs: nowMs };
  const agreement = agreementAt(afterRecall(recalled, nowMs), nowMs);
  return { changes: [{ type: 'agreement.set', agreement }], reply: () => agreement };
}

/** One that had expired has its notice running already, and one that never began has nobody to give notice to. */
function afterRecall(agreement: Agreement, nowMs: number): Agreement {
  if (agreement.state === 'in_force') return noticed(agreement, nowMs);
  return agreement.state === 'planned' ? { ...agreement, state: 'ended' } : agreement;
}

export function deleteAgreement(state: State, command: CommandOf<'agreement.delete'>): Decision<null> {
  const found = find(state, command.id, command.etag);
  if (found.refusal) return found;
  const { id } = found.agreement;
  const { vms } = state.tenancy.agreementUse(id);
  if (vms > 0) {
    const message = `agreement "${id}" still has ${vms} VMs; recall it, and have them moved or deleted first`;
    return { refusal: refuse('precondition', 'AGREEMENT_IN_USE', message, { vms: String(vms) }) };
  }
  return { changes: [{ type: 'agreement.deleted', id }], reply: () => null };
}

function find(
  state: State,
  id: string,
  etag: string,
): { agreement: Agreement; refusal?: undefined } | { refusal: Refusal } {
  const agreement = state.tenancy.agreements.get(id);
  if (agreement === undefined) return { refusal: notFound('agreement', id) };
  const stale = staleEtag(etag, agreement.revision);
  return stale ? { refusal: stale } : { agreement };
}

function isRecalled({ id }: Agreement): Refusal {
  return refuse(
    'precondition',
    'AGREEMENT_RECALLED',
    `agreement "${id}" was recalled; make a new one instead`,
  );
}
