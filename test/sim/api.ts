/**
 * The scheduler's real services without a server: what a caller sends goes through the contract's encoding and the
 * handlers that production has, with their request ids and their waiting for the disk.
 */
import type { MethodDefinition, sendUnaryData, StatusObject, UntypedHandleCall } from '@grpc/grpc-js';
import { v1 } from '../../proto/index.js';
import { agreementService } from '../../scheduler/api/agreement-service.js';
import { federationService } from '../../scheduler/api/federation-service.js';
import { type HostLink, hostService } from '../../scheduler/api/host-service.js';
import { type CallContext, rawDefinition } from '../../scheduler/api/methods.js';
import { operationService } from '../../scheduler/api/operation-service.js';
import { quotaService } from '../../scheduler/api/quota-service.js';
import { residencyService } from '../../scheduler/api/residency-service.js';
import { vmService } from '../../scheduler/api/vm-service.js';

type Method = MethodDefinition<unknown, unknown>;
type Maker = (method: Method, context: CallContext) => UntypedHandleCall;

/** By the name of the method. */
const definitions = new Map<string, Method>();
for (const { service } of [
  v1.VmService,
  v1.HostService,
  v1.OperationService,
  v1.QuotaService,
  v1.ResidencyService,
  v1.AgreementService,
  v1.FederationService,
]) {
  for (const [name, method] of Object.entries(service)) definitions.set(name, method as Method);
}

export type Answered = { reply: Record<string, unknown> } | { refusal: StatusObject };

/** A call as bytes: what is sent again is the same. */
export interface EncodedCall {
  method: string;
  bytes: Buffer;
}

export function encodeCall(method: string, request: object): EncodedCall {
  return { method, bytes: definitionOf(method).requestSerialize(request) };
}

export class Api {
  readonly #handlers = new Map<string, { handle: UntypedHandleCall; raw: Method }>();

  constructor(
    private readonly context: CallContext,
    link: HostLink,
  ) {
    const services = [
      vmService,
      hostService(link),
      operationService,
      quotaService,
      residencyService,
      agreementService,
      federationService('simulated', 0),
    ];
    for (const service of services) {
      for (const [name, maker] of Object.entries(service)) {
        const method = definitionOf(name);
        this.#handlers.set(name, {
          handle: (maker as Maker)(method, this.context),
          raw: rawDefinition(method),
        });
      }
    }
  }

  call({ method, bytes }: EncodedCall, answered: (answer: Answered) => void): void {
    const handler = this.#handlers.get(method);
    if (handler === undefined) throw new Error(`no method ${method}`);
    const callback: sendUnaryData<Buffer> = (error, reply) => {
      if (error) answered({ refusal: error as StatusObject });
      else
        answered({
          reply: definitionOf(method).responseDeserialize(reply as Buffer) as Record<string, unknown>,
        });
    };
    const call = {
      request: handler.raw.requestDeserialize(bytes),
      cancelled: false,
      metadata: {},
      getPeer: () => 'portal:1',
      getPath: () => definitionOf(method).path,
    };
    (handler.handle as unknown as (call: object, callback: sendUnaryData<Buffer>) => void)(call, callback);
  }
}

function definitionOf(method: string): Method {
  const definition = definitions.get(method);
  if (definition === undefined) throw new Error(`no method ${method}`);
  return definition;
}
