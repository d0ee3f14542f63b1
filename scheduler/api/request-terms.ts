/**
 * Conditions that even what is one's own has. A partner's operator speaks for one partner alone: what binds others, costs
 * them something or moves the law's borders takes a federation administrator. An administration's administrator gives
 * nobody more than it has been given.
 */
import type { CreateAdministrationRequest__Output } from '../../proto/gen/secovia/v1/CreateAdministrationRequest.js';
import type { CreateAgreementRequest__Output } from '../../proto/gen/secovia/v1/CreateAgreementRequest.js';
import type { CreateIdentityRequest__Output } from '../../proto/gen/secovia/v1/CreateIdentityRequest.js';
import type { CreateSiteRequest__Output } from '../../proto/gen/secovia/v1/CreateSiteRequest.js';
import type { LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { Price__Output } from '../../proto/gen/secovia/v1/Price.js';
import type { UpdateAgreementRequest__Output } from '../../proto/gen/secovia/v1/UpdateAgreementRequest.js';
import type { UpdatePartnerRequest__Output } from '../../proto/gen/secovia/v1/UpdatePartnerRequest.js';
import type { UpdateSiteRequest__Output } from '../../proto/gen/secovia/v1/UpdateSiteRequest.js';
import type { Standing } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { State } from '../core/state.js';
import type { Agreement, Price } from '../core/tenancy/model.js';
import { idIn } from '../render/names.js';
import { Fields } from './fields.js';
import { maskedFields } from './masks.js';
import { momentIn } from './tenancy-fields.js';

/** What is asked of a caller who is not a federation administrator, and may call the method. */
type Terms = (state: State, standing: Standing, request: never) => Refusal | null;

const terms: Record<string, Terms> = {
  '/secovia.v1.SiteService/CreateSite': newSite,
  '/secovia.v1.SiteService/UpdateSite': changedSite,
  '/secovia.v1.PartnerService/UpdatePartner': changedPartner,
  '/secovia.v1.AgreementService/CreateAgreement': newAgreement,
  '/secovia.v1.AgreementService/UpdateAgreement': changedAgreement,
  '/secovia.v1.AgreementService/DeleteAgreement': endedAgreement,
  '/secovia.v1.AdministrationService/CreateAdministration': newAdministration,
  '/secovia.v1.IdentityService/CreateIdentity': newIdentity,
  '/secovia.v1.IdentityService/UpdateIdentity': notThroughPortal,
  '/secovia.v1.IdentityService/DeleteIdentity': notThroughPortal,
  '/secovia.v1.IdentityService/IssueCertificate': notThroughPortal,
  '/secovia.v1.IdentityService/RevokeCertificates': notThroughPortal,
  '/secovia.v1.AgentService/Link': ownStream,
};

export function refuseTerms(
  state: State,
  standing: Standing,
  method: string,
  request: object,
): Refusal | null {
  return terms[method]?.(state, standing, request as never) ?? null;
}

function denied(reason: string, message: string): Refusal {
  return refuse('denied', reason, message);
}

/** Where a site is, and under which law, is the federation's word: where data may be follows from it. */
function newSite(
  state: State,
  { partner = '' }: Standing,
  { site }: CreateSiteRequest__Output,
): Refusal | null {
  if (site === null) return null;
  if (site.partner !== partner)
    return denied(
      'NOT_YOURS',
      `you add sites of partner "${partner}" alone; a federation administrator adds others`,
    );
  const { country } = state.tenancy.partners.get(partner) ?? {};
  if (site.country !== country)
    return denied(
      'NOT_YOURS_TO_SAY',
      `you add sites in ${country}, the partner's country; a federation administrator adds sites elsewhere`,
    );
  return site.jurisdictions.length === 0 ? null : jurisdictions;
}

const jurisdictions = denied(
  'NOT_YOURS_TO_SAY',
  'which jurisdictions a site is in decides where data may be; leave it out, a federation administrator says it',
);

function changedSite(
  _state: State,
  _standing: Standing,
  { site, updateMask }: UpdateSiteRequest__Output,
): Refusal | null {
  const masked = maskedFields(new Fields(), updateMask, {
    jurisdictions: (site?.jurisdictions.length ?? 0) > 0,
  });
  return masked.has('jurisdictions') ? jurisdictions : null;
}

/** Whose own an administration is decides who pays for it. */
function changedPartner(
  _state: State,
  _standing: Standing,
  { partner, updateMask }: UpdatePartnerRequest__Output,
): Refusal | null {
  const masked = maskedFields(new Fields(), updateMask, {
    administrations: (partner?.administrations.length ?? 0) > 0,
  });
  if (!masked.has('administrations')) return null;
  const message =
    "which administrations are a partner's own decides who pays for them; a federation administrator says it";
  return denied('NOT_YOURS_TO_SAY', message);
}

const twoSides = 'that binds both sides; a federation administrator does it, with the word of both';

/** An agreement is used without asking the beneficiary again, so one with a price takes more than the provider's word. */
function newAgreement(
  _state: State,
  _standing: Standing,
  { agreement }: CreateAgreementRequest__Output,
): Refusal | null {
  const { vcpuMicros = 0, memoryGibMicros = 0, diskGibMicros = 0 } = agreement?.price ?? {};
  if (vcpuMicros === 0 && memoryGibMicros === 0 && diskGibMicros === 0) return null;
  return denied(
    'NEEDS_BOTH_SIDES',
    `you may offer the partner's sites without a price; with one ${twoSides}`,
  );
}

/** The provider gives more at any time; what takes something away needs both sides. It may always recall, with notice. */
function changedAgreement(
  { tenancy }: State,
  { partner }: Standing,
  { agreement: sent, updateMask }: UpdateAgreementRequest__Output,
): Refusal | null {
  const agreement = tenancy.agreements.get(idIn('agreement', sent?.name ?? '') ?? '');
  if (agreement === undefined || sent === null) return null;
  if (agreement.partner !== partner) return notProvider(agreement);
  const fields = new Fields();
  const masked = maskedFields(fields, updateMask, {
    price: sent.price !== null,
    notice_days: sent.noticeDays !== 0,
    valid_until: sent.validUntil !== null,
  });
  if (masked.has('price') && isDearer(sent.price, agreement.price))
    return denied('NEEDS_BOTH_SIDES', `you may lower the price; to raise it ${twoSides}`);
  if (masked.has('notice_days') && sent.noticeDays < agreement.noticeDays)
    return denied('NEEDS_BOTH_SIDES', `you may lengthen the notice; to shorten it ${twoSides}`);
  if (masked.has('valid_until')) {
    const untilMs = momentIn(fields, 'agreement.valid_until', sent.validUntil);
    const before = agreement.untilMs ?? Number.POSITIVE_INFINITY;
    if ((untilMs ?? Number.POSITIVE_INFINITY) < before)
      return denied(
        'NEEDS_BOTH_SIDES',
        `you may extend it, or recall it with notice; to let it end earlier ${twoSides}`,
      );
  }
  return null;
}

function isDearer(sent: Price__Output | null, before: Price): boolean {
  if (sent === null) return false;
  const free = before.vcpuMicros + before.memoryGibMicros + before.diskGibMicros === 0;
  return (
    (sent.currency !== before.currency && !free) ||
    sent.vcpuMicros > before.vcpuMicros ||
    sent.memoryGibMicros > before.memoryGibMicros ||
    sent.diskGibMicros > before.diskGibMicros ||
    sent.stoppedPercent > before.stoppedPercent
  );
}

function endedAgreement(
  { tenancy }: State,
  { partner }: Standing,
  { name }: { name: string },
): Refusal | null {
  const agreement = tenancy.agreements.get(idIn('agreement', name) ?? '');
  return agreement === undefined || agreement.partner === partner ? null : notProvider(agreement);
}

function notProvider({ id, partner }: Agreement): Refusal {
  const message = `agreement "${id}" is about the sites of partner "${partner}", whose operators change it; you may recall it`;
  return denied('NOT_YOURS', message);
}

/** A country of its own choice would open another partner's sites to it, and move the borders of its data. */
function newAdministration(
  { administrations }: State,
  _standing: Standing,
  { administration }: CreateAdministrationRequest__Output,
): Refusal | null {
  if (administration === null) return null;
  const parent = administrations.get(idIn('administration', administration.parent) ?? '');
  if (parent === undefined)
    return administration.parent === ''
      ? denied('NOT_YOURS', 'you add administrations below your own; say under which (parent)')
      : null;
  if (administration.country === parent.country) return null;
  const message = `you add administrations in ${parent.country}, the country of "${parent.id}"; a federation administrator adds others`;
  return denied('NOT_YOURS_TO_SAY', message);
}

function newIdentity(
  state: State,
  standing: Standing,
  { identity }: CreateIdentityRequest__Output,
): Refusal | null {
  const through = notThroughPortal(state, standing);
  if (through || identity === null) return through;
  if (standing.role === 'partner_operator') {
    if (identity.role === 'ROLE_PARTNER_OPERATOR') return null;
    return denied('NOT_YOURS', `you make operators of partner "${standing.partner}" alone`);
  }
  if (identity.role === 'ROLE_ADMINISTRATION_ADMINISTRATOR' || identity.role === 'ROLE_ADMINISTRATION_USER')
    return null;
  return denied(
    'NOT_YOURS',
    'you make administrators and users of administrations alone, of your own and those below it',
  );
}

/** A certificate would outlive the portal's word. */
function notThroughPortal(_state: State, { delegated }: Standing): Refusal | null {
  if (delegated !== true) return null;
  return denied(
    'NOT_THROUGH_PORTAL',
    'identities are not managed through a portal; use a certificate of your own',
  );
}

function ownStream(_state: State, { host }: Standing, { hello }: LinkRequest__Output): Refusal | null {
  const named = hello ? idIn('host', hello.host) : null;
  if (named === null || named === host) return null;
  return denied('OTHER_HOST', `the certificate is that of host "${host}", which speaks for itself alone`);
}
