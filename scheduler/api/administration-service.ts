/** AdministrationService: the tenants and their tree. */
import type { CreateAdministrationRequest__Output } from '../../proto/gen/secovia/v1/CreateAdministrationRequest.js';
import type { DeleteAdministrationRequest__Output } from '../../proto/gen/secovia/v1/DeleteAdministrationRequest.js';
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';
import type { GetAdministrationRequest__Output } from '../../proto/gen/secovia/v1/GetAdministrationRequest.js';
import type { ListAdministrationsRequest__Output } from '../../proto/gen/secovia/v1/ListAdministrationsRequest.js';
import type { MoveAdministrationRequest__Output } from '../../proto/gen/secovia/v1/MoveAdministrationRequest.js';
import type { SuspendAdministrationRequest__Output } from '../../proto/gen/secovia/v1/SuspendAdministrationRequest.js';
import type { UpdateAdministrationRequest__Output } from '../../proto/gen/secovia/v1/UpdateAdministrationRequest.js';
import type { StoppedVms } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import { sightOf } from './authorization.js';
import { Fields, titleLimit } from './fields.js';
import { maskedFields } from './masks.js';
import { type Answer, type CallContext, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { administrationMessage } from '../render/federation.js';
import { administrationInSight } from '../render/in-sight.js';

const stoppedVmPolicies: Record<string, StoppedVms | null> = {
  STOPPED_VM_POLICY_UNSPECIFIED: null,
  STOPPED_VM_POLICY_KEEP: 'keep',
  STOPPED_VM_POLICY_FREE: 'free',
};

function stoppedVmsIn(fields: Fields, { stoppedVms }: Administration__Output): StoppedVms | null {
  return fields.choice('administration.stopped_vms', stoppedVms, stoppedVmPolicies);
}

function suspend(suspended: boolean) {
  return mutation((request: SuspendAdministrationRequest__Output, { engine }: CallContext) => {
    const fields = new Fields();
    const id = fields.name('name', 'administration', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.suspend', id, suspended });
    if (outcome.refusal) return outcome;
    return { response: { administration: administrationMessage(engine.state, outcome.reply) } };
  });
}

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
    if (stoppedVmsIn(fields, sent) !== null)
      fields.fault('administration.stopped_vms', 'is not said at creation; set it with UpdateAdministration');
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.create', id, title, parent, country });
    if (outcome.refusal) return outcome;
    return { response: { administration: administrationMessage(engine.state, outcome.reply) } };
  }),

  GetAdministration: query(
    (request: GetAdministrationRequest__Output, { engine }, caller): Answer<object> => {
      const fields = new Fields();
      const id = fields.name('name', 'administration', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const administration = engine.state.administrations.get(id);
      if (administration === undefined) return { refusal: notFound('administration', request.name) };
      const sight = sightOf(engine, caller);
      return { response: { administration: administrationInSight(engine.state, sight, administration) } };
    },
  ),

  ListAdministrations: query(
    (request: ListAdministrationsRequest__Output, { engine }, caller): Answer<object> => {
      const fields = new Fields();
      const page = pageOf(fields, request, 'administrations');
      if (fields.refusal) return { refusal: fields.refusal };
      const { state } = engine;
      const sight = sightOf(engine, caller);
      const { items, nextPageToken } = pageById(page, state.administrations.values(), (administration) =>
        sight.administration(administration),
      );
      const administrations = items.map((item) => administrationInSight(state, sight, item));
      return { response: { administrations, nextPageToken } };
    },
  ),

  UpdateAdministration: mutation((request: UpdateAdministrationRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.administration;
    if (!fields.present('administration', sent))
      return { refusal: fields.refusal ?? notFound('administration', '') };
    const id = fields.name('administration.name', 'administration', sent.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: sent.title !== '',
      stopped_vms: sent.stoppedVms !== 'STOPPED_VM_POLICY_UNSPECIFIED',
    });
    const title = masked.has('title')
      ? fields.text('administration.title', sent.title, titleLimit)
      : undefined;
    const stoppedVms = masked.has('stopped_vms') ? stoppedVmsIn(fields, sent) : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = sent;
    const outcome = engine.run({ type: 'administration.update', id, title, stoppedVms, etag });
    if (outcome.refusal) return outcome;
    return { response: { administration: administrationMessage(engine.state, outcome.reply) } };
  }),

  MoveAdministration: mutation((request: MoveAdministrationRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'administration', request.name);
    const parent = request.parent === '' ? null : fields.name('parent', 'administration', request.parent);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.move', id, parent, etag: request.etag });
    if (outcome.refusal) return outcome;
    return { response: { administration: administrationMessage(engine.state, outcome.reply) } };
  }),

  SuspendAdministration: suspend(true),
  ResumeAdministration: suspend(false),

  DeleteAdministration: mutation((request: DeleteAdministrationRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'administration', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'administration.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
