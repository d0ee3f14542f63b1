/** Partners, quotas, loans and agreements as messages. */
import type { Agreement as AgreementMessage } from '../../proto/gen/secovia/v1/Agreement.js';
import type { AgreementState__Output as AgreementStateName } from '../../proto/gen/secovia/v1/AgreementState.js';
import type { Limits as LimitsMessage } from '../../proto/gen/secovia/v1/Limits.js';
import type { Loan as LoanMessage } from '../../proto/gen/secovia/v1/Loan.js';
import type { LoanState__Output as LoanStateName } from '../../proto/gen/secovia/v1/LoanState.js';
import type { Partner as PartnerMessage } from '../../proto/gen/secovia/v1/Partner.js';
import type { Quota as QuotaMessage } from '../../proto/gen/secovia/v1/Quota.js';
import type { Scope as ScopeMessage } from '../../proto/gen/secovia/v1/Scope.js';
import { etagOf } from '../core/etag.js';
import type { State } from '../core/state.js';
import type { Agreement, Limits, Loan, Partner, Quota, Scope } from '../core/tenancy/model.js';
import { scopeKey } from '../core/tenancy/scope.js';
import { timestamp } from './basics.js';
import { nameOf, quotaName } from './names.js';

const loanStateNames: Record<Loan['state'], LoanStateName> = {
  active: 'LOAN_STATE_ACTIVE',
  recalled: 'LOAN_STATE_RECALLED',
  expired: 'LOAN_STATE_EXPIRED',
};

const agreementStateNames: Record<Agreement['state'], AgreementStateName> = {
  planned: 'AGREEMENT_STATE_PLANNED',
  in_force: 'AGREEMENT_STATE_IN_FORCE',
  notice: 'AGREEMENT_STATE_NOTICE',
  ended: 'AGREEMENT_STATE_ENDED',
};

export function partnerMessage(state: State, partner: Partner): PartnerMessage {
  const { offered, heldByOthers } = state.tenancy.partnerUse(partner.id);
  let siteCount = 0;
  for (const site of state.sites.values()) if (site.partner === partner.id) siteCount += 1;
  return {
    name: nameOf('partner', partner.id),
    title: partner.title,
    country: partner.country,
    administrations: partner.administrations.map((id) => nameOf('administration', id)),
    open: partner.open,
    offered,
    heldByOthers,
    siteCount,
    etag: etagOf(partner.revision),
    createTime: timestamp(partner.createdMs),
    updateTime: timestamp(partner.updatedMs),
  };
}

export function scopeMessage(scope: Scope): ScopeMessage {
  switch (scope.kind) {
    case 'everywhere':
      return {};
    case 'country':
      return { country: scope.country };
    case 'site':
      return { site: nameOf('site', scope.site) };
  }
}

function limitsMessage({ vcpus, memoryMib, diskMib, vms, extras }: Limits): LimitsMessage {
  return { vcpus, memoryMib, diskMib, vms, extras };
}

export function quotaMessage(state: State, quota: Quota): QuotaMessage {
  const { used, borrowed, lent } = state.tenancy.quotaUse(quota);
  return {
    name: quotaName(quota.administration, scopeKey(quota.scope)),
    scope: scopeMessage(quota.scope),
    limit: limitsMessage(quota.limit),
    borrowed,
    lent,
    used,
    etag: etagOf(quota.revision),
    createTime: timestamp(quota.createdMs),
    updateTime: timestamp(quota.updatedMs),
  };
}

export function loanMessage(loan: Loan): LoanMessage {
  return {
    name: nameOf('loan', loan.id),
    lender: nameOf('administration', loan.lender),
    borrower: nameOf('administration', loan.borrower),
    scope: scopeMessage(loan.scope),
    amount: limitsMessage(loan.amount),
    expireTime: timestamp(loan.untilMs),
    note: loan.note,
    state: loanStateNames[loan.state],
    endTime: timestamp(loan.endedMs),
    etag: etagOf(loan.revision),
    createTime: timestamp(loan.createdMs),
    updateTime: timestamp(loan.updatedMs),
  };
}

export function agreementMessage(state: State, agreement: Agreement): AgreementMessage {
  const { beneficiary, price } = agreement;
  return {
    name: nameOf('agreement', agreement.id),
    title: agreement.title,
    partner: nameOf('partner', agreement.partner),
    ...(beneficiary.kind === 'partner'
      ? { beneficiaryPartner: nameOf('partner', beneficiary.partner) }
      : { beneficiaryAdministration: nameOf('administration', beneficiary.administration) }),
    limit: limitsMessage(agreement.limit),
    limitPercent: agreement.limitPercent ?? 0,
    reserve: limitsMessage(agreement.reserve),
    price,
    validFrom: timestamp(agreement.fromMs),
    validUntil: timestamp(agreement.untilMs ?? 0),
    noticeDays: agreement.noticeDays,
    state: agreementStateNames[agreement.state],
    noticeUntil: timestamp(agreement.noticeUntilMs ?? 0),
    recalled: agreement.recalled,
    used: state.tenancy.agreementUse(agreement.id),
    etag: etagOf(agreement.revision),
    createTime: timestamp(agreement.createdMs),
    updateTime: timestamp(agreement.updatedMs),
  };
}
