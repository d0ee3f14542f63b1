/** Decisions about partners. */
import { partnerIsNamed } from '../access/naming.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { staleEtag } from '../etag.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import type { Partner } from './model.js';
import { newPartner } from './partners.js';

export function createPartner(
  state: State,
  { id, title, country, administrations, open }: CommandOf<'partner.create'>,
  nowMs: number,
): Decision<Partner> {
  if (state.tenancy.partners.has(id)) return { refusal: alreadyExists('partner', id) };
  const unknown = unknownAdministration(state, administrations);
  if (unknown) return { refusal: unknown };
  const partner = newPartner(id, title, country, administrations, open, nowMs);
  return { changes: [{ type: 'partner.set', partner }], reply: () => partner };
}

export function updatePartner(
  state: State,
  command: CommandOf<'partner.update'>,
  nowMs: number,
): Decision<Partner> {
  const before = state.tenancy.partners.get(command.id);
  if (before === undefined) return { refusal: notFound('partner', command.id) };
  const stale = staleEtag(command.etag, before.revision);
  if (stale) return { refusal: stale };
  const { title = before.title, administrations = before.administrations, open = before.open } = command;
  const unknown = unknownAdministration(state, administrations);
  if (unknown) return { refusal: unknown };
  const revision = before.revision + 1;
  const partner = { ...before, title, administrations, open, revision, updatedMs: nowMs };
  return { changes: [{ type: 'partner.set', partner }], reply: () => partner };
}

export function deletePartner(state: State, command: CommandOf<'partner.delete'>): Decision<null> {
  const { id } = command;
  const partner = state.tenancy.partners.get(id);
  if (partner === undefined) return { refusal: notFound('partner', id) };
  const stale = staleEtag(command.etag, partner.revision);
  if (stale) return { refusal: stale };
  const sites = [...state.sites.values()].filter((site) => site.partner === id).length;
  const agreements = [...state.tenancy.agreements.values()].filter(
    ({ partner: provider, beneficiary }) =>
      provider === id || (beneficiary.kind === 'partner' && beneficiary.partner === id),
  ).length;
  if (sites + agreements > 0) {
    return {
      refusal: refuse(
        'precondition',
        'PARTNER_IN_USE',
        `partner "${id}" still has ${sites} sites and ${agreements} agreements; delete them first`,
        { sites: String(sites), agreements: String(agreements) },
      ),
    };
  }
  const named = partnerIsNamed(state, id);
  if (named) return { refusal: named };
  return { changes: [{ type: 'partner.deleted', id }], reply: () => null };
}

function unknownAdministration(state: State, ids: readonly string[]): Refusal | null {
  const unknown = ids.find((id) => !state.administrations.has(id));
  return unknown === undefined ? null : notFound('administration', unknown);
}
