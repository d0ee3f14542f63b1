/** IdentityService: who may call, as what, and with which certificates. */
import type { CreateIdentityRequest__Output } from '../../proto/gen/secovia/v1/CreateIdentityRequest.js';
import type { DeleteIdentityRequest__Output } from '../../proto/gen/secovia/v1/DeleteIdentityRequest.js';
import type { GetIdentityRequest__Output } from '../../proto/gen/secovia/v1/GetIdentityRequest.js';
import type { IssueCertificateRequest__Output } from '../../proto/gen/secovia/v1/IssueCertificateRequest.js';
import type { ListIdentitiesRequest__Output } from '../../proto/gen/secovia/v1/ListIdentitiesRequest.js';
import type { RevokeCertificatesRequest__Output } from '../../proto/gen/secovia/v1/RevokeCertificatesRequest.js';
import type { UpdateIdentityRequest__Output } from '../../proto/gen/secovia/v1/UpdateIdentityRequest.js';
import type { Caller } from '../core/access/caller.js';
import type { Identity } from '../core/access/model.js';
import { standingOf } from '../core/access/standing.js';
import { identityUri } from '../core/access/uris.js';
import { notFound, refuse } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { timestamp } from '../render/basics.js';
import { identityMessage, roleNames } from '../render/identity.js';
import { nameOf } from '../render/names.js';
import type { Signed } from './authority.js';
import { sightOf } from './authorization.js';
import { Fields, titleLimit } from './fields.js';
import type { FilterSchema } from './filter.js';
import { filterOf } from './filters.js';
import { certificateDaysIn, roleIn, scopeOf, serialsIn, servesIn } from './identity-fields.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';

const dayMs = 24 * 3600 * 1000;
/** About what a certificate and a name take on the wire. */
const bytesOfCertificate = 80;

const filterSchema: FilterSchema<Identity> = {
  fields: {
    name: ({ id }) => nameOf('identity', id),
    role: ({ role }) => roleNames[role].replace('ROLE_', ''),
    partner: ({ partner }) => (partner === null ? '' : nameOf('partner', partner)),
    administration: ({ administration }) =>
      administration === null ? '' : nameOf('administration', administration),
    disabled: ({ disabled }) => disabled,
  },
};

function shown(engine: Engine, identity: Identity): Answer<object> {
  const { name } = engine.state.federation;
  return { response: { identity: identityMessage(name, identity, engine.now()) } };
}

/** What a caller is taken for. */
function callerMessage(engine: Engine, caller: Caller): Answer<object> {
  const { state } = engine;
  const stands = standingOf(state, caller, engine.now());
  if (stands.refusal) return stands;
  const { role, identity = '', partner, administration } = stands.standing;
  const known = state.access.identities.get(identity);
  return {
    response: {
      uri: caller.identity,
      onBehalf: caller.onBehalf,
      role:
        role === 'insecure'
          ? roleNames.federation_administrator
          : role === 'host' || role === 'nobody'
            ? 'ROLE_UNSPECIFIED'
            : roleNames[role],
      partner: partner === undefined ? '' : nameOf('partner', partner),
      administration: administration === undefined ? '' : nameOf('administration', administration),
      serves: (known?.serves ?? []).map((id) => nameOf('administration', id)),
      expireTime: timestamp(caller.certificateEndMs),
      federation: state.federation.name,
    },
  };
}

