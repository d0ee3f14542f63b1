/**
 * How many calls of whom are taken in: nobody makes more than its rate, callers that wait take turns, and what waits is
 * bounded. Strangers, who can only join, are told apart by their address.
 */
import type { Caller } from '../core/access/caller.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { processTimers, type Timers } from '../timers.js';
import type { Call } from './callers.js';
import { Rates } from './rates.js';
import { Turns } from './turns.js';

/** Joining takes one call, and the hosts of a site may share an address. */
const usualStrangersPerSecond = 20;

/** So many bytes of a message count as a call. */
const bytesOfACall = 4096;

export interface EntranceOptions {
  /** Calls a second that one caller may make; a long one counts as several. */
  callsPerSecond: number;
  /** The same of one address without a certificate. */
  strangersPerSecond?: number;
  /** Milliseconds since some moment, from a clock that nobody sets. */
  uptimeMs(): number;
  timers?: Timers;
}

const tooManyWaiting: Refusal = {
  ...refuse(
    'exhausted',
    'TOO_MANY_CALLS',
    'too many calls of this caller wait already; make fewer at a time',
  ),
  retryDelayMs: 1000,
};

export class Entrance {
  readonly #turns: Turns;
  readonly #rates: Rates;
  readonly #callsPerSecond: number;
  readonly #strangersPerSecond: number;

  constructor({
    callsPerSecond,
    strangersPerSecond = usualStrangersPerSecond,
    uptimeMs,
    timers = processTimers,
  }: EntranceOptions) {
    this.#turns = new Turns(timers);
    this.#rates = new Rates(uptimeMs);
    this.#callsPerSecond = callsPerSecond;
    this.#strangersPerSecond = strangersPerSecond;
  }

  /** Does the work in its turn, or says why it will not be done. */
  take(caller: Caller, call: Pick<Call, 'getPeer'>, bytes: number, work: () => void): Refusal | null {
    const cost = 1 + Math.floor(bytes / bytesOfACall);
    const stranger = caller.subject.kind === 'nobody';
    const key = stranger ? `nobody ${addressOf(call.getPeer())}` : keyOf(caller);
    if (caller.subject.kind !== 'insecure') {
      const perSecond = stranger ? this.#strangersPerSecond : this.#callsPerSecond;
      const waitMs = this.#rates.take(key, perSecond, cost);
      if (waitMs > 0) return tooFast(waitMs);
    }
    return this.#turns.take(key, cost, work) ? null : tooManyWaiting;
  }
}

/** Whose calls are told apart: a portal's users are callers of their own. */
export function keyOf({ identity, onBehalf }: Caller): string {
  return onBehalf === '' ? identity : `${identity} ${onBehalf}`;
}

/** Of address and port, the address. */
function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(':'));
}

function tooFast(retryDelayMs: number): Refusal {
  return {
    ...refuse(
      'exhausted',
      'TOO_MANY_CALLS',
      'this caller makes more calls a second than it may; wait a moment',
    ),
    retryDelayMs,
  };
}
