/**
 * Calls whose answers are worked out on another thread, and written piece by piece as fast as they are read. They end when
 * the reader goes away, and when it would not be let in any more.
 */
import type { handleServerStreamingCall, MethodDefinition } from '@grpc/grpc-js';
import type { Caller } from '../core/access/caller.js';
import { isRefusal, type Refusal, refuse } from '../core/refusal.js';
import { keyOf } from './entrance.js';
import { type Arrived, type CallContext, streaming } from './methods.js';
import { refusing } from './refusing.js';
import { internalStatus } from './status.js';
import { whileRead } from './stream-access.js';
import { write } from './written.js';

/** Who works answers out. */
export interface Reader<Question, Told> {
  /** Hands over each piece when `take` has done with the one before; null when all of them were. */
  ask(
    question: Question,
    take: (piece: Told) => Promise<void>,
    unwanted: AbortSignal,
    /** Whose question it is; empty for whoever may do everything on its own machine. */
    asker: string,
  ): Promise<Refusal | null>;
}

/** Whoever reads nothing for so long keeps a place that others wait for. */
const unreadMs = 60_000;

const unread = refuse(
  'exhausted',
  'NOT_READ',
  'the answer was not read for a minute, and others wait; ask again, and read it as it comes',
);

/** Questions of one caller wait for each other, and not for those of others. */
export function askerOf(caller: Caller): string {
  return caller.subject.kind === 'insecure' ? '' : keyOf(caller);
}

export interface Asking<Question, Told> {
  question: Question;
  /** Null for what the caller is not told. */
  render(piece: Told): object | null;
}

/** `trouble` is for the log, when no answer could be worked out. */
export function streamedAnswers<Request extends object, Question, Told>(
  reader: Reader<Question, Told>,
  trouble: string,
  prepare: (request: Request, context: CallContext, caller: Caller) => Asking<Question, Told> | Refusal,
) {
  return (
    method: MethodDefinition<unknown, unknown>,
    context: CallContext,
  ): handleServerStreamingCall<Arrived<unknown>, object> =>
    (call) =>
      streaming(method, context, call, (request: Request, caller) => {
        const refused = refusing(context.engine, (status) => call.emit('error', status));
        const asking = prepare(request, context, caller);
        if (isRefusal(asking)) return refused(asking);
        const gone = whileRead(context, method.path, call, request, caller, refused);
        const take = async (piece: Told) => {
          const message = asking.render(piece);
          if (message === null || (await write(call, message, gone, unreadMs))) return;
          refused(unread);
        };
        reader.ask(asking.question, take, gone, askerOf(caller)).then(
          (refusal) => {
            if (gone.aborted) return;
            if (refusal === null) call.end();
            else refused(refusal);
          },
          (error: Error) => {
            context.log.error({ err: error, method: method.path }, trouble);
            if (!gone.aborted) call.emit('error', internalStatus());
          },
        );
      });
}
