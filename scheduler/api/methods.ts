/**
 * What every call has in common. A query reads the state; a mutation decides, keeps its answer under its request id,
 * and waits for the disk. Both answer only with what is durable, and turn refusals into statuses.
 */
import { hash } from 'node:crypto';
import type {
  handleUnaryCall,
  MethodDefinition,
  sendUnaryData,
  ServerWritableStream,
  StatusObject,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { decoderOf } from '../../proto/decoder.js';
import { encoderOf } from '../../proto/encoder.js';
import { isRefusal, type Refusal, refuse } from '../core/refusal.js';
import { backlogLimit, type Engine } from '../engine.js';
import type { Caller } from '../core/access/caller.js';
import type { Authority } from './authority.js';
import { type Gate, identify } from './admission.js';
import type { Attempts } from './attempts.js';
import { toldTo } from './authorization.js';
import type { CallObserver } from './call-observer.js';
import type { Call } from './callers.js';
import { type Entrance, keyOf } from './entrance.js';
import { Fields } from './fields.js';
import type { Requests } from './requests.js';
import { refusing } from './refusing.js';
import { internalStatus, statusOf } from './status.js';

/** What a handler gives: the response message, read from the state in the same turn, or a refusal. */
export type Answer<Res> =
  | {
      response: Res;
      /** What a repetition of the call is answered; left out when that is the same. */
      kept?: Res;
      refusal?: undefined;
    }
  | { refusal: Refusal };

export interface CallContext extends Gate {
  engine: Engine;
  requests: Requests;
  entrance: Entrance;
  log: Logger;
  /** Where it is noted that a call was refused. */
  attempts: Attempts;
  /** Null where the scheduler runs without TLS. */
  authority: Authority | null;
  observer?: CallObserver;
}

/** A request as it arrived: decoded, and as bytes, which tell a repetition from a second use of a request id. */
export interface Arrived<Req> {
  bytes: Buffer;
  /** Null when the bytes are no such message. */
  message: Req | null;
}

type AnyMethod = MethodDefinition<unknown, unknown>;

/** The definition for a server whose handlers take `Arrived` and give bytes. */
export function rawDefinition(method: AnyMethod): AnyMethod {
  const encode = responseEncoder(method);
  const { requestType } = method as unknown as { requestType: { type: { name: string } } };
  const decode = decoderOf(`secovia.v1.${requestType.type.name}`);
  return {
    ...method,
    requestDeserialize: (bytes: Buffer) => {
      try {
        return { bytes, message: decode(bytes) };
      } catch {
        return { bytes, message: null };
      }
    },
    responseSerialize: (value: unknown) => (Buffer.isBuffer(value) ? value : encode(value as object)),
  };
}

/** Writes the answers of a method. */
export function responseEncoder(method: AnyMethod): (message: object) => Buffer {
  const { responseType } = method as unknown as { responseType: { type: { name: string } } };
  return encoderOf(`secovia.v1.${responseType.type.name}`);
}

export type UnaryHandler = (
  method: AnyMethod,
  context: CallContext,
) => handleUnaryCall<Arrived<unknown>, Buffer>;

export const malformed = refuse('invalid', 'MALFORMED', 'the request is not a message of this method');

/** A call that reads. */
export function query<Req extends object, Res extends object>(
  read: (request: Req, context: CallContext, caller: Caller) => Answer<Res>,
): UnaryHandler {
  return (method, context) => {
    const encode = responseEncoder(method);
    return (call, callback) => {
      const { message } = call.request as Arrived<Req>;
      if (message === null) return callback(statusOf(malformed));
      guard(method, context, call, callback, (caller) => {
        const { engine } = context;
        const forbidden = forbiddenTo(context, method, message, caller);
        const answer = forbidden ? { refusal: forbidden } : read(message, context, caller);
        const refusal = answer.refusal ? toldTo(engine, caller, answer.refusal) : null;
        const bytes = answer.refusal ? null : encode(answer.response);
        if (refusal) refusing(engine, callback)(refusal);
        else engine.whenReadable(() => callback(null, bytes));
      });
    };
  };
}

/**
 * A call that changes something; one that is to `validateOnly` changes nothing, which its handler sees to. What takes its
 * time (a signature) is prepared before the decision, and thrown away if that is a refusal.
 */
export function mutation<
  Req extends { requestId: string; validateOnly?: boolean },
  Res extends object,
  P = undefined,
>(
  change: (request: Req, context: CallContext, caller: Caller, prepared: P) => Answer<Res>,
  prepare?: (request: Req, context: CallContext, caller: Caller) => Promise<P | Refusal> | Refusal,
): UnaryHandler {
  return (method, context) => {
    const encode = responseEncoder(method);
    const { engine, requests } = context;
    const name = method.path.slice(1);
    return (call, callback) => {
      const arrived = call.request as Arrived<Req>;
      const { message, bytes } = arrived;
      if (message === null) return callback(statusOf(malformed));
      // The call is there until its answer is durable; what it asked would be carried along by the collector until then.
      arrived.message = null;
      const end = refusing(engine, callback);
      const requestId = message.requestId.toLowerCase();
      // What was only looked at is not the first success of anything, nor is it answered by one.
      const id = message.validateOnly === true ? '' : requestId;
      const asked = id === '' ? '' : hash('sha1', bytes, 'base64');
      const note = (caller: Caller, refusal: Refusal) => {
        if (message.validateOnly !== true) context.attempts.note(caller, method.path, refusal);
      };
      /** Whether that was the end of it: it may not be, or it has been already. What it made or took away is not asked about. */
      const isAnswered = (caller: Caller): boolean => {
        const forbidden = context.authorize(method.path, message, caller);
        const isStopped = forbidden?.kind === 'denied' || forbidden?.kind === 'unauthenticated';
        if (!isStopped && id !== '' && answerAgain(method, context, caller, id, asked, callback)) return true;
        if (forbidden) {
          note(caller, forbidden);
          end(forbidden);
        }
        return forbidden !== null;
      };
      const decide = (caller: Caller, prepared: P) => {
        if (isAnswered(caller)) return;
        if (engine.backlog > backlogLimit) {
          context.observer?.turnedAway(overloaded.reason);
          return callback(statusOf(overloaded));
        }
        const { identity, onBehalf } = caller;
        const actor = { identity, onBehalf, method: name, requestId };
        const answer = engine.actingFor(actor, () => change(message, context, caller, prepared));
        if (answer.refusal) {
          note(caller, answer.refusal);
          return end(toldTo(engine, caller, answer.refusal));
        }
        const reply = encode(answer.response);
        const sequence = id === '' ? engine.state.sequence : engine.keepingSequence();
        let stored = () => {};
        if (id !== '') {
          const success = {
            caller: keyOf(caller),
            method: method.path,
            id,
            hash: asked,
            sequence,
            reply: answer.kept === undefined ? reply : encode(answer.kept),
          };
          const remembered = requests.remember({ ...success, atMs: engine.now() });
          engine.keepReply(remembered.kept, remembered.forgetBefore);
          stored = remembered.stored;
        }
        engine.whenDurable(sequence, answering(callback, reply, stored));
      };
      guard(method, context, call, callback, (caller) => {
        const malformedId = checkRequestId(requestId);
        if (malformedId) return callback(statusOf(malformedId));
        if (prepare === undefined) return decide(caller, undefined as P);
        if (isAnswered(caller)) return;
        const preparing = prepare(message, context, caller);
        const refused = (refusal: Refusal) => {
          note(caller, refusal);
          end(refusal);
        };
        if (isRefusal(preparing)) return refused(preparing);
        preparing.then(
          (prepared) => {
            if (isRefusal(prepared)) refused(prepared);
            else attempt(method, context, callback, () => decide(caller, prepared as P));
          },
          (error: Error) =>
            attempt(method, context, callback, () => {
              throw error;
            }),
        );
      });
    };
  };
}

/** Gives the answer. It is made here so that it holds on to nothing else of the call while it waits. */
function answering(callback: sendUnaryData<Buffer>, reply: Buffer, stored: () => void): () => void {
  return () => {
    stored();
    callback(null, reply);
  };
}

/** Why a call that reads may not be made; of these, what is out of sight is not worth a note. */
export function forbiddenTo(
  { authorize, attempts }: CallContext,
  method: AnyMethod,
  message: object,
  caller: Caller,
): Refusal | null {
  const refusal = authorize(method.path, message, caller);
  if (refusal?.kind === 'denied' || refusal?.kind === 'unauthenticated') {
    attempts.note(caller, method.path, refusal);
  }
  return refusal;
}

function checkRequestId(id: string): Refusal | null {
  const fields = new Fields();
  if (id !== '') fields.uuid('request_id', id);
  return fields.refusal;
}

/** Gives the first success again, or refuses an id that asked for something else; false when the id is new. */
function answerAgain(
  method: AnyMethod,
  { engine, requests }: CallContext,
  caller: Caller,
  id: string,
  asked: string,
  callback: sendUnaryData<Buffer>,
): boolean {
  const earlier = requests.find(keyOf(caller), method.path, id, asked, engine.now());
  if (earlier.kind === 'new') return false;
  if (earlier.kind === 'other_content') refusing(engine, callback)(reused(id));
  else {
    engine.whenDurable(earlier.sequence, () => {
      const reply = earlier.reply();
      if (reply === null) callback(statusOf(reused(id)));
      else callback(null, reply);
    });
  }
  return true;
}

function reused(id: string): Refusal {
  return refuse(
    'precondition',
    'REQUEST_ID_REUSED',
    `request_id ${id} was used before for a call with other content; use a fresh one`,
  );
}

const overloaded: Refusal = {
  ...refuse('unavailable', 'OVERLOADED', 'the disk does not keep up with the calls; try again in a moment'),
  retryDelayMs: 1000,
};

interface WaitingCall extends Call {
  /** Whether the other end has given it up. */
  cancelled: boolean;
  /** Of a call with one request, as it arrived. */
  request?: Arrived<unknown>;
}

/** Handles a call in its turn, once it is known who calls; whether they may is asked in that turn. */
export function guard(
  method: AnyMethod,
  context: CallContext,
  call: WaitingCall,
  callback: (error: StatusObject) => void,
  handle: (caller: Caller) => void,
): void {
  const unknown = (refusal: Refusal) => {
    context.attempts.note(null, method.path, refusal);
    callback(statusOf(refusal));
  };
  identify(context, call, unknown, (caller) => {
    // Nobody would hear of the end of one that was given up while it waited.
    const work = () => call.cancelled || handle(caller);
    const refusal = inTurn(method, context, caller, call, callback, work);
    if (refusal === null) return;
    context.observer?.turnedAway(refusal.reason);
    callback(statusOf(refusal));
  });
}

/** Handles a call that answers with a stream, once it is let in; what is wrong ends it. */
export function streaming<Req extends object, Res>(
  method: AnyMethod,
  context: CallContext,
  call: ServerWritableStream<Arrived<unknown>, Res>,
  handle: (request: Req, caller: Caller) => void,
): void {
  const message = call.request.message as Req | null;
  const fail = (status: StatusObject) => call.emit('error', status);
  if (message === null) fail(statusOf(malformed));
  else {
    guard(method, context, call, fail, (caller) => {
      const forbidden = forbiddenTo(context, method, message, caller);
      if (forbidden) refusing(context.engine, fail)(forbidden);
      else handle(message, caller);
    });
  }
}

/** A call's work in its caller's turn, or why it will not be done. */
function inTurn(
  method: AnyMethod,
  context: CallContext,
  caller: Caller,
  call: WaitingCall,
  callback: (error: StatusObject) => void,
  work: () => void,
): Refusal | null {
  const bytes = call.request?.bytes.length ?? 0;
  return context.entrance.take(caller, call, bytes, () => attempt(method, context, callback, work));
}

/** A bug says nothing of the inside to the caller, and is logged. */
function attempt(
  method: AnyMethod,
  { log }: CallContext,
  callback: (error: StatusObject) => void,
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error, method: method.path }, 'a call failed on an internal error');
    callback(internalStatus());
  }
}
