/**
 * What each request names: what it is about, and what else it speaks of. A caller that does not see something is answered
 * as if it did not exist, whichever field names it. Names that have no meaning are left to the checks of form.
 */
import type { NamedKind, Thing } from '../core/access/relation.js';
import { idIn, quotaRefIn, vmRefIn } from '../render/names.js';

/**
 * How a name is meant: to be read, to be changed (then how much of the caller's own it has to be follows from the table), or
 * `own` where something is made below it, and its being the caller's own is enough.
 */
export type Meant = 'see' | 'change' | 'own';

export interface Named {
  thing: Thing;
  /** As it was sent, for the refusal. */
  name: string;
  meant: Meant;
}

/** A request, as far as this file reads it; what is unset is left out, null or empty. */
interface Request {
  name?: string;
  about?: string;
  parent?: string;
  site?: string | { name: string } | null;
  partner?: string | { name: string } | null;
  administration?: string | { name: string; parent: string } | null;
  host?: string | { name: string; dedicatedTo: string } | null;
  storagePool?: { name: string; site: string; hosts: string[] } | null;
  agreement?: Partial<
    Record<'name' | 'partner' | 'beneficiaryPartner' | 'beneficiaryAdministration', string>
  > | null;
  loan?: { lender: string; borrower: string } | null;
  identity?: { name: string; partner: string; administration: string; serves: string[] } | null;
  residencyRule?: { name: string; administration: string } | null;
  vm?: Vm | null;
  displaced?: { vm: string }[];
  requests?: Request[];
}

interface Vm {
  name: string;
  spec: { storagePool: string } | null;
  placement: { excludedHosts: string[] } | null;
}

type Names = (request: Request) => Named[];

