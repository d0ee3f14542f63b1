/** PartnerService: the organisations that own data centres. */
import type { CreatePartnerRequest__Output } from '../../proto/gen/secovia/v1/CreatePartnerRequest.js';
import type { DeletePartnerRequest__Output } from '../../proto/gen/secovia/v1/DeletePartnerRequest.js';
import type { GetPartnerRequest__Output } from '../../proto/gen/secovia/v1/GetPartnerRequest.js';
import type { ListPartnersRequest__Output } from '../../proto/gen/secovia/v1/ListPartnersRequest.js';
import type { Partner__Output } from '../../proto/gen/secovia/v1/Partner.js';
import type { UpdatePartnerRequest__Output } from '../../proto/gen/secovia/v1/UpdatePartnerRequest.js';
import { notFound } from '../core/refusal.js';
import { partnerInSight } from '../render/in-sight.js';
import { partnerMessage } from '../render/tenancy.js';
import { sightOf } from './authorization.js';
import { Fields, titleLimit } from './fields.js';
import { mostOwnAdministrations } from './limits.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';

/** What the name of an administration takes on the wire, at most. */
const bytesOfName = 80;

/** Each once. */
function administrationsOf(fields: Fields, { administrations }: Partner__Output): string[] {
  const field = 'partner.administrations';
  const listed = fields.list(field, administrations, mostOwnAdministrations);
  return [...new Set(listed.map((name) => fields.name(field, 'administration', name)))];
}

export const partnerService = {
  CreatePartner: mutation((request: CreatePartnerRequest__Output, { engine }) => {
    const fields = new Fields();
    const { partner } = request;
    const id = fields.id('partner_id', request.partnerId);
    if (!fields.present('partner', partner)) return { refusal: fields.refusal ?? notFound('partner', id) };
    const title = fields.text('partner.title', partner.title, titleLimit);
    const country = fields.country('partner.country', partner.country);
    const administrations = administrationsOf(fields, partner);
    if (fields.refusal) return { refusal: fields.refusal };
    const { open } = partner;
    const outcome = engine.run({ type: 'partner.create', id, title, country, administrations, open });
    if (outcome.refusal) return outcome;
    return { response: { partner: partnerMessage(engine.state, outcome.reply) } };
  }),

  GetPartner: query((request: GetPartnerRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'partner', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const partner = engine.state.tenancy.partners.get(id);
    if (partner === undefined) return { refusal: notFound('partner', request.name) };
    return { response: { partner: partnerInSight(engine.state, sightOf(engine, caller), partner) } };
  }),

  ListPartners: query((request: ListPartnersRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'partners');
    if (fields.refusal) return { refusal: fields.refusal };
    const { items, nextPageToken } = pageById(
      page,
      engine.state.tenancy.partners.values(),
      () => true,
      ({ administrations }) => administrations.length * bytesOfName,
    );
    const sight = sightOf(engine, caller);
    const partners = items.map((partner) => partnerInSight(engine.state, sight, partner));
    return { response: { partners, nextPageToken } };
  }),

  UpdatePartner: mutation((request: UpdatePartnerRequest__Output, { engine }, caller) => {
    const fields = new Fields();
    const { partner } = request;
    if (!fields.present('partner', partner)) return { refusal: fields.refusal ?? notFound('partner', '') };
    const id = fields.name('partner.name', 'partner', partner.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: partner.title !== '',
      administrations: partner.administrations.length > 0,
      open: partner.open,
    });
    const title = masked.has('title') ? fields.text('partner.title', partner.title, titleLimit) : undefined;
    const administrations = masked.has('administrations') ? administrationsOf(fields, partner) : undefined;
    const open = masked.has('open') ? partner.open : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = partner;
    const outcome = engine.run({ type: 'partner.update', id, title, administrations, open, etag });
    if (outcome.refusal) return outcome;
    return { response: { partner: partnerInSight(engine.state, sightOf(engine, caller), outcome.reply) } };
  }),

  DeletePartner: mutation((request: DeletePartnerRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'partner', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'partner.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
