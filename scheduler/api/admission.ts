/**
 * The one gate that every call of every service passes, unary or streaming: who calls, and whether they may. What is
 * behind it has a caller.
 */
import type { Caller } from '../core/access/caller.js';
import type { Refusal } from '../core/refusal.js';
import { type Call, type Callers, isRefusal } from './callers.js';

/**
 * Why a caller may not make a call; null when it may. `method` is its path, as `/secovia.v1.VmService/CreateVm`, and the
 * message of a stream of requests is empty.
 */
export type Authorize = (method: string, message: object, caller: Caller) => Refusal | null;

/** Where everybody may do everything. */
export const allowAll: Authorize = () => null;

export interface Gate {
  callers: Callers;
  authorize: Authorize;
}

/** Lets a call in, in the same turn unless a token has to be verified first, or says why not. */
export function admit(
  { callers, authorize }: Gate,
  method: string,
  call: Call,
  message: object,
  refused: (refusal: Refusal) => void,
  admitted: (caller: Caller) => void,
): void {
  const attempt = (caller: Caller | Refusal) => {
    const refusal = isRefusal(caller) ? caller : authorize(method, message, caller);
    if (refusal !== null) refused(refusal);
    else admitted(caller as Caller);
  };
  const caller = callers.of(call);
  if (caller instanceof Promise) void caller.then(attempt);
  else attempt(caller);
}
