/**
 * A gRPC server over a real socket that says what a test tells it to. Methods without a script answer UNIMPLEMENTED;
 * every request is kept, so that a test can ask what was sent.
 */
import { createServer } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { Method, RequestOf, Service, Services } from '../../cli/client/services.js';
import { type ErrorDetails, serviceError } from '../../proto/errors.js';
import { v1 } from '../../proto/index.js';

const services: Record<Service, grpc.ServiceDefinition> = {
  AdministrationService: v1.AdministrationService.service,
  AgreementService: v1.AgreementService.service,
  AlarmService: v1.AlarmService.service,
  AuditService: v1.AuditService.service,
  EventService: v1.EventService.service,
  FederationService: v1.FederationService.service,
  HostService: v1.HostService.service,
  IdentityService: v1.IdentityService.service,
  ImageService: v1.ImageService.service,
  JoinTokenService: v1.JoinTokenService.service,
  OperationService: v1.OperationService.service,
  PartnerService: v1.PartnerService.service,
  PlacementService: v1.PlacementService.service,
  QuotaService: v1.QuotaService.service,
  ResidencyService: v1.ResidencyService.service,
  SiteService: v1.SiteService.service,
  StoragePoolService: v1.StoragePoolService.service,
  UsageService: v1.UsageService.service,
  VmService: v1.VmService.service,
};

/** Requests arrive with every field present. */
type Sent<T> = { [K in keyof T]-?: NonNullable<T[K]> };

/** An answer in the loose form that the encoder takes: what is left out is unset. */
export type Reply<S extends Service, M extends Method<S>> =
  Services[S][M & keyof Services[S]] extends MethodDefinition<
    infer _Request,
    infer Response extends object,
    infer _In,
    infer _Out
  >
    ? Response
    : never;

type Unary = (request: object) => object | Promise<object>;
type Stream = (request: object, stream: grpc.ServerWritableStream<object, object>) => void;

export interface Received {
  /** `VmService/CreateVm`. */
  method: string;
  request: object;
}

/** What a script throws to let its call fail. */
export class Refused extends Error {
  constructor(
    readonly code: grpc.status,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }
}

/** What a script throws to send a status exactly as it is. */
export class Status extends Error {
  constructor(readonly status: grpc.StatusObject) {
    super(status.details);
  }
}

export class ScriptedServer {
  readonly received: Received[] = [];
  readonly #unary = new Map<string, Unary>();
  readonly #streams = new Map<string, Stream>();
  #server: grpc.Server | undefined;
  #port = 0;

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await server.up();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The script of a unary method; it replaces the one before. */
  on<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    script: (request: Sent<RequestOf<S, M>>) => Reply<S, M> | Promise<Reply<S, M>>,
  ): this {
    this.#unary.set(`${service}/${method}`, script as Unary);
    return this;
  }

  onStream<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    script: (
      request: Sent<RequestOf<S, M>>,
      stream: { write(message: Reply<S, M>): void; end(): void },
    ) => void,
  ): this {
    this.#streams.set(`${service}/${method}`, script as unknown as Stream);
    return this;
  }

  /** What was sent to a method, oldest first. */
  sent<S extends Service, M extends Method<S>>(service: S, method: M): Sent<RequestOf<S, M>>[] {
    return this.received
      .filter((each) => each.method === `${service}/${method}`)
      .map(({ request }) => request as Sent<RequestOf<S, M>>);
  }

  /** Listens, on the port it had before if it had one. */
  async up(): Promise<void> {
    if (this.#port !== 0) await freed(this.#port);
    const server = new grpc.Server();
    for (const [name, definition] of Object.entries(services)) {
      server.addService(definition, this.#implementation(name, definition));
    }
    this.#port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync(`127.0.0.1:${this.#port}`, credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    this.#server = server;
  }

  /** Dies: every connection breaks. */
  down(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #implementation(name: string, definition: grpc.ServiceDefinition): grpc.UntypedServiceImplementation {
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const [method, { responseStream }] of Object.entries(definition)) {
      const key = `${name}/${method}`;
      handlers[method] = responseStream
        ? (stream: grpc.ServerWritableStream<object, object>) => this.#streamed(key, stream)
        : (call: grpc.ServerUnaryCall<object, object>, done: grpc.sendUnaryData<object>) =>
            void this.#answered(key, call, done);
    }
    return handlers;
  }

  async #answered(
    key: string,
    call: grpc.ServerUnaryCall<object, object>,
    done: grpc.sendUnaryData<object>,
  ): Promise<void> {
    this.received.push({ method: key, request: call.request });
    const script = this.#unary.get(key);
    try {
      if (script === undefined) throw new Refused(grpc.status.UNIMPLEMENTED, `no script for ${key}`);
      done(null, await script(call.request));
    } catch (error) {
      done(statusOf(error));
    }
  }

  #streamed(key: string, stream: grpc.ServerWritableStream<object, object>): void {
    this.received.push({ method: key, request: stream.request });
    try {
      const script = this.#streams.get(key);
      if (script === undefined) throw new Refused(grpc.status.UNIMPLEMENTED, `no script for ${key}`);
      script(stream.request, stream);
    } catch (error) {
      stream.emit('error', statusOf(error));
    }
  }
}

function statusOf(error: unknown): Partial<grpc.StatusObject> {
  if (error instanceof Status) return error.status;
  return error instanceof Refused
    ? serviceError(error.code, error.message, error.details)
    : { code: grpc.status.INTERNAL, details: String(error) };
}

/** Waits until the port of a server that died can be listened on again. */
async function freed(port: number): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (!(await canListen(port))) {
    if (Date.now() > deadline) throw new Error(`port ${port} is still taken`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