/** Of the methods of a service, by their names. */
const byService: Record<string, Record<string, Names>> = {
  SiteService: {
    // Its partner may not exist yet: see `request-terms.ts`.
    CreateSite: nothing,
    GetSite: named('site', 'see'),
    ListSites: nothing,
    UpdateSite: ({ site }) => one('site', nameIn(site), 'change'),
    CordonSite: named('site', 'change'),
    UncordonSite: named('site', 'change'),
    DeleteSite: named('site', 'change'),
  },
  HostService: {
    GetHost: named('host', 'see'),
    ListHosts: nothing,
    CordonHost: named('host', 'change'),
    UncordonHost: named('host', 'change'),
    DrainHost: named('host', 'change'),
    PauseDrain: named('host', 'change'),
    ResumeDrain: named('host', 'change'),
    UndrainHost: named('host', 'change'),
    UpdateHost: ({ host }) => [
      ...one('host', nameIn(host), 'change'),
      ...one('administration', typeof host === 'string' ? '' : host?.dedicatedTo, 'see'),
    ],
    RetireHost: named('host', 'change'),
    QuarantineHost: named('host', 'change'),
    ReleaseHost: named('host', 'change'),
    RevokeHost: named('host', 'change'),
    FenceHost: named('host', 'change'),
    ConfirmFence: named('host', 'change'),
    EvacuateHost: named('host', 'change'),
    RemoveOrphan: named('host', 'change'),
  },
  JoinTokenService: {
    CreateJoinToken: ({ site }) => one('site', textIn(site), 'change'),
    ListJoinTokens: nothing,
    DeleteJoinToken: named('join token', 'change'),
  },
  StoragePoolService: {
    CreateStoragePool: ({ storagePool }) => [
      ...one('site', storagePool?.site, 'change'),
      ...mounting(storagePool),
    ],
    GetStoragePool: named('storage pool', 'see'),
    ListStoragePools: nothing,
    UpdateStoragePool: ({ storagePool }) => [
      ...one('storage pool', nameIn(storagePool), 'change'),
      ...mounting(storagePool),
    ],
    DeleteStoragePool: named('storage pool', 'change'),
  },
  PartnerService: {
    CreatePartner: nothing,
    GetPartner: named('partner', 'see'),
    ListPartners: nothing,
    UpdatePartner: ({ partner }) => one('partner', nameIn(partner), 'change'),
    DeletePartner: named('partner', 'change'),
  },
  AgreementService: {
    CreateAgreement: ({ agreement }) => [
      ...one('partner', agreement?.partner, 'change'),
      ...one('partner', agreement?.beneficiaryPartner, 'see'),
      ...one('administration', agreement?.beneficiaryAdministration, 'see'),
    ],
    GetAgreement: named('agreement', 'see'),
    ListAgreements: ({ partner }) => one('partner', textIn(partner), 'see'),
    UpdateAgreement: ({ agreement }) => one('agreement', agreement?.name, 'change'),
    RecallAgreement: named('agreement', 'change'),
    DeleteAgreement: named('agreement', 'change'),
  },
  AdministrationService: {
    CreateAdministration: ({ administration }) =>
      typeof administration === 'string' ? [] : one('administration', administration?.parent, 'own'),
    GetAdministration: named('administration', 'see'),
    ListAdministrations: nothing,
    UpdateAdministration: ({ administration }) => one('administration', nameIn(administration), 'change'),
    MoveAdministration: named('administration', 'change'),
    SuspendAdministration: named('administration', 'change'),
    ResumeAdministration: named('administration', 'change'),
    DeleteAdministration: named('administration', 'change'),
  },
  QuotaService: {
    SetQuota: ({ parent }) => one('administration', parent, 'change'),
    GetQuota: ({ name = '' }) => quota(name, 'see'),
    ListQuotas: ({ parent }) => some('administration', parent),
    DeleteQuota: ({ name = '' }) => quota(name, 'change'),
    VerifyQuotas: nothing,
    CreateLoan: ({ loan }) => [
      ...one('administration', loan?.lender, 'own'),
      ...one('administration', loan?.borrower, 'change'),
    ],
    GetLoan: named('loan', 'see'),
    ListLoans: ({ administration }) => some('administration', textIn(administration)),
    RecallLoan: named('loan', 'change'),
  },
  ResidencyService: {
    CreateDataClass: nothing,
    ListDataClasses: nothing,
    DeleteDataClass: named('data class', 'change'),
    CreateResidencyRule: ({ residencyRule }) => one('administration', residencyRule?.administration, 'see'),
    GetResidencyRule: named('residency rule', 'see'),
    ListResidencyRules: ({ administration }) => some('administration', textIn(administration)),
    UpdateResidencyRule: ({ residencyRule }) => one('residency rule', residencyRule?.name, 'change'),
    DeleteResidencyRule: named('residency rule', 'change'),
    ExplainResidency: ({ administration }) => one('administration', textIn(administration), 'see'),
    ListBreaches: ({ administration }) => some('administration', textIn(administration)),
  },
  ImageService: {
    CreateImage: nothing,
    GetImage: named('image', 'see'),
    ListImages: nothing,
    DeleteImage: named('image', 'change'),
  },
  VmService: {
    CreateVm: newVm,
    BatchCreateVms: (request) => [
      ...one('administration', request.parent, 'change'),
      ...(request.requests ?? []).flatMap((each) => wishes(each)),
    ],
    GetVm: ({ name = '' }) => vm(name, 'see'),
    ListVms: ({ parent }) => some('administration', parent),
    UpdateVm: (request) => vm(request.vm?.name ?? '', 'change'),
    ResizeVm: ({ name = '' }) => vm(name, 'change'),
    StartVm: ({ name = '' }) => vm(name, 'change'),
    StopVm: ({ name = '' }) => vm(name, 'change'),
    RebootVm: ({ name = '' }) => vm(name, 'change'),
    MigrateVm: ({ name = '', host }) => [...guest(name), ...one('host', textIn(host), 'see')],
    AdoptVm: (request) => [
      ...one('host', textIn(request.host), 'change'),
      ...one('administration', request.parent, 'see'),
      ...wishes(request),
    ],
    DeleteVm: ({ name = '' }) => vm(name, 'change'),
    WatchVms: ({ parent }) => some('administration', parent),
  },
  OperationService: {
    GetOperation: named('operation', 'see'),
    ListOperations: nothing,
    WaitOperation: named('operation', 'see'),
    CancelOperation: named('operation', 'change'),
  },
  PlacementService: {
    ExplainPlacement: question,
    EstimateCapacity: question,
  },
  UsageService: {
    ReportUsage: ({ administration }) => some('administration', textIn(administration)),
    SettleMonth: nothing,
  },
  FederationService: {
    GetFederation: nothing,
    EndRecovery: ({ site }) => one('site', textIn(site), 'change'),
  },
  IdentityService: {
    GetCaller: nothing,
    CreateIdentity: ({ identity }) => [
      ...one('partner', identity?.partner, 'change'),
      ...one('administration', identity?.administration, 'own'),
      ...(identity?.serves ?? []).flatMap((each) => one('administration', each, 'own')),
    ],
    GetIdentity: named('identity', 'see'),
    ListIdentities: nothing,
    UpdateIdentity: ({ identity }) => one('identity', identity?.name, 'change'),
    DeleteIdentity: named('identity', 'change'),
    IssueCertificate: named('identity', 'change'),
    RevokeCertificates: named('identity', 'change'),
  },
  AuditService: {
    ListAuditEntries: nothing,
    ExportAudit: ({ partner }) => one('partner', textIn(partner), 'own'),
    GetAuditKey: nothing,
  },
  AlarmService: { ListAlarms: nothing },
  EventService: { ListEvents: ofEvents, WatchEvents: ofEvents },
  // Who a host is, its connection says.
  AgentService: { Join: nothing, RenewCertificate: nothing, Link: nothing },
};

