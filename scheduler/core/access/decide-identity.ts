/** Decisions about identities: who exists, as what, and with which certificates. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { staleEtag } from '../etag.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { isGood, revoked, withCertificate } from './certificates.js';
import type { Identity } from './model.js';

export function createIdentity(
  state: State,
  command: CommandOf<'identity.create'>,
  nowMs: number,
): Decision<Identity> {
  const { id, title, role, partner, administration, serves } = command;
  if (state.access.identities.has(id)) return { refusal: alreadyExists('identity', id) };
  if (partner !== null && !state.tenancy.partners.has(partner))
    return { refusal: notFound('partner', partner) };
  const missing = missingAdministration(state, administration === null ? serves : [administration]);
  if (missing) return { refusal: missing };
  const identity: Identity = {
    id,
    title,
    role,
    partner,
    administration,
    serves,
    disabled: false,
    certificates: [],
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'identity.set', identity }], reply: () => identity };
}

export function updateIdentity(
  state: State,
  command: CommandOf<'identity.update'>,
  nowMs: number,
): Decision<Identity> {
  const before = state.access.identities.get(command.id);
  if (before === undefined) return { refusal: notFound('identity', command.id) };
  const stale = staleEtag(command.etag, before.revision);
  if (stale) return { refusal: stale };
  const { title = before.title, serves = before.serves, disabled = before.disabled } = command;
  const missing = missingAdministration(state, serves) ?? wrongServes(before, serves);
  if (missing) return { refusal: missing };
  if (disabled && !before.disabled) {
    const last = lastAdministrator(state, before, nowMs);
    if (last) return { refusal: last };
  }
  return set({ ...before, title, serves, disabled }, nowMs);
}

export function deleteIdentity(
  state: State,
  command: CommandOf<'identity.delete'>,
  nowMs: number,
): Decision<null> {
  const before = state.access.identities.get(command.id);
  if (before === undefined) return { refusal: notFound('identity', command.id) };
  const refusal = staleEtag(command.etag, before.revision) ?? lastAdministrator(state, before, nowMs);
  if (refusal) return { refusal };
  return { changes: [{ type: 'identity.deleted', id: before.id }], reply: () => null };
}

export function certifyIdentity(
  state: State,
  { id, certificate }: CommandOf<'identity.certify'>,
  nowMs: number,
): Decision<Identity> {
  const before = state.access.identities.get(id);
  if (before === undefined) return { refusal: notFound('identity', id) };
  return set({ ...before, certificates: withCertificate(before.certificates, certificate, nowMs) }, nowMs);
}

export function revokeIdentity(
  state: State,
  { id, serials }: CommandOf<'identity.revoke'>,
  nowMs: number,
): Decision<Identity> {
  const before = state.access.identities.get(id);
  if (before === undefined) return { refusal: notFound('identity', id) };
  const unknown = serials.find((serial) => !before.certificates.some((one) => one.serial === serial));
  if (unknown !== undefined) return { refusal: notFound('certificate', unknown) };
  const after = { ...before, certificates: revoked(before.certificates, serials, nowMs) };
  const last = goodCertificate(after, nowMs) ? null : lastAdministrator(state, before, nowMs);
  if (last) return { refusal: last };
  return set(after, nowMs);
}

function set(changed: Identity, nowMs: number): Decision<Identity> {
  const identity = { ...changed, revision: changed.revision + 1, updatedMs: nowMs };
  return { changes: [{ type: 'identity.set', identity }], reply: () => identity };
}

/** A portal acts for somebody, and nobody else does. */
function wrongServes({ id, role }: Identity, serves: readonly string[]): Refusal | null {
  if ((role === 'portal') === serves.length > 0) return null;
  const message =
    role === 'portal'
      ? `portal "${id}" has to serve an administration; disable it, or delete it, if it is to serve none`
      : `identity "${id}" is no portal and acts for nobody else`;
  return refuse('precondition', 'WRONG_SERVES', message);
}

function missingAdministration(state: State, ids: readonly string[]): Refusal | null {
  const missing = ids.find((id) => !state.administrations.has(id));
  return missing === undefined ? null : notFound('administration', missing);
}

/** Nobody could let anybody in again. */
function lastAdministrator(state: State, identity: Identity, nowMs: number): Refusal | null {
  if (identity.role !== 'federation_administrator' || !canAct(identity, nowMs)) return null;
  for (const other of state.access.identities.values()) {
    if (other.id !== identity.id && other.role === identity.role && canAct(other, nowMs)) return null;
  }
  return refuse(
    'precondition',
    'LAST_ADMINISTRATOR',
    `identity "${identity.id}" is the last federation administrator with a good certificate; make another one first`,
  );
}

function canAct(identity: Identity, nowMs: number): boolean {
  return !identity.disabled && goodCertificate(identity, nowMs);
}

function goodCertificate({ certificates }: Identity, nowMs: number): boolean {
  return certificates.some((certificate) => isGood(certificate, nowMs));
}
