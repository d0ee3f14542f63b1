/** AgreementService: what partners let others use of their sites. */
import type { Agreement__Output } from '../../proto/gen/secovia/v1/Agreement.js';
import type { CreateAgreementRequest__Output } from '../../proto/gen/secovia/v1/CreateAgreementRequest.js';
import type { DeleteAgreementRequest__Output } from '../../proto/gen/secovia/v1/DeleteAgreementRequest.js';
import type { GetAgreementRequest__Output } from '../../proto/gen/secovia/v1/GetAgreementRequest.js';
import type { ListAgreementsRequest__Output } from '../../proto/gen/secovia/v1/ListAgreementsRequest.js';
import type { Price__Output } from '../../proto/gen/secovia/v1/Price.js';
import type { RecallAgreementRequest__Output } from '../../proto/gen/secovia/v1/RecallAgreementRequest.js';
import type { UpdateAgreementRequest__Output } from '../../proto/gen/secovia/v1/UpdateAgreementRequest.js';
import { notFound } from '../core/refusal.js';
import type { Beneficiary, Price } from '../core/tenancy/model.js';
import { agreementInSight } from '../render/in-sight.js';
import { agreementMessage } from '../render/tenancy.js';
import { sightOf } from './authorization.js';
import { Fields, quoted, titleLimit } from './fields.js';
import { mostNoticeDays, mostPriceMicros } from './limits.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { checkOrder, limitsIn, momentIn } from './tenancy-fields.js';

const currencyForm = /^[A-Z]{3}$/;
const free: Price = { currency: '', vcpuMicros: 0, memoryGibMicros: 0, diskGibMicros: 0, stoppedPercent: 0 };

function beneficiaryIn(fields: Fields, sent: Agreement__Output): Beneficiary | null {
  const { beneficiaryPartner, beneficiaryAdministration } = sent;
  if (beneficiaryPartner !== undefined) {
    const partner = fields.name('agreement.beneficiary_partner', 'partner', beneficiaryPartner);
    return { kind: 'partner', partner };
  }
  if (beneficiaryAdministration !== undefined) {
    const field = 'agreement.beneficiary_administration';
    return {
      kind: 'administration',
      administration: fields.name(field, 'administration', beneficiaryAdministration),
    };
  }
  fields.fault(
    'agreement.beneficiary',
    'is missing; set beneficiary_partner or beneficiary_administration to say who may use the sites',
  );
  return null;
}

function priceIn(fields: Fields, field: string, sent: Price__Output | null): Price {
  if (sent === null) return free;
  const micros = (name: string, value: number) => fields.whole(`${field}.${name}`, value, 0, mostPriceMicros);
  const { currency } = sent;
  const price = {
    currency,
    vcpuMicros: micros('vcpu_micros', sent.vcpuMicros),
    memoryGibMicros: micros('memory_gib_micros', sent.memoryGibMicros),
    diskGibMicros: micros('disk_gib_micros', sent.diskGibMicros),
    stoppedPercent: fields.whole(`${field}.stopped_percent`, sent.stoppedPercent, 0, 100),
  };
  const costs = [price.vcpuMicros, price.memoryGibMicros, price.diskGibMicros].some((each) => each > 0);
  if (currency === '' ? costs : !currencyForm.test(currency)) {
    const found = currency === '' ? 'is missing; it' : `${quoted(currency)}`;
    fields.fault(`${field}.currency`, `${found} must be three capital letters (ISO 4217), for example EUR`);
  }
  return price;
}

function percentIn(fields: Fields, { limitPercent }: Agreement__Output): number | null {
  return fields.whole('agreement.limit_percent', limitPercent, 0, 100) || null;
}

function noticeIn(fields: Fields, { noticeDays }: Agreement__Output): number {
  return fields.whole('agreement.notice_days', noticeDays, 0, mostNoticeDays);
}

