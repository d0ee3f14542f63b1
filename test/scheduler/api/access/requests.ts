/** For every method of the contract a request about given things, with what it is about. */
import type { RoleOfTable } from '../../../../scheduler/core/access/permissions.js';
import { definitionOf } from '../client.js';

/** Ids of one thing of each kind. */
export interface Things {
  site: string;
  host: string;
  administration: string;
  partner: string;
  pool: string;
  token: string;
  agreement: string;
  loan: string;
  rule: string;
  identity: string;
  /** `ADMINISTRATION/VM`. */
  vm: string;
  operation: string;
  image: string;
  dataClass: string;
}

export type Kind = keyof Things | 'quota' | 'none';

interface Made {
  /** What has to be the caller's, or in its sight. */
  about: Kind;
  message(things: Things, role: RoleOfTable): object;
}

const about = (about: Kind, message: Made['message']): Made => ({ about, message });
const nothing = about('none', () => ({}));
const vmName = ({ vm }: Things) => `administrations/${vm.split('/')[0]}/vms/${vm.split('/')[1]}`;
const names: Partial<Record<Kind, (things: Things) => string>> = {
  site: ({ site }) => `sites/${site}`,
  host: ({ host }) => `hosts/${host}`,
  administration: ({ administration }) => `administrations/${administration}`,
  partner: ({ partner }) => `partners/${partner}`,
  pool: ({ pool }) => `storagePools/${pool}`,
  token: ({ token }) => `joinTokens/${token}`,
  agreement: ({ agreement }) => `agreements/${agreement}`,
  loan: ({ loan }) => `loans/${loan}`,
  rule: ({ rule }) => `residencyRules/${rule}`,
  identity: ({ identity }) => `identities/${identity}`,
  operation: ({ operation }) => `operations/${operation}`,
  image: ({ image }) => `images/${image}`,
  dataClass: ({ dataClass }) => `dataClasses/${dataClass}`,
  quota: ({ administration }) => `administrations/${administration}/quotas/everywhere`,
  vm: vmName,
};
const nameOf = (kind: Kind, things: Things): string => names[kind]?.(things) ?? '';
const named = (kind: Kind, more: object = {}): Made =>
  about(kind, (things) => ({ name: nameOf(kind, things), ...more }));
/** Inside of the message of the resource. */
const inside = (kind: Kind, field: string, more: object = {}): Made =>
  about(kind, (things) => ({ [field]: { name: nameOf(kind, things), ...more } }));
const of = (kind: Kind, field: string, more: object = {}): Made =>
  about(kind, (things) => ({ [field]: nameOf(kind, things), ...more }));

