/**
 * A connection to the scheduler. Calls are tried again while the scheduler is away, always with the same request id,
 * so that a mutation whose answer was lost is not carried out twice; the user is told on stderr.
 */
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { readErrorDetails } from '../../proto/errors.js';
import { packageDefinition } from '../../proto/index.js';
import { callTimeoutMs, type Settings } from '../settings.js';
import { CallFailure, isTransport } from './call-failure.js';
import { openChannel } from './channel.js';
import { interruptedFailure, Retrying } from './retrying.js';
import type { Method, RequestOf, ResponseOf, Service } from './services.js';

export interface ConnectionHost {
  settings: Settings;
  /** Ends every call when it aborts. */
  interrupted: AbortSignal;
  /** Milliseconds since 1970. */
  nowMs: number;
  /** Says something to the user, on stderr. */
  say(line: string): void;
}

export interface CallOptions {
  /** For all tries together; the user's --timeout, or 30 seconds, when left out. */
  timeoutMs?: number;
  /** No second try: for what is only worth having at once. */
  once?: boolean;
}

/** A request that carries an id under which the scheduler remembers its first success. */
type Mutation<S extends Service, M extends Method<S>> =
  RequestOf<S, M> extends { requestId?: string } ? Omit<RequestOf<S, M>, 'requestId'> : never;

export class Connection {
  readonly #host: ConnectionHost;
  readonly #client: grpc.Client;

  /** @throws Failure when the user has no credentials that could be used. */
  constructor(host: ConnectionHost) {
    this.#host = host;
    this.#client = openChannel(host.settings, host.nowMs);
  }

  /** A call that changes nothing. */
  call<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    options: CallOptions = {},
  ): Promise<ResponseOf<S, M>> {
    return this.#try(service, method, request, options);
  }

  /** A call that changes something: it gets the user's request id or a fresh one, the same for every try. */
  mutate<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: Mutation<S, M>,
  ): Promise<ResponseOf<S, M>> {
    const requestId = this.#host.settings.requestId ?? randomUUID();
    return this.#try(service, method, { ...request, requestId }, {}, requestId);
  }

  /**
   * A streaming call, which fails like a call. Whoever is patient tries it for as long as a call, until it has begun; when it
   * breaks after its first message it is not looked after.
   */
  async *stream<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    signal: AbortSignal,
    { isPatient = false } = {},
  ): AsyncGenerator<ResponseOf<S, M>> {
    const timeoutMs = isPatient ? this.#usualTimeoutMs : 0;
    const retrying = new Retrying(this.#host, Date.now() + timeoutMs);
    for (;;) {
      let isHeard = false;
      try {
        for await (const message of this.#streamOnce(service, method, request, signal)) {
          isHeard = true;
          yield message;
        }
        return;
      } catch (error) {
        const failure = this.#failureOf(error as grpc.ServiceError);
        if (isHeard || signal.aborted) throw failure;
        await retrying.wait(error as grpc.ServiceError, failure);
      }
    }
  }

  /** @throws grpc.ServiceError */
  async *#streamOnce<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    signal: AbortSignal,
  ): AsyncGenerator<ResponseOf<S, M>> {
    const definition = definitionOf(service, method);
    const call = this.#client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
    );
    // The loop below hears of an error first; after it has gone, a late one must not end the process.
    call.on('error', () => undefined);
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      for await (const message of call) yield message as ResponseOf<S, M>;
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  get #usualTimeoutMs(): number {
    return this.#host.settings.timeoutMs ?? callTimeoutMs;
  }

  close(): void {
    this.#client.close();
  }

  async #try<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: object,
    { timeoutMs = this.#usualTimeoutMs, once = false }: CallOptions,
    requestId?: string,
  ): Promise<ResponseOf<S, M>> {
    const { interrupted } = this.#host;
    const deadline = Date.now() + timeoutMs;
    const retrying = new Retrying(this.#host, deadline);
    let last: CallFailure | undefined;
    for (;;) {
      if (interrupted.aborted) throw interruptedFailure();
      try {
        return (await this.#once(definitionOf(service, method), request, deadline)) as ResponseOf<S, M>;
      } catch (error) {
        if (interrupted.aborted) throw interruptedFailure(requestId);
        const failure = error as grpc.ServiceError;
        // The tries before it said more than that the time is up.
        if (codeOf(failure) === 'DEADLINE_EXCEEDED' && last !== undefined) throw last;
        last = this.#failureOf(failure, requestId);
        if (once) throw last;
        await retrying.wait(failure, last, requestId);
      }
    }
  }

  #once(definition: AnyMethod, request: object, deadline: number): Promise<object> {
    const { interrupted } = this.#host;
    return new Promise((resolve, reject) => {
      const settle = (error: grpc.ServiceError | null, response?: object) => {
        interrupted.removeEventListener('abort', cancel);
        if (error !== null || response === undefined) reject(error ?? new Error('no answer'));
        else resolve(response);
      };
      const call = this.#client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request,
        new grpc.Metadata(),
        { deadline },
        settle,
      );
      const cancel = () => call.cancel();
      interrupted.addEventListener('abort', cancel, { once: true });
    });
  }

  #failureOf(error: grpc.ServiceError, requestId?: string): CallFailure {
    return new CallFailure({
      code: codeOf(error),
      message: error.details ?? error.message,
      details: readErrorDetails(error),
      server: this.#host.settings.server,
      ...(requestId === undefined ? {} : { requestId }),
    });
  }
}

type AnyMethod = MethodDefinition<object, object>;

function definitionOf(service: string, method: string): AnyMethod {
  const definition = packageDefinition[`secovia.v1.${service}`];
  if (definition === undefined || 'format' in definition) throw new TypeError(`no service ${service}`);
  const found = (definition as Record<string, AnyMethod>)[method];
  if (found === undefined) throw new TypeError(`no method ${service}/${method}`);
  return found;
}

/**
 * The status as a word. A scheduler that dies in the middle of a call gives any of several; as we cancel nothing
 * ourselves but on Ctrl-C, each of them means that it is not there.
 */
function codeOf(error: grpc.ServiceError): string {
  const code = grpc.status[error.code] ?? 'UNKNOWN';
  return brokenOff.has(code) && isTransport(error.details ?? '') ? 'UNAVAILABLE' : code;
}

const brokenOff = new Set(['CANCELLED', 'INTERNAL', 'UNKNOWN']);