/** By the path of the method. */
const namesOf = new Map<string, Names>(
  Object.entries(byService).flatMap(([service, methods]) =>
    Object.entries(methods).map(([method, names]) => [`/secovia.v1.${service}/${method}`, names] as const),
  ),
);

/** Null for a method that nobody has thought about. */
export function namesIn(method: string, request: object): Named[] | null {
  return namesOf.get(method)?.(request as Request) ?? null;
}

function nothing(): Named[] {
  return [];
}

function named(kind: NamedKind, meant: Meant): Names {
  return ({ name }) => one(kind, name, meant);
}

/** Nothing where there is no name, or none of this kind. */
function one(kind: NamedKind, name: string | undefined, meant: Meant): Named[] {
  const id = name ? idIn(kind, name) : null;
  return id === null ? [] : [{ thing: { kind, id } as Thing, name: name ?? '', meant }];
}

/** What a listing is about; `-` is all that is in sight. */
function some(kind: 'administration', name: string | undefined): Named[] {
  return name === 'administrations/-' ? [] : one(kind, name, 'see');
}

function vm(name: string, meant: Meant): Named[] {
  const ref = vmRefIn(name);
  return ref === null ? [] : [{ thing: { kind: 'VM', ref }, name, meant }];
}

/** A VM, as one that a host has. */
function guest(name: string): Named[] {
  const ref = vmRefIn(name);
  return ref === null ? [] : [{ thing: { kind: 'VM', ref, as: 'guest' }, name, meant: 'change' }];
}

function quota(name: string, meant: Meant): Named[] {
  const ref = quotaRefIn(name);
  return ref === null ? [] : [{ thing: { kind: 'quota', ...ref }, name, meant }];
}

/** Whose events are asked for: any of these, by name. */
function ofEvents({ about }: Request): Named[] {
  const kinds = ['host', 'site', 'administration'] as const;
  return [...vm(about ?? '', 'see'), ...kinds.flatMap((kind) => one(kind, about, 'see'))];
}

function newVm(request: Request): Named[] {
  return [
    ...one('administration', request.parent, 'change'),
    ...wishes(request),
    ...(request.displaced ?? []).flatMap((each) => vm(each.vm, 'change')),
  ];
}

function question(request: Request): Named[] {
  return [...one('administration', request.parent, 'see'), ...wishes(request)];
}

/** What a VM that is to be speaks of besides what everybody sees. */
function wishes({ vm: wanted }: Request): Named[] {
  const excluded = wanted?.placement?.excludedHosts ?? [];
  return [
    ...one('storage pool', wanted?.spec?.storagePool, 'see'),
    ...excluded.flatMap((host) => one('host', host, 'see')),
  ];
}

function textIn(field: string | object | null | undefined): string | undefined {
  return typeof field === 'string' ? field : undefined;
}

/** The hosts that are to mount a pool. */
function mounting(pool: Request['storagePool']): Named[] {
  return (pool?.hosts ?? []).flatMap((host) => one('host', host, 'change'));
}

function nameIn(field: string | { name: string } | null | undefined): string | undefined {
  return typeof field === 'string' ? undefined : field?.name;
}