export const identityService = {
  GetCaller: query((_request: object, { engine }, caller): Answer<object> => callerMessage(engine, caller)),

  CreateIdentity: mutation((request: CreateIdentityRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.identity;
    const id = fields.id('identity_id', request.identityId);
    if (!fields.present('identity', sent)) return { refusal: fields.refusal ?? notFound('identity', id) };
    const title = fields.text('identity.title', sent.title, titleLimit);
    const role = roleIn(fields, sent.role);
    const scope = scopeOf(fields, role, sent);
    if (sent.disabled)
      fields.fault('identity.disabled', 'is not said at creation; set it with UpdateIdentity');
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'identity.create', id, title, role, ...scope });
    return outcome.refusal ? outcome : shown(engine, outcome.reply);
  }),

  GetIdentity: query((request: GetIdentityRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'identity', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const identity = engine.state.access.identities.get(id);
    return identity === undefined ? { refusal: notFound('identity', request.name) } : shown(engine, identity);
  }),

  ListIdentities: query((request: ListIdentitiesRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const matches = filterOf(fields, request.filter, filterSchema);
    const page = pageOf(fields, request, `identities ${request.filter}`);
    if (fields.refusal) return { refusal: fields.refusal };
    const { state } = engine;
    const sight = sightOf(engine, caller);
    const { items, nextPageToken } = pageById(
      page,
      state.access.identities.values(),
      (identity) => sight.identity(identity) && matches(identity),
      ({ certificates, serves }) => (certificates.length + serves.length) * bytesOfCertificate,
    );
    const identities = items.map((each) => identityMessage(state.federation.name, each, engine.now()));
    return { response: { identities, nextPageToken } };
  }),

  UpdateIdentity: mutation((request: UpdateIdentityRequest__Output, { engine }) => {
    const fields = new Fields();
    const sent = request.identity;
    if (!fields.present('identity', sent)) return { refusal: fields.refusal ?? notFound('identity', '') };
    const id = fields.name('identity.name', 'identity', sent.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: sent.title !== '',
      serves: sent.serves.length > 0,
      disabled: sent.disabled,
    });
    const title = masked.has('title') ? fields.text('identity.title', sent.title, titleLimit) : undefined;
    const serves = masked.has('serves') ? servesIn(fields, sent.serves) : undefined;
    const disabled = masked.has('disabled') ? sent.disabled : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = sent;
    const outcome = engine.run({ type: 'identity.update', id, title, serves, disabled, etag });
    return outcome.refusal ? outcome : shown(engine, outcome.reply);
  }),

  DeleteIdentity: mutation((request: DeleteIdentityRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'identity', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'identity.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),

  IssueCertificate: mutation(
    (request: IssueCertificateRequest__Output, { engine, authority }, _caller, prepared: Prepared) => {
      const { identity, signed } = prepared;
      const now = engine.state.access.identities.get(identity.id);
      const { name } = engine.state.federation;
      // While it was signed the identity may have been made anew, as somebody else.
      if (now === undefined || identityUri(name, now) !== identityUri(name, identity))
        return { refusal: notFound('identity', request.name) };
      const outcome = engine.run({ type: 'identity.certify', id: now.id, certificate: signed.certificate });
      if (outcome.refusal) return outcome;
      return {
        response: {
          identity: identityMessage(name, outcome.reply, engine.now()),
          certificateChain: signed.chainPem,
          authority: authority?.rootPem ?? '',
        },
      };
    },
    (request, { engine, authority }) => {
      const fields = new Fields();
      const id = fields.name('name', 'identity', request.name);
      const days = certificateDaysIn(fields, request.days);
      if (request.signingRequest.length === 0)
        fields.fault('signing_request', 'is missing; send a PKCS#10 request (DER) of the key');
      if (fields.refusal) return fields.refusal;
      const identity = engine.state.access.identities.get(id);
      if (identity === undefined) return notFound('identity', request.name);
      if (identity.disabled) return disabled(identity);
      if (authority === null) return noAuthority;
      const uri = identityUri(engine.state.federation.name, identity);
      const signing = authority.issue(request.signingRequest, uri, engine.now(), days * dayMs);
      return signing.then((signed) => ('kind' in signed ? signed : { identity, signed }));
    },
  ),

  RevokeCertificates: mutation((request: RevokeCertificatesRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'identity', request.name);
    const serials = serialsIn(fields, request.serials);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'identity.revoke', id, serials });
    return outcome.refusal ? outcome : shown(engine, outcome.reply);
  }),
};

interface Prepared {
  /** As it was when its certificate was signed. */
  identity: Identity;
  signed: Signed;
}

const noAuthority = refuse(
  'precondition',
  'NO_AUTHORITY',
  'this scheduler runs without TLS (--insecure) and issues no certificates',
);

function disabled({ id }: Identity) {
  return refuse('precondition', 'IDENTITY_DISABLED', `identity "${id}" is disabled; enable it first`);
}
