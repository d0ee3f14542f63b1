/** Decisions about sites. */
import type { Change } from './changes.js';
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { staleEtag } from './etag.js';
import type { Site } from './model.js';
import { alreadyExists, notFound, refuse } from './refusal.js';
import type { State } from './state.js';
import { newPartner } from './tenancy/partners.js';

export function createSite(state: State, command: CommandOf<'site.create'>, nowMs: number): Decision<Site> {
  if (state.sites.has(command.id)) return { refusal: alreadyExists('site', command.id) };
  const { id, title, partner, country, jurisdictions } = command;
  const { vcpuOvercommitPercent = 100, keepFailoverRoom = false, priceTier = 0 } = command;
  const site: Site = {
    id,
    title,
    partner,
    country,
    jurisdictions,
    cordoned: false,
    vcpuOvercommitPercent,
    keepFailoverRoom,
    priceTier,
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  const created: Change = { type: 'site.created', site };
  if (state.tenancy.partners.has(partner)) return { changes: [created], reply: () => site };
  // A partner comes with its first site.
  const made = newPartner(partner, '', country, [], false, nowMs);
  return { changes: [{ type: 'partner.set', partner: made }, created], reply: () => site };
}

export function updateSite(state: State, command: CommandOf<'site.update'>): Decision<Site> {
  const site = state.sites.get(command.id);
  if (site === undefined) return { refusal: notFound('site', command.id) };
  const stale = staleEtag(command.etag, site.revision);
  if (stale) return { refusal: stale };
  const change: Change = {
    type: 'site.updated',
    id: site.id,
    title: command.title ?? site.title,
    jurisdictions: command.jurisdictions ?? site.jurisdictions,
    vcpuOvercommitPercent: command.vcpuOvercommitPercent ?? site.vcpuOvercommitPercent,
    keepFailoverRoom: command.keepFailoverRoom ?? site.keepFailoverRoom,
    priceTier: command.priceTier ?? site.priceTier ?? 0,
  };
  return { changes: [change], reply: () => site };
}

export function cordonSite(state: State, command: CommandOf<'site.cordon'>): Decision<Site> {
  const site = state.sites.get(command.id);
  if (site === undefined) return { refusal: notFound('site', command.id) };
  const { id, cordoned } = command;
  return {
    changes: site.cordoned === cordoned ? [] : [{ type: 'site.cordoned', id, cordoned }],
    reply: () => site,
  };
}

export function deleteSite(state: State, command: CommandOf<'site.delete'>): Decision<null> {
  const site = state.sites.get(command.id);
  if (site === undefined) return { refusal: notFound('site', command.id) };
  const stale = staleEtag(command.etag, site.revision);
  if (stale) return { refusal: stale };
  if (state.federation.recoveringSites.includes(site.id)) {
    return {
      refusal: refuse(
        'precondition',
        'SITE_RECOVERING',
        `site "${site.id}" is in recovery; end that before you delete it`,
      ),
    };
  }
  const hosts = [...state.hosts.values()].filter((host) => host.site === site.id && host.state !== 'retired');
  const pools = [...state.pools.values()].filter((pool) => pool.site === site.id);
  if (hosts.length + pools.length > 0) {
    return {
      refusal: refuse(
        'precondition',
        'SITE_IN_USE',
        `site "${site.id}" still has ${hosts.length} hosts and ${pools.length} storage pools; retire and delete them first`,
        { hosts: String(hosts.length), pools: String(pools.length) },
      ),
    };
  }
  return { changes: [{ type: 'site.deleted', id: site.id }], reply: () => null };
}
