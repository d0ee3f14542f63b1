/**
 * The one gate that every call of every service passes, unary or streaming: who calls, and whether they may. What is
 * behind it has a caller.
 */
import type { Caller } from '../core/access/caller.js';
import { isRefusal, type Refusal } from '../core/refusal.js';
import type { Call, Callers } from './callers.js';

/**
 * Why a caller may not make a call; null when it may. It is asked in the turn in which the call is decided. `method` is its
 * path, as `/secovia.v1.VmService/CreateVm`, and the message of a stream of requests is empty.
 */
export type Authorize = (method: string, message: object, caller: Caller) => Refusal | null;

export interface Gate {
  callers: Callers;
  authorize: Authorize;
}

/** Finds out who calls, in the same turn unless a token has to be verified first, or says why nobody is known. */
export function identify(
  { callers }: Pick<Gate, 'callers'>,
  call: Call,
  refused: (refusal: Refusal) => void,
  identified: (caller: Caller) => void,
): void {
  const attempt = (caller: Caller | Refusal) => {
    if (isRefusal(caller)) refused(caller);
    else identified(caller);
  };
  const caller = callers.of(call);
  if (caller instanceof Promise) void caller.then(attempt);
  else attempt(caller);
}
