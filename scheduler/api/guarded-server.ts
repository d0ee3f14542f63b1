/**
 * Services that are not of our contract (reflection, health) come with handlers of their own. They are let in as all
 * calls are, and are for those who have proved who they are.
 */
import type { sendUnaryData, Server, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import { isRefusal, type Refusal, refuse } from '../core/refusal.js';
import type { Call, Callers } from './callers.js';
import { statusOf } from './status.js';

type Handler = (
  call: Call & { emit(event: 'error', error: object): boolean },
  callback?: sendUnaryData<unknown>,
) => void;

/** As much of a server as such a service needs to be added to it. */
export function guardedServer(server: Server, callers: Callers): Server {
  const addService = (definition: ServiceDefinition, handlers: Record<string, UntypedHandleCall>) => {
    const guarded = Object.entries(handlers).map(([name, handle]) => [
      name,
      guard(handle as Handler, callers),
    ]);
    server.addService(definition, Object.fromEntries(guarded));
  };
  return { addService } as Server;
}

function guard(handle: Handler, callers: Callers): Handler {
  return (call, callback) => {
    const refused = (refusal: Refusal) => {
      if (callback === undefined) call.emit('error', statusOf(refusal));
      else callback(statusOf(refusal));
    };
    const caller = callers.of(call);
    // Only with a user's token it takes its time, and nobody needs one here.
    if (caller instanceof Promise) {
      caller.catch(() => {});
      refused(refuse('denied', 'NO_TOKEN_HERE', 'this service takes no tokens of users'));
    } else if (isRefusal(caller)) refused(caller);
    else if (caller.subject.kind === 'nobody') {
      refused(refuse('unauthenticated', 'UNAUTHENTICATED', caller.subject.reason));
    } else handle(call, callback);
  };
}
