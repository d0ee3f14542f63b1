/**
 * A connection to the scheduler. Calls are tried again while the scheduler is away, always with the same request id,
 * so that a mutation whose answer was lost is not carried out twice; the user is told on stderr.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { readErrorDetails } from '../../proto/errors.js';
import { packageDefinition } from '../../proto/index.js';
import { exitCodes, Failure } from '../failure.js';
import { callTimeoutMs, type Settings } from '../settings.js';
import { formatDuration } from '../values/durations.js';
import { CallFailure, isHopeless, isTransport } from './call-failure.js';
import { openChannel } from './channel.js';
import type { Method, RequestOf, ResponseOf, Service } from './services.js';

const firstPauseMs = 200;
const longestPauseMs = 3000;

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

  /** One try of a streaming call. Fails like a call; the connection is not looked after. */
  async *stream<S extends Service, M extends Method<S>>(
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
    } catch (error) {
      throw this.#failureOf(error as grpc.ServiceError);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  async #try<S extends Service, M extends Method<S>>(
    service: S,
    method: M,
    request: object,
    { timeoutMs = this.#host.settings.timeoutMs ?? callTimeoutMs, once = false }: CallOptions,
    requestId?: string,
  ): Promise<ResponseOf<S, M>> {
    const { interrupted } = this.#host;
    const deadline = Date.now() + timeoutMs;
    let pauseMs = firstPauseMs;
    let said = false;
    let last: CallFailure | undefined;
    for (;;) {
      if (interrupted.aborted) throw interruptedFailure();
      try {
        return (await this.#once(definitionOf(service, method), request, deadline)) as ResponseOf<S, M>;
      } catch (error) {
        if (interrupted.aborted) throw interruptedFailure(requestId);
        const failure = error as grpc.ServiceError;
        const code = codeOf(failure);
        // The tries before it said more than that the time is up.
        if (code === 'DEADLINE_EXCEEDED' && last !== undefined) throw last;
        last = this.#failureOf(failure, requestId);
        const { retryDelayMs } = readErrorDetails(failure);
        // Whoever calls too often is told when to go on; a quota or a host that is full is not.
        const isLater =
          code === 'UNAVAILABLE' || (code === 'RESOURCE_EXHAUSTED' && retryDelayMs !== undefined);
        if (once || !isLater || isHopeless(code, failure.details)) throw last;
        const waitMs = retryDelayMs ?? pauseMs * (0.75 + Math.random() / 2);
        const leftMs = deadline - Date.now();
        if (waitMs >= leftMs) throw last;
        const left = formatDuration(Math.ceil(leftMs / 1000) * 1000);
        if (!said) this.#host.say(`${reasonToRetry(last)} Trying again for up to ${left}.`);
        said = true;
        await sleep(waitMs, undefined, { signal: interrupted }).catch(() => {
          throw interruptedFailure(requestId);
        });
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
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

/** The first half of the sentence that says why we try again: without the advice, which is for the end. */
function reasonToRetry(failure: CallFailure): string {
  return `${failure.message.split(/ \((?:UNAVAILABLE|RESOURCE_EXHAUSTED)/, 1)[0]}.`;
}

export function interruptedFailure(requestId?: string): Failure {
  return new Failure(
    requestId === undefined
      ? 'interrupted.'
      : `interrupted; whether it was carried out is not known. Repeat it safely with --request-id ${requestId}.`,
    exitCodes.interrupted,
  );
}
