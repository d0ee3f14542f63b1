/** AdministrationService: the tenants and their tree. */
import type { CreateAdministrationRequest__Output } from '../../proto/gen/secovia/v1/CreateAdministrationRequest.js';
import type { DeleteAdministrationRequest__Output } from '../../proto/gen/secovia/v1/DeleteAdministrationRequest.js';
import type { GetAdministrationRequest__Output } from '../../proto/gen/secovia/v1/GetAdministrationRequest.js';
import type { ListAdministrationsRequest__Output } from '../../proto/gen/secovia/v1/ListAdministrationsRequest.js';
import { notFound } from '../core/refusal.js';
import { Fields, titleLimit } from './fields.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { administrationMessage } from '../render/federation.js';

export const administrationService = {
  CreateAdministration: mutation((request: CreateAdministrationRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.administration;
    const id = fields.id('administration_id', request.administrationId);
    if (!fields.present('administration', sent))
      return { refusal: fields.refusal ?? notFound('administration', id) };
    const title = fields.text('administration.title', sent.title, titleLimit);
    const country = fields.country('administration.country', sent.country);
    const parent =
      sent.parent === '' ? null : fields.name('administration.parent', 'administration', sent.parent);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.create', id, title, parent, country });
    if (outcome.refusal) return outcome;
    return { response: { administration: administrationMessage(engine.state, outcome.reply) } };
  }),

  GetAdministration: query((request: GetAdministrationRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'administration', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const administration = engine.state.administrations.get(id);
    if (administration === undefined) return { refusal: notFound('administration', request.name) };
    return { response: { administration: administrationMessage(engine.state, administration) } };
  }),

  ListAdministrations: query((request: ListAdministrationsRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'administrations');
    if (fields.refusal) return { refusal: fields.refusal };
    const { items, nextPageToken } = pageById(page, engine.state.administrations.values(), () => true);
    const administrations = items.map((item) => administrationMessage(engine.state, item));
    return { response: { administrations, nextPageToken } };
  }),

  DeleteAdministration: mutation((request: DeleteAdministrationRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'administration', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