const spec = { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
const countries: Record<string, string> = { north: 'HR', south: 'MK', hr: 'HR', mk: 'MK' };

/** By the path of the method, without the package. */
export const requests: Record<string, Made> = {
  'SiteService/CreateSite': about('partner', ({ partner }) => ({
    siteId: 'new',
    site: { partner, country: countries[partner] ?? 'HR' },
  })),
  'SiteService/GetSite': named('site'),
  'SiteService/ListSites': nothing,
  'SiteService/UpdateSite': inside('site', 'site', { title: 't' }),
  'SiteService/CordonSite': named('site'),
  'SiteService/UncordonSite': named('site'),
  'SiteService/DeleteSite': named('site'),
  'HostService/GetHost': named('host'),
  'HostService/ListHosts': nothing,
  'HostService/CordonHost': named('host'),
  'HostService/UncordonHost': named('host'),
  'HostService/DrainHost': named('host'),
  'HostService/PauseDrain': named('host'),
  'HostService/ResumeDrain': named('host'),
  'HostService/UndrainHost': named('host'),
  'HostService/UpdateHost': inside('host', 'host', { traits: ['ssd'] }),
  'HostService/RetireHost': named('host'),
  'HostService/QuarantineHost': named('host'),
  'HostService/ReleaseHost': named('host'),
  'HostService/RevokeHost': named('host'),
  'HostService/FenceHost': named('host'),
  'HostService/ConfirmFence': named('host', { reason: 'seen' }),
  'HostService/EvacuateHost': named('host'),
  'HostService/RemoveOrphan': named('host', { orphan: '00000000-0000-4000-8000-000000000000' }),
  'JoinTokenService/CreateJoinToken': of('site', 'site'),
  'JoinTokenService/ListJoinTokens': nothing,
  'JoinTokenService/DeleteJoinToken': named('token'),
  'StoragePoolService/CreateStoragePool': about('site', (things) => ({
    storagePoolId: 'new',
    storagePool: {
      kind: 'STORAGE_POOL_KIND_SHARED',
      site: nameOf('site', things),
      path: '/srv',
      capacityMib: 1,
    },
  })),
  'StoragePoolService/GetStoragePool': named('pool'),
  'StoragePoolService/ListStoragePools': nothing,
  'StoragePoolService/UpdateStoragePool': about('pool', (things) => ({
    storagePool: { name: nameOf('pool', things), capacityMib: 1 },
  })),
  'StoragePoolService/DeleteStoragePool': named('pool'),
  'PartnerService/CreatePartner': about('none', () => ({ partnerId: 'new', partner: { country: 'HR' } })),
  'PartnerService/GetPartner': named('partner'),
  'PartnerService/ListPartners': nothing,
  'PartnerService/UpdatePartner': inside('partner', 'partner', { title: 't' }),
  'PartnerService/DeletePartner': named('partner'),
  'AgreementService/CreateAgreement': about('partner', (things) => ({
    agreementId: 'new',
    agreement: { partner: nameOf('partner', things), beneficiaryPartner: 'partners/east' },
  })),
  'AgreementService/GetAgreement': named('agreement'),
  'AgreementService/ListAgreements': nothing,
  'AgreementService/UpdateAgreement': inside('agreement', 'agreement', { title: 't' }),
  'AgreementService/RecallAgreement': named('agreement'),
  'AgreementService/DeleteAgreement': named('agreement'),
  'AdministrationService/CreateAdministration': about('administration', (things) => ({
    administrationId: 'new',
    administration: {
      parent: nameOf('administration', things),
      country: things.administration.startsWith('mk') ? 'MK' : 'HR',
    },
  })),
  'AdministrationService/GetAdministration': named('administration'),
  'AdministrationService/ListAdministrations': nothing,
  'AdministrationService/UpdateAdministration': inside('administration', 'administration', { title: 't' }),
  'AdministrationService/MoveAdministration': named('administration'),
  'AdministrationService/SuspendAdministration': named('administration'),
  'AdministrationService/ResumeAdministration': named('administration'),
  'AdministrationService/DeleteAdministration': named('administration'),
  'QuotaService/SetQuota': of('administration', 'parent', { limit: { vcpus: 5 } }),
  'QuotaService/GetQuota': named('quota'),
  'QuotaService/ListQuotas': of('administration', 'parent'),
  'QuotaService/DeleteQuota': named('quota'),
  'QuotaService/VerifyQuotas': nothing,
  'QuotaService/CreateLoan': about('administration', (things) => ({
    loanId: 'new',
    loan: {
      lender: nameOf('administration', things),
      borrower: nameOf('administration', things),
      amount: { vcpus: 1 },
      expireTime: { seconds: 4_000_000_000 },
    },
  })),
  'QuotaService/GetLoan': named('loan'),
  'QuotaService/ListLoans': of('administration', 'administration'),
  'QuotaService/RecallLoan': named('loan'),
  'ResidencyService/CreateDataClass': about('none', () => ({ dataClassId: 'new', dataClass: { level: 5 } })),
  'ResidencyService/ListDataClasses': nothing,
  'ResidencyService/DeleteDataClass': named('dataClass'),
  'ResidencyService/CreateResidencyRule': about('administration', (things) => ({
    residencyRuleId: 'new',
    residencyRule: {
      dataClass: 'dataClasses/personal',
      administration: nameOf('administration', things),
      allowed: { countries: ['HR'] },
      legalBasis: 'a law',
    },
  })),
  'ResidencyService/GetResidencyRule': named('rule'),
  'ResidencyService/ListResidencyRules': of('administration', 'administration'),
  'ResidencyService/UpdateResidencyRule': inside('rule', 'residencyRule', { priority: 3 }),
  'ResidencyService/DeleteResidencyRule': named('rule'),
  'ResidencyService/ExplainResidency': of('administration', 'administration'),
  'ResidencyService/ListBreaches': of('administration', 'administration'),
  'ImageService/CreateImage': about('none', () => ({ imageId: 'new', image: {} })),
  'ImageService/GetImage': named('image'),
  'ImageService/ListImages': nothing,
  'ImageService/DeleteImage': named('image'),
  'VmService/CreateVm': of('administration', 'parent', { vmId: 'new', vm: { spec } }),
  'VmService/BatchCreateVms': of('administration', 'parent', { requests: [{ vmId: 'new', vm: { spec } }] }),
  'VmService/GetVm': named('vm'),
  'VmService/ListVms': of('administration', 'parent'),
  'VmService/UpdateVm': inside('vm', 'vm', { title: 't' }),
  'VmService/ResizeVm': named('vm', { vcpus: 2 }),
  'VmService/StartVm': named('vm'),
  'VmService/StopVm': named('vm'),
  'VmService/RebootVm': named('vm'),
  'VmService/MigrateVm': named('vm'),
  'VmService/AdoptVm': about('host', (things) => ({
    host: nameOf('host', things),
    parent: 'administrations/hr',
    vmId: 'new',
    orphan: '00000000-0000-4000-8000-000000000000',
    vm: { spec },
  })),
  'VmService/DeleteVm': named('vm'),
  'VmService/WatchVms': of('administration', 'parent'),
  'OperationService/GetOperation': named('operation'),
  'OperationService/ListOperations': nothing,
  'OperationService/WaitOperation': named('operation', { timeout: { seconds: 0 } }),
  'OperationService/CancelOperation': named('operation'),
  'PlacementService/ExplainPlacement': of('administration', 'parent', { vm: { spec } }),
  'PlacementService/EstimateCapacity': of('administration', 'parent', { vm: { spec }, limit: 1 }),
  'UsageService/ReportUsage': of('administration', 'administration', { startTime: { seconds: 1 } }),
  'UsageService/SettleMonth': about('none', () => ({ month: '2023-11' })),
  'FederationService/GetFederation': nothing,
  'FederationService/EndRecovery': of('site', 'site'),
  'IdentityService/GetCaller': nothing,
  'IdentityService/CreateIdentity': {
    about: 'identity',
    message: (things, role) => ({
      identityId: 'new',
      identity:
        role === 'partner_operator'
          ? { role: 'ROLE_PARTNER_OPERATOR', partner: nameOf('partner', things) }
          : { role: 'ROLE_ADMINISTRATION_USER', administration: nameOf('administration', things) },
    }),
  },
  'IdentityService/GetIdentity': named('identity'),
  'IdentityService/ListIdentities': nothing,
  'IdentityService/UpdateIdentity': inside('identity', 'identity', { title: 't' }),
  'IdentityService/DeleteIdentity': named('identity'),
  'IdentityService/IssueCertificate': named('identity', { signingRequest: Buffer.from('a key') }),
  'IdentityService/RevokeCertificates': named('identity'),
  'AuditService/ListAuditEntries': nothing,
  'AuditService/ExportAudit': of('partner', 'partner'),
  'AuditService/GetAuditKey': nothing,
  'AlarmService/ListAlarms': nothing,
  'EventService/ListEvents': of('vm', 'about'),
  'EventService/WatchEvents': of('host', 'about'),
  'AgentService/Join': nothing,
  'AgentService/RenewCertificate': nothing,
  'AgentService/Link': nothing,
};

/** As it arrives, with every field. */
export function decoded(method: string, message: object): object {
  const definition = definitionOf(method.slice(method.indexOf('/') + 1));
  return definition.requestDeserialize(definition.requestSerialize(message));
}
