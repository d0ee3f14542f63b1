/** What commands that do the same to several things, one after the other, have in common. */
import type { Context } from './context.js';
import { usageFailure } from './failure.js';

/** @throws Failure when one request id is to serve for several of `what`. */
export function mustHaveOwnIds({ settings }: Context, names: readonly string[], what: string): void {
  if (names.length > 1 && settings.requestId !== undefined)
    throw usageFailure(`--request-id goes with one ${what} only: the scheduler does one thing under one id.`);
}

/** What comes after the thing at which it ended. */
export function sayNotTried(context: Context, untried: readonly string[]): void {
  if (untried.length > 0) context.say(`not tried: ${untried.join(', ')}`);
}
