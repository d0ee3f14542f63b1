/** Calls with one answer that is worked out elsewhere or bit by bit, and not in the turn in which it is asked for. */
import type { Caller } from '../core/access/caller.js';
import { isRefusal, type Refusal } from '../core/refusal.js';
import {
  type CallContext,
  forbiddenTo,
  guard,
  malformed,
  responseEncoder,
  type UnaryHandler,
} from './methods.js';
import { refusing } from './refusing.js';
import { internalStatus, statusOf } from './status.js';

/**
 * `answer` gives a refusal at once, or what becomes of the call; `unwanted` is when nobody waits for it any more, `path` the
 * method's. `trouble` is for the log, when no answer could be worked out.
 */
export function answeredLater<Request extends object>(
  trouble: string,
  answer: (
    request: Request,
    context: CallContext,
    caller: Caller,
    unwanted: AbortSignal,
    path: string,
  ) => Refusal | Promise<object | Refusal>,
): UnaryHandler {
  return (method, context) => {
    const encode = responseEncoder(method);
    return (call, callback) => {
      const request = call.request.message as Request | null;
      if (request === null) return callback(statusOf(malformed));
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      guard(method, context, call, callback, (caller) => {
        const begun =
          forbiddenTo(context, method, request, caller) ??
          answer(request, context, caller, gone.signal, method.path);
        const refused = refusing(context.engine, callback);
        if (isRefusal(begun)) return refused(begun);
        begun
          .then((told) => (isRefusal(told) ? told : encode(told)))
          .then(
            (told) => (isRefusal(told) ? refused(told) : callback(null, told)),
            (error: Error) => {
              context.log.error({ err: error, method: method.path }, trouble);
              callback(internalStatus());
            },
          );
      });
    };
  };
}
