/**
 * What every call has in common. A query reads the state; a mutation decides, keeps its answer under its request id,
 * and waits for the disk. Both answer only with what is durable, and turn refusals into statuses.
 */
import { hash } from 'node:crypto';
import type { handleUnaryCall, MethodDefinition, sendUnaryData, StatusObject } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { encoderOf } from '../../proto/encoder.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { backlogLimit, type Engine } from '../engine.js';
import { Fields } from './fields.js';
import type { Requests } from './requests.js';
import { internalStatus, statusOf } from './status.js';
import type { Turns } from './turns.js';

/** What a handler gives: the response message, read from the state in the same turn, or a refusal. */
export type Answer<Res> = { response: Res; refusal?: undefined } | { refusal: Refusal };

export interface CallContext {
  engine: Engine;
  requests: Requests;
  turns: Turns;
  log: Logger;
}

/** A request as it arrived: decoded, and as bytes, which tell a repetition from a second use of a request id. */
export interface Arrived<Req> {
  bytes: Buffer;
  /** Null when the bytes are no such message. */
  message: Req | null;
}

/**
 * Every caller is this one: the interface has no authentication in this version, and listens where the operator
 * lets it.
 */
export const anonymousCaller = 'anonymous';

type AnyMethod = MethodDefinition<unknown, unknown>;

/** The definition for a server whose handlers take `Arrived` and give bytes. */
export function rawDefinition(method: AnyMethod): AnyMethod {
  const encode = responseEncoder(method);
  return {
    ...method,
    requestDeserialize: (bytes: Buffer) => {
      try {
        return { bytes, message: method.requestDeserialize(bytes) };
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
export function query<Req, Res extends object>(
  read: (request: Req, context: CallContext) => Answer<Res>,
): UnaryHandler {
  return (method, context) => {
    const encode = responseEncoder(method);
    return (call, callback) => {
      const { message } = call.request as Arrived<Req>;
      if (message === null) return callback(statusOf(malformed));
      guard(method, context, callback, () => {
        const answer = read(message, context);
        const bytes = answer.refusal ? null : encode(answer.response);
        context.engine.readable().then(() => {
          if (answer.refusal) callback(statusOf(answer.refusal));
          else callback(null, bytes);
        });
      });
    };
  };
}

/** A call that changes something; one that is to `validateOnly` changes nothing, which its handler sees to. */
export function mutation<Req extends { requestId: string; validateOnly?: boolean }, Res extends object>(
  change: (request: Req, context: CallContext) => Answer<Res>,
): UnaryHandler {
  return (method, context) => {
    const encode = responseEncoder(method);
    const { engine, requests } = context;
    return (call, callback) => {
      const { message, bytes } = call.request as Arrived<Req>;
      if (message === null) return callback(statusOf(malformed));
      guard(method, context, callback, () => {
        const requestId = message.requestId.toLowerCase();
        const malformedId = checkRequestId(requestId);
        if (malformedId) return callback(statusOf(malformedId));
        // What was only looked at is not the first success of anything, nor is it answered by one.
        const id = message.validateOnly === true ? '' : requestId;
        const asked = id === '' ? '' : hash('sha1', bytes, 'base64');
        if (id !== '' && answerAgain(method, context, id, asked, callback)) return;
        if (engine.backlog > backlogLimit) return callback(statusOf(overloaded));
        const answer = change(message, context);
        if (answer.refusal) {
          const { refusal } = answer;
          engine.readable().then(() => callback(statusOf(refusal)));
          return;
        }
        const reply = encode(answer.response);
        const sequence = id === '' ? engine.state.sequence : engine.keepingSequence();
        let stored = () => {};
        if (id !== '') {
          const success = { caller: anonymousCaller, method: method.path, id, hash: asked, sequence, reply };
          const remembered = requests.remember({ ...success, atMs: engine.now() });
          engine.keepReply(remembered.kept, remembered.forgetBefore);
          stored = remembered.stored;
        }
        engine.whenDurable(sequence, () => {
          stored();
          callback(null, reply);
        });
      });
    };
  };
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
  id: string,
  asked: string,
  callback: sendUnaryData<Buffer>,
): boolean {
  const earlier = requests.find(anonymousCaller, method.path, id, asked, engine.now());
  if (earlier.kind === 'new') return false;
  if (earlier.kind === 'other_content') callback(statusOf(reused(id)));
  else {
    engine.durable(earlier.sequence).then(() => {
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

/** Handles a call in its turn. A bug fails the call, says nothing of the inside to the caller, and is logged. */
function guard(
  method: AnyMethod,
  { log, turns }: CallContext,
  callback: (error: StatusObject) => void,
  handle: () => void,
): void {
  turns.take(() => {
    try {
      handle();
    } catch (error) {
      log.error({ err: error, method: method.path }, 'a call failed on an internal error');
      callback(internalStatus());
    }
  });
}
