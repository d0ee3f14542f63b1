/**
 * Who may call what. This table is the only place that says so; what is not in it nobody may call.
 *
 * `all`    whatever there is.
 * `sees`   reads. What the request names has to be in sight, lists have what is in sight, and numbers of others are left out.
 * `own`    as `sees`, and what is changed has to be its own: a partner's operator owns the partner's sites, hosts, pools,
 *          join tokens and operators, is a side of its agreements, and decides on which of its hosts a VM is that is on one
 *          of them; an administration's administrators and users own the VMs of its subtree in everything else, and its
 *          administrators the identities as well. Of operations each owns those that it may order.
 * `below`  as `own`, and what is changed is below the administration: it does not decide what it is given itself.
 * `self`   the caller itself, and nothing else.
 * `-`      never.
 *
 * Where even what is one's own has conditions (a price, a jurisdiction), `api/request-terms.ts` has them. A portal calls
 * with a user's token as an administration's administrator or user, and without one as `portal`. Where the scheduler
 * runs without TLS everybody may do everything.
 */
import { type Refusal, refuse } from '../refusal.js';
import type { Standing } from './caller.js';

const table = `
                                          federation   partner's   administration's     auditor   portal   host   nobody
                                          admin        operator    admin      user

SiteService         CreateSite            all          own         -          -         -         -        -      -
SiteService         GetSite               all          sees        sees       sees      all       -        -      -
SiteService         ListSites             all          sees        sees       sees      all       -        -      -
SiteService         UpdateSite            all          own         -          -         -         -        -      -
SiteService         CordonSite            all          own         -          -         -         -        -      -
SiteService         UncordonSite          all          own         -          -         -         -        -      -
SiteService         DeleteSite            all          own         -          -         -         -        -      -

HostService         GetHost               all          sees        sees       sees      all       -        -      -
HostService         ListHosts             all          sees        sees       sees      all       -        -      -
HostService         CordonHost            all          own         -          -         -         -        -      -
HostService         UncordonHost          all          own         -          -         -         -        -      -
HostService         DrainHost             all          own         -          -         -         -        -      -
HostService         PauseDrain            all          own         -          -         -         -        -      -
HostService         ResumeDrain           all          own         -          -         -         -        -      -
HostService         UndrainHost           all          own         -          -         -         -        -      -
HostService         UpdateHost            all          own         -          -         -         -        -      -
HostService         RetireHost            all          own         -          -         -         -        -      -
HostService         QuarantineHost        all          own         -          -         -         -        -      -
HostService         ReleaseHost           all          own         -          -         -         -        -      -
HostService         RevokeHost            all          own         -          -         -         -        -      -
HostService         FenceHost             all          own         -          -         -         -        -      -
HostService         ConfirmFence          all          own         -          -         -         -        -      -
HostService         EvacuateHost          all          own         -          -         -         -        -      -
HostService         RemoveOrphan          all          own         -          -         -         -        -      -

JoinTokenService    CreateJoinToken       all          own         -          -         -         -        -      -
JoinTokenService    ListJoinTokens        all          sees        -          -         all       -        -      -
JoinTokenService    DeleteJoinToken       all          own         -          -         -         -        -      -

StoragePoolService  CreateStoragePool     all          own         -          -         -         -        -      -
StoragePoolService  GetStoragePool        all          sees        sees       sees      all       -        -      -
StoragePoolService  ListStoragePools      all          sees        sees       sees      all       -        -      -
StoragePoolService  UpdateStoragePool     all          own         -          -         -         -        -      -
StoragePoolService  DeleteStoragePool     all          own         -          -         -         -        -      -

PartnerService      CreatePartner         all          -           -          -         -         -        -      -
PartnerService      GetPartner            all          sees        sees       sees      all       -        -      -
PartnerService      ListPartners          all          sees        sees       sees      all       -        -      -
PartnerService      UpdatePartner         all          own         -          -         -         -        -      -
PartnerService      DeletePartner         all          -           -          -         -         -        -      -

AgreementService    CreateAgreement       all          own         -          -         -         -        -      -
AgreementService    GetAgreement          all          sees        sees       -         all       -        -      -
AgreementService    ListAgreements        all          sees        sees       -         all       -        -      -
AgreementService    UpdateAgreement       all          own         -          -         -         -        -      -
AgreementService    RecallAgreement       all          own         -          -         -         -        -      -
AgreementService    DeleteAgreement       all          own         -          -         -         -        -      -

AdministrationService CreateAdministration all         -           below      -         -         -        -      -
AdministrationService GetAdministration   all          sees        sees       sees      all       -        -      -
AdministrationService ListAdministrations all          sees        sees       sees      all       -        -      -
AdministrationService UpdateAdministration all         -           below      -         -         -        -      -
AdministrationService MoveAdministration  all          -           -          -         -         -        -      -
AdministrationService SuspendAdministration all        -           below      -         -         -        -      -
AdministrationService ResumeAdministration all         -           below      -         -         -        -      -
AdministrationService DeleteAdministration all         -           below      -         -         -        -      -

QuotaService        SetQuota              all          -           below      -         -         -        -      -
QuotaService        GetQuota              all          -           sees       sees      all       -        -      -
QuotaService        ListQuotas            all          -           sees       sees      all       -        -      -
QuotaService        DeleteQuota           all          -           below      -         -         -        -      -
QuotaService        VerifyQuotas          all          -           -          -         all       -        -      -
QuotaService        CreateLoan            all          -           below      -         -         -        -      -
QuotaService        GetLoan               all          -           sees       -         all       -        -      -
QuotaService        ListLoans             all          -           sees       -         all       -        -      -
QuotaService        RecallLoan            all          -           below      -         -         -        -      -

ResidencyService    CreateDataClass       all          -           -          -         -         -        -      -
ResidencyService    ListDataClasses       all          sees        sees       sees      all       -        -      -
ResidencyService    DeleteDataClass       all          -           -          -         -         -        -      -
ResidencyService    CreateResidencyRule   all          -           -          -         -         -        -      -
ResidencyService    GetResidencyRule      all          sees        sees       sees      all       -        -      -
ResidencyService    ListResidencyRules    all          sees        sees       sees      all       -        -      -
ResidencyService    UpdateResidencyRule   all          -           -          -         -         -        -      -
ResidencyService    DeleteResidencyRule   all          -           -          -         -         -        -      -
ResidencyService    ExplainResidency      all          sees        sees       sees      all       -        -      -
ResidencyService    ListBreaches          all          sees        sees       sees      all       -        -      -

ImageService        CreateImage           all          -           -          -         -         -        -      -
ImageService        GetImage              all          sees        sees       sees      all       -        -      -
ImageService        ListImages            all          sees        sees       sees      all       -        -      -
ImageService        DeleteImage           all          -           -          -         -         -        -      -

VmService           CreateVm              all          -           own        own       -         -        -      -
VmService           BatchCreateVms        all          -           own        own       -         -        -      -
VmService           GetVm                 all          sees        sees       sees      all       -        -      -
VmService           ListVms               all          sees        sees       sees      all       -        -      -
VmService           UpdateVm              all          -           own        own       -         -        -      -
VmService           ResizeVm              all          -           own        own       -         -        -      -
VmService           StartVm               all          -           own        own       -         -        -      -
VmService           StopVm                all          -           own        own       -         -        -      -
VmService           RebootVm              all          -           own        own       -         -        -      -
VmService           MigrateVm             all          own         -          -         -         -        -      -
VmService           AdoptVm               all          own         -          -         -         -        -      -
VmService           DeleteVm              all          -           own        own       -         -        -      -
VmService           WatchVms              all          sees        sees       sees      all       -        -      -

OperationService    GetOperation          all          sees        sees       sees      all       -        -      -
OperationService    ListOperations        all          sees        sees       sees      all       -        -      -
OperationService    WaitOperation         all          sees        sees       sees      all       -        -      -
OperationService    CancelOperation       all          own         own        own       -         -        -      -

PlacementService    ExplainPlacement      all          sees        sees       sees      all       -        -      -
PlacementService    EstimateCapacity      all          sees        sees       sees      all       -        -      -

UsageService        ReportUsage           all          sees        sees       -         all       -        -      -
UsageService        SettleMonth           all          sees        sees       -         all       -        -      -

FederationService   GetFederation         all          sees        sees       sees      all       -        -      -
FederationService   EndRecovery           all          own         -          -         -         -        -      -

IdentityService     GetCaller             self         self        self       self      self      self     -      -
IdentityService     CreateIdentity        all          own         own        -         -         -        -      -
IdentityService     GetIdentity           all          sees        sees       self      all       -        -      -
IdentityService     ListIdentities        all          sees        sees       self      all       -        -      -
IdentityService     UpdateIdentity        all          own         own        -         -         -        -      -
IdentityService     DeleteIdentity        all          own         own        -         -         -        -      -
IdentityService     IssueCertificate      all          own         own        self      self      self     -      -
IdentityService     RevokeCertificates    all          own         own        self      self      -        -      -

AuditService        ListAuditEntries      all          sees        sees       -         all       -        -      -
AuditService        ExportAudit           all          sees        -          -         all       -        -      -
AuditService        GetAuditKey           all          sees        sees       sees      all       -        -      -

AlarmService        ListAlarms            all          sees        sees       sees      all       -        -      -

EventService        ListEvents            all          sees        sees       sees      all       -        -      -
EventService        WatchEvents           all          sees        sees       sees      all       -        -      -

AgentService        Join                  -            -           -          -         -         -        -      all
AgentService        RenewCertificate      -            -           -          -         -         -        self   -
AgentService        Link                  -            -           -          -         -         -        self   -
`;

