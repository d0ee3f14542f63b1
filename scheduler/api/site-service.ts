/** SiteService: the data centres of the partners. */
import type { CordonSiteRequest__Output } from '../../proto/gen/secovia/v1/CordonSiteRequest.js';
import type { CreateSiteRequest__Output } from '../../proto/gen/secovia/v1/CreateSiteRequest.js';
import type { DeleteSiteRequest__Output } from '../../proto/gen/secovia/v1/DeleteSiteRequest.js';
import type { GetSiteRequest__Output } from '../../proto/gen/secovia/v1/GetSiteRequest.js';
import type { ListSitesRequest__Output } from '../../proto/gen/secovia/v1/ListSitesRequest.js';
import type { UpdateSiteRequest__Output } from '../../proto/gen/secovia/v1/UpdateSiteRequest.js';
import type { Site__Output } from '../../proto/gen/secovia/v1/Site.js';
import { notFound } from '../core/refusal.js';
import { sightOf } from './authorization.js';
import { Fields, titleLimit } from './fields.js';
import { mostPriceTier } from './limits.js';
import { maskedFields } from './masks.js';
import { type Answer, type CallContext, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { siteMessage } from '../render/federation.js';
import { siteInSight } from '../render/in-sight.js';

/** A site that does not say has as many vCPUs as its hosts have CPUs. */
const plainOvercommitPercent = 100;

function overcommitOf(fields: Fields, site: Site__Output): number {
  const percent = fields.overcommitPercent('site.vcpu_overcommit_percent', site.vcpuOvercommitPercent);
  return percent ?? plainOvercommitPercent;
}

function priceTierOf(fields: Fields, site: Site__Output): number {
  return fields.whole('site.price_tier', site.priceTier, 0, mostPriceTier);
}

function cordon(cordoned: boolean) {
  return mutation((request: CordonSiteRequest__Output, { engine }: CallContext) => {
    const fields = new Fields();
    const id = fields.name('name', 'site', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'site.cordon', id, cordoned });
    if (outcome.refusal) return outcome;
    return { response: { site: siteMessage(engine.state, outcome.reply) } };
  });
}

export const siteService = {
  CreateSite: mutation((request: CreateSiteRequest__Output, { engine }) => {
    const fields = new Fields();
    const { site } = request;
    const id = fields.id('site_id', request.siteId);
    if (!fields.present('site', site)) return { refusal: fields.refusal ?? notFound('site', id) };
    const title = fields.text('site.title', site.title, titleLimit);
    const partner = fields.id('site.partner', site.partner);
    const country = fields.country('site.country', site.country);
    const jurisdictions = fields.jurisdictions('site.jurisdictions', site.jurisdictions);
    const vcpuOvercommitPercent = overcommitOf(fields, site);
    const priceTier = priceTierOf(fields, site);
    if (fields.refusal) return { refusal: fields.refusal };
    const { keepFailoverRoom } = site;
    const offer = { vcpuOvercommitPercent, keepFailoverRoom, priceTier };
    const outcome = engine.run({ type: 'site.create', id, title, partner, country, jurisdictions, ...offer });
    if (outcome.refusal) return outcome;
    return { response: { site: siteMessage(engine.state, outcome.reply) } };
  }),

  GetSite: query((request: GetSiteRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'site', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const site = engine.state.sites.get(id);
    if (site === undefined) return { refusal: notFound('site', request.name) };
    return { response: { site: siteInSight(engine.state, sightOf(engine, caller), site) } };
  }),

  ListSites: query((request: ListSitesRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'sites');
    if (fields.refusal) return { refusal: fields.refusal };
    const { items, nextPageToken } = pageById(page, engine.state.sites.values(), () => true);
    const sight = sightOf(engine, caller);
    const sites = items.map((site) => siteInSight(engine.state, sight, site));
    return { response: { sites, nextPageToken } };
  }),

  UpdateSite: mutation((request: UpdateSiteRequest__Output, { engine }) => {
    const fields = new Fields();
    const { site } = request;
    if (!fields.present('site', site)) return { refusal: fields.refusal ?? notFound('site', '') };
    const id = fields.name('site.name', 'site', site.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: site.title !== '',
      jurisdictions: site.jurisdictions.length > 0,
      vcpu_overcommit_percent: site.vcpuOvercommitPercent !== 0,
      keep_failover_room: site.keepFailoverRoom,
      price_tier: site.priceTier !== 0,
    });
    const title = masked.has('title') ? fields.text('site.title', site.title, titleLimit) : undefined;
    const jurisdictions = masked.has('jurisdictions')
      ? fields.jurisdictions('site.jurisdictions', site.jurisdictions)
      : undefined;
    const vcpuOvercommitPercent = masked.has('vcpu_overcommit_percent')
      ? overcommitOf(fields, site)
      : undefined;
    const keepFailoverRoom = masked.has('keep_failover_room') ? site.keepFailoverRoom : undefined;
    const priceTier = masked.has('price_tier') ? priceTierOf(fields, site) : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = site;
    const offer = { vcpuOvercommitPercent, keepFailoverRoom, priceTier };
    const outcome = engine.run({ type: 'site.update', id, title, jurisdictions, ...offer, etag });
    if (outcome.refusal) return outcome;
    return { response: { site: siteMessage(engine.state, outcome.reply) } };
  }),

  CordonSite: cordon(true),
  UncordonSite: cordon(false),

  DeleteSite: mutation((request: DeleteSiteRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'site', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'site.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
