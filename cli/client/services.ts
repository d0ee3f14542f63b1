/** The contract's services as types, so that a call names service and method and gets its request checked. */
import type { MethodDefinition } from '@grpc/proto-loader';
import type { AdministrationServiceDefinition } from '../../proto/gen/secovia/v1/AdministrationService.js';
import type { AgreementServiceDefinition } from '../../proto/gen/secovia/v1/AgreementService.js';
import type { AlarmServiceDefinition } from '../../proto/gen/secovia/v1/AlarmService.js';
import type { AuditServiceDefinition } from '../../proto/gen/secovia/v1/AuditService.js';
import type { EventServiceDefinition } from '../../proto/gen/secovia/v1/EventService.js';
import type { FederationServiceDefinition } from '../../proto/gen/secovia/v1/FederationService.js';
import type { HostServiceDefinition } from '../../proto/gen/secovia/v1/HostService.js';
import type { IdentityServiceDefinition } from '../../proto/gen/secovia/v1/IdentityService.js';
import type { ImageServiceDefinition } from '../../proto/gen/secovia/v1/ImageService.js';
import type { JoinTokenServiceDefinition } from '../../proto/gen/secovia/v1/JoinTokenService.js';
import type { OperationServiceDefinition } from '../../proto/gen/secovia/v1/OperationService.js';
import type { PartnerServiceDefinition } from '../../proto/gen/secovia/v1/PartnerService.js';
import type { PlacementServiceDefinition } from '../../proto/gen/secovia/v1/PlacementService.js';
import type { QuotaServiceDefinition } from '../../proto/gen/secovia/v1/QuotaService.js';
import type { ResidencyServiceDefinition } from '../../proto/gen/secovia/v1/ResidencyService.js';
import type { SiteServiceDefinition } from '../../proto/gen/secovia/v1/SiteService.js';
import type { StoragePoolServiceDefinition } from '../../proto/gen/secovia/v1/StoragePoolService.js';
import type { UsageServiceDefinition } from '../../proto/gen/secovia/v1/UsageService.js';
import type { VmServiceDefinition } from '../../proto/gen/secovia/v1/VmService.js';

export interface Services {
  AdministrationService: AdministrationServiceDefinition;
  AgreementService: AgreementServiceDefinition;
  AlarmService: AlarmServiceDefinition;
  AuditService: AuditServiceDefinition;
  EventService: EventServiceDefinition;
  FederationService: FederationServiceDefinition;
  HostService: HostServiceDefinition;
  IdentityService: IdentityServiceDefinition;
  ImageService: ImageServiceDefinition;
  JoinTokenService: JoinTokenServiceDefinition;
  OperationService: OperationServiceDefinition;
  PartnerService: PartnerServiceDefinition;
  PlacementService: PlacementServiceDefinition;
  QuotaService: QuotaServiceDefinition;
  ResidencyService: ResidencyServiceDefinition;
  SiteService: SiteServiceDefinition;
  StoragePoolService: StoragePoolServiceDefinition;
  UsageService: UsageServiceDefinition;
  VmService: VmServiceDefinition;
}

export type Service = keyof Services;

/** The methods that are named; the generated interfaces also carry an index signature. */
export type Method<S extends Service> = keyof {
  [M in keyof Services[S] as string extends M ? never : number extends M ? never : M]: true;
} &
  string;

type Definition<S extends Service, M extends Method<S>> = Services[S][M & keyof Services[S]];

export type RequestOf<S extends Service, M extends Method<S>> =
  Definition<S, M> extends MethodDefinition<
    infer Request extends object,
    infer _Response,
    infer _In,
    infer _Out
  >
    ? Request
    : never;

export type ResponseOf<S extends Service, M extends Method<S>> =
  Definition<S, M> extends MethodDefinition<
    infer _Request,
    infer _Response,
    infer _In,
    infer Out extends object
  >
    ? Out
    : never;

/** The names of the fields of T whose values extend V. */
export type FieldsOf<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T] & string;