const rights = ['all', 'sees', 'own', 'below', 'self', '-'] as const;
export type Right = (typeof rights)[number];

/** In the order of the columns. */
export const rolesOfTable = [
  'federation_administrator',
  'partner_operator',
  'administration_administrator',
  'administration_user',
  'auditor',
  'portal',
  'host',
  'nobody',
] as const;
export type RoleOfTable = (typeof rolesOfTable)[number];

const words: Record<RoleOfTable, string> = {
  federation_administrator: 'federation administrators',
  partner_operator: 'operators of the partner that it concerns',
  administration_administrator: 'administrators of the administration that it concerns',
  administration_user: 'users of the administration that it concerns',
  auditor: 'auditors',
  portal: 'portals',
  host: "hosts' agents",
  nobody: 'hosts that join',
};

/** `a federation administrator` and so on, for sentences. */
export const roleWords: Record<RoleOfTable, string> = {
  federation_administrator: 'a federation administrator',
  partner_operator: "a partner's operator",
  administration_administrator: "an administration's administrator",
  administration_user: "an administration's user",
  auditor: 'an auditor',
  portal: 'a portal without a token of its user',
  host: "a host's agent",
  nobody: 'nobody that is known',
};

export type Rights = Readonly<Record<RoleOfTable, Right>>;

