/** A typed client of every service, for tests: calls as promises, failures as values, and calls by bare bytes. */
import * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { SecureChannel } from '../../../proto/credentials.js';
import { type ErrorDetails, readErrorDetails } from '../../../proto/errors.js';
import type { AdministrationServiceDefinition } from '../../../proto/gen/secovia/v1/AdministrationService.js';
import type { AgreementServiceDefinition } from '../../../proto/gen/secovia/v1/AgreementService.js';
import type { AlarmServiceDefinition } from '../../../proto/gen/secovia/v1/AlarmService.js';
import type { AuditServiceDefinition } from '../../../proto/gen/secovia/v1/AuditService.js';
import type { AgentServiceDefinition } from '../../../proto/gen/secovia/v1/AgentService.js';
import type { EventServiceDefinition } from '../../../proto/gen/secovia/v1/EventService.js';
import type { FederationServiceDefinition } from '../../../proto/gen/secovia/v1/FederationService.js';
import type { HostServiceDefinition } from '../../../proto/gen/secovia/v1/HostService.js';
import type { IdentityServiceDefinition } from '../../../proto/gen/secovia/v1/IdentityService.js';
import type { ImageServiceDefinition } from '../../../proto/gen/secovia/v1/ImageService.js';
import type { JoinTokenServiceDefinition } from '../../../proto/gen/secovia/v1/JoinTokenService.js';
import type { OperationServiceDefinition } from '../../../proto/gen/secovia/v1/OperationService.js';
import type { PartnerServiceDefinition } from '../../../proto/gen/secovia/v1/PartnerService.js';
import type { PlacementServiceDefinition } from '../../../proto/gen/secovia/v1/PlacementService.js';
import type { QuotaServiceDefinition } from '../../../proto/gen/secovia/v1/QuotaService.js';
import type { ResidencyServiceDefinition } from '../../../proto/gen/secovia/v1/ResidencyService.js';
import type { SiteServiceDefinition } from '../../../proto/gen/secovia/v1/SiteService.js';
import type { StoragePoolServiceDefinition } from '../../../proto/gen/secovia/v1/StoragePoolService.js';
import type { UsageServiceDefinition } from '../../../proto/gen/secovia/v1/UsageService.js';
import type { VmServiceDefinition } from '../../../proto/gen/secovia/v1/VmService.js';
import { v1 } from '../../../proto/index.js';

/** A definition without its index signature, so that only real methods have names. */
type Named<D> = { [M in keyof D as string extends M ? never : number extends M ? never : M]: D[M] };
type Method<D> = D extends MethodDefinition<infer I, infer _R, infer _J, infer O> ? [I, O] : never;
type MethodTable = Named<SiteServiceDefinition> &
  Named<HostServiceDefinition> &
  Named<AdministrationServiceDefinition> &
  Named<AgreementServiceDefinition> &
  Named<IdentityServiceDefinition> &
  Named<ImageServiceDefinition> &
  Named<StoragePoolServiceDefinition> &
  Named<JoinTokenServiceDefinition> &
  Named<OperationServiceDefinition> &
  Named<PartnerServiceDefinition> &
  Named<FederationServiceDefinition> &
  Named<PlacementServiceDefinition> &
  Named<QuotaServiceDefinition> &
  Named<ResidencyServiceDefinition> &
  Named<UsageServiceDefinition> &
  Named<VmServiceDefinition> &
  Named<AuditServiceDefinition> &
  Named<AlarmServiceDefinition> &
  Named<EventServiceDefinition> &
  Named<AgentServiceDefinition>;
export type MethodName = keyof MethodTable;
export type RequestOf<M extends MethodName> = Method<MethodTable[M]>[0];
export type ResponseOf<M extends MethodName> = Method<MethodTable[M]>[1];

export interface Failure {
  code: grpc.status;
  message: string;
  reason: string;
  details: ErrorDetails;
}

const definitions = new Map<string, grpc.MethodDefinition<object, object>>();
for (const member of Object.values(v1)) {
  if (!('service' in member)) continue;
  for (const [name, definition] of Object.entries(member.service as grpc.ServiceDefinition)) {
    definitions.set(name, definition as grpc.MethodDefinition<object, object>);
  }
}

/** Every method of the contract, by name. */
export function definitionOf(method: string): grpc.MethodDefinition<object, object> {
  const definition = definitions.get(method);
  if (definition === undefined) throw new Error(`no method ${method}`);
  return definition;
}

export const methodNames = [...definitions.keys()] as MethodName[];

const callTimeoutMs = 60_000;

const insecureChannel: SecureChannel = { credentials: grpc.credentials.createInsecure(), options: {} };

export class Api {
  readonly channel: grpc.Client;
  readonly #calls = new Set<grpc.ClientUnaryCall>();

  /** Without a secure channel in plain text, as schedulers take it that run with `--insecure`. */
  constructor(address: string, { mostBytes = -1, secure = insecureChannel } = {}) {
    this.channel = new grpc.Client(address, secure.credentials, {
      ...secure.options,
      'grpc.max_receive_message_length': mostBytes,
      'grpc.max_send_message_length': -1,
      // Tests start the scheduler again on the same address, and do not want to wait for a long back-off.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Gives up what is under way. */
  close(): void {
    for (const call of this.#calls) call.cancel();
    this.channel.close();
  }

  /** What must succeed. */
  async call<M extends MethodName>(method: M, request: RequestOf<M>): Promise<ResponseOf<M>> {
    const bytes = await this.bytes(method, encode(method, request as object));
    return definitionOf(method).responseDeserialize(bytes) as ResponseOf<M>;
  }

  /** What must fail. */
  async fails<M extends MethodName>(method: M, request: RequestOf<M>): Promise<Failure> {
    return this.failsBytes(method, encode(method, request as object));
  }

  async failsBytes(method: MethodName, request: Buffer): Promise<Failure> {
    try {
      await this.bytes(method, request);
    } catch (error) {
      return failureOf(error as grpc.ServiceError);
    }
    throw new Error(`${method} was accepted`);
  }

  /** The answer's bytes to the request's bytes. */
  bytes(method: MethodName, request: Buffer): Promise<Buffer> {
    const { path } = definitionOf(method);
    return new Promise((resolve, reject) => {
      const call = this.channel.makeUnaryRequest(
        path,
        (value: Buffer) => value,
        (value: Buffer) => value,
        request,
        new grpc.Metadata({ waitForReady: true }),
        { deadline: Date.now() + callTimeoutMs },
        (error, response) => {
          this.#calls.delete(call);
          if (error) reject(error);
          else resolve(response as Buffer);
        },
      );
      this.#calls.add(call);
    });
  }

  /** Where the journal stands: it moves when anything was changed. */
  async sequence(): Promise<number> {
    return (await this.call('GetFederation', {})).federation?.sequence ?? -1;
  }
}

export function encode(method: string, request: object): Buffer {
  return definitionOf(method).requestSerialize(request);
}

export function failureOf(error: grpc.ServiceError): Failure {
  if (error.code === undefined) throw error;
  const details = readErrorDetails(error);
  return {
    code: error.code,
    message: error.details,
    reason: details.errorInfo?.reason ?? '',
    details,
  };
}
