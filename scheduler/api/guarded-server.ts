/**
 * Services that are not of our contract (reflection, health) come with handlers of their own. They are let in as all
 * calls are, in their caller's turn, and are for those who have proved who they are and still are it.
 */
import type {
  sendUnaryData,
  Server,
  ServiceDefinition,
  StatusObject,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Caller } from '../core/access/caller.js';
import { renewFirst, standingOf } from '../core/access/standing.js';
import { isRefusal, type Refusal, refuse } from '../core/refusal.js';
import type { Call } from './callers.js';
import type { CallContext } from './methods.js';
import { refusing } from './refusing.js';
import { statusOf } from './status.js';

interface ForeignCall extends Call {
  request?: object;
  on(event: 'data', listener: () => void): void;
  once(event: 'drain', listener: () => void): void;
  emit(event: 'error', error: object): boolean;
  write(message: object): boolean;
  pause(): void;
  resume(): void;
}

type Handler = (call: ForeignCall, callback?: sendUnaryData<unknown>) => void;

/** What may be asked of such a service, besides who asks. */
export type Check = (request: object) => Refusal | null;

/** As much of a server as such a service needs to be added to it. */
export function guardedServer(server: Server, context: CallContext, check: Check = () => null): Server {
  const addService = (definition: ServiceDefinition, handlers: Record<string, UntypedHandleCall>) => {
    const guarded = Object.entries(handlers).map(([name, handle]) => [
      name,
      guard(handle as Handler, context, check),
    ]);
    server.addService(definition, Object.fromEntries(guarded));
  };
  return { addService } as Server;
}

function guard(handle: Handler, context: CallContext, check: Check): Handler {
  const { callers, attempts, entrance } = context;
  return (call, callback) => {
    const end = callback ?? ((status: StatusObject) => call.emit('error', status));
    const refused = refusing(context.engine, end);
    const denied = (caller: Caller | null, refusal: Refusal) => {
      attempts.note(caller, call.getPath(), refusal);
      // Of strangers there may be any number, and each would wait for the disk.
      if (caller === null) end(statusOf(refusal));
      else refused(refusal);
    };
    const caller = callers.of(call);
    // Only with a user's token it takes its time, and nobody needs one here.
    if (caller instanceof Promise) {
      caller.catch(() => {});
      return denied(null, refuse('denied', 'NO_TOKEN_HERE', 'this service takes no tokens of users'));
    }
    if (isRefusal(caller)) return denied(null, caller);
    const waits = entrance.take(caller, call, 0, () => {
      const stranger = refusalOf(context, caller);
      if (stranger !== null) return denied(caller, stranger);
      const unfit = check(call.request ?? {});
      if (unfit !== null) return refused(unfit);
      if (call.request === undefined) {
        const endWith = atTheReadersPace(call);
        call.on('data', () => {
          const tooMany = entrance.take(caller, call, 0, () => {});
          if (tooMany !== null) endWith(tooMany);
        });
      }
      handle(call, callback);
    });
    if (waits !== null) refused(waits);
  };
}

function refusalOf({ engine }: CallContext, caller: Caller): Refusal | null {
  if (caller.subject.kind === 'nobody')
    return refuse('unauthenticated', 'UNAUTHENTICATED', caller.subject.reason);
  const stands = standingOf(engine.state, caller, engine.now());
  if (stands.refusal) return stands.refusal;
  return stands.standing.renewsOnly === true ? renewFirst : null;
}

/**
 * Of a stream of requests none is taken in while answers wait to be read. Gives what ends it: what its handler would still answer
 * is not written then, since a stream that is written to after its end is destroyed before its status is sent.
 */
function atTheReadersPace(call: ForeignCall): (refusal: Refusal) => void {
  const write = call.write.bind(call);
  let isOver = false;
  call.write = (message) => {
    if (isOver) return false;
    const isRead = write(message);
    if (!isRead) {
      call.pause();
      call.once('drain', () => isOver || call.resume());
    }
    return isRead;
  };
  return (refusal) => {
    if (isOver) return;
    isOver = true;
    call.pause();
    call.emit('error', statusOf(refusal));
  };
}