/** By the path of a method, as `/secovia.v1.VmService/CreateVm`. */
export const permissions: ReadonlyMap<string, Rights> = read(table);

function read(text: string): Map<string, Rights> {
  const byMethod = new Map<string, Rights>();
  for (const line of text.split('\n')) {
    const [service = '', method = '', ...cells] = line.trim().split(/\s+/);
    if (!service.endsWith('Service')) continue;
    if (cells.length !== rolesOfTable.length) throw new Error(`a cell is missing: ${line}`);
    const row = cells.map((cell, column) => [rolesOfTable[column], rightIn(cell)]);
    byMethod.set(`/secovia.v1.${service}/${method}`, Object.fromEntries(row) as Rights);
  }
  return byMethod;
}

function rightIn(word: string): Right {
  const right = rights.find((each) => each === word);
  if (right === undefined) throw new Error(`${word} is no right`);
  return right;
}

/** What a standing may do with a method at all. */
export function rightTo(method: string, { role }: Standing): Right {
  if (role === 'insecure') return 'all';
  return permissions.get(method)?.[role] ?? '-';
}

/** Says who may, to a role that never may. */
export function refuseRole(method: string, { role, delegated }: Standing): Refusal {
  const row = permissions.get(method);
  const those = row === undefined ? [] : rolesOfTable.filter((each) => row[each] !== '-');
  const name = method.slice(method.lastIndexOf('.') + 1);
  const me = role === 'insecure' ? 'whoever calls without TLS' : roleWords[role];
  const may = those.length === 0 ? 'nobody may' : `${listed(those.map((each) => words[each]))} may`;
  const through = delegated === true ? ', through a portal,' : '';
  return refuse('denied', 'ROLE_MAY_NOT', `${me}${through} may not call ${name}; ${may}`, {
    method: name,
    role,
    allowed_roles: those.join(','),
  });
}

function listed(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