export const agreementService = {
  CreateAgreement: mutation((request: CreateAgreementRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.agreement;
    const id = fields.id('agreement_id', request.agreementId);
    if (!fields.present('agreement', sent)) return { refusal: fields.refusal ?? notFound('agreement', id) };
    const title = fields.text('agreement.title', sent.title, titleLimit);
    const partner = fields.name('agreement.partner', 'partner', sent.partner);
    const beneficiary = beneficiaryIn(fields, sent);
    const limit = limitsIn(fields, 'agreement.limit', sent.limit);
    const limitPercent = percentIn(fields, sent);
    const reserve = limitsIn(fields, 'agreement.reserve', sent.reserve);
    const price = priceIn(fields, 'agreement.price', sent.price);
    const fromMs = momentIn(fields, 'agreement.valid_from', sent.validFrom);
    const untilMs = momentIn(fields, 'agreement.valid_until', sent.validUntil);
    checkOrder(fields, 'agreement.valid_until', fromMs, untilMs);
    const noticeDays = noticeIn(fields, sent);
    if (fields.refusal || beneficiary === null)
      return { refusal: fields.refusal ?? notFound('agreement', id) };
    const outcome = engine.run({
      type: 'agreement.create',
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
    });
    if (outcome.refusal) return outcome;
    return { response: { agreement: agreementMessage(engine.state, outcome.reply) } };
  }),

  GetAgreement: query((request: GetAgreementRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'agreement', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const agreement = engine.state.tenancy.agreements.get(id);
    if (agreement === undefined) return { refusal: notFound('agreement', request.name) };
    return { response: { agreement: agreementInSight(engine.state, sightOf(engine, caller), agreement) } };
  }),

  ListAgreements: query((request: ListAgreementsRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const fields = new Fields();
    const of = request.partner === '' ? null : fields.name('partner', 'partner', request.partner);
    const page = pageOf(fields, request, `agreements ${request.partner}`);
    if (fields.refusal) return { refusal: fields.refusal };
    if (of !== null && !state.tenancy.partners.has(of))
      return { refusal: notFound('partner', request.partner) };
    const sight = sightOf(engine, caller);
    const { items, nextPageToken } = pageById(
      page,
      state.tenancy.agreements.values(),
      (agreement) => (of === null || agreement.partner === of) && sight.agreement(agreement),
    );
    const agreements = items.map((each) => agreementInSight(state, sight, each));
    return { response: { agreements, nextPageToken } };
  }),

  UpdateAgreement: mutation((request: UpdateAgreementRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.agreement;
    if (!fields.present('agreement', sent)) return { refusal: fields.refusal ?? notFound('agreement', '') };
    const id = fields.name('agreement.name', 'agreement', sent.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: sent.title !== '',
      limit: sent.limit !== null,
      limit_percent: sent.limitPercent !== 0,
      reserve: sent.reserve !== null,
      price: sent.price !== null,
      valid_until: sent.validUntil !== null,
      notice_days: sent.noticeDays !== 0,
    });
    const title = masked.has('title') ? fields.text('agreement.title', sent.title, titleLimit) : undefined;
    const limit = masked.has('limit') ? limitsIn(fields, 'agreement.limit', sent.limit) : undefined;
    const limitPercent = masked.has('limit_percent') ? percentIn(fields, sent) : undefined;
    const reserve = masked.has('reserve') ? limitsIn(fields, 'agreement.reserve', sent.reserve) : undefined;
    const price = masked.has('price') ? priceIn(fields, 'agreement.price', sent.price) : undefined;
    const untilMs = masked.has('valid_until')
      ? momentIn(fields, 'agreement.valid_until', sent.validUntil)
      : undefined;
    const noticeDays = masked.has('notice_days') ? noticeIn(fields, sent) : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = sent;
    const terms = { title, limit, limitPercent, reserve, price, untilMs, noticeDays };
    const outcome = engine.run({ type: 'agreement.update', id, ...terms, etag });
    if (outcome.refusal) return outcome;
    return { response: { agreement: agreementMessage(engine.state, outcome.reply) } };
  }),

  RecallAgreement: mutation((request: RecallAgreementRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'agreement', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'agreement.recall', id, etag: request.etag });
    if (outcome.refusal) return outcome;
    return { response: { agreement: agreementMessage(engine.state, outcome.reply) } };
  }),

  DeleteAgreement: mutation((request: DeleteAgreementRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'agreement', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'agreement.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
