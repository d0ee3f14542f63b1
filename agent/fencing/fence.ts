/**
 * How a host is powered off: its methods in order, each within its own time, until one reads back "off" from a controller
 * that is the host's own (PROTOCOL.md F1, F2), and for as long as the order stands. No I/O and no clock: what is to be done is
 * yielded, and the answer comes back in.
 */
import { isGuid } from './guid.js';
import type { FenceMethod } from './method.js';

export interface FenceOrder {
  /** A UUID. */
  id: string;
  /** The name of a host, without `hosts/`. */
  host: string;
  /** What that host has said its controller is. */
  controllerGuid: string;
}

export type FenceOutcome = 'off' | 'failed' | 'unmatched';

export interface FenceVerdict {
  outcome: FenceOutcome;
  /** The program that did it; empty when none did. */
  method: string;
  /** What was heard on the way, for people. */
  message: string;
}

export interface FenceEffect {
  kind: 'readGuid' | 'powerOff' | 'readPower' | 'pause';
  method: FenceMethod;
  /** It is given up after so long; for a pause, how long it is. */
  limitMs: number;
}

export type FenceAnswer =
  /** `off`, `on`, a GUID, or nothing. */
  | { ok: true; said: string }
  /** `never` when it would be the same at any time: nothing was asked of a controller. */
  | { ok: false; problem: string; never?: boolean };

const pauseMs = 1_000;
/**
 * What all methods together may take: whoever has ordered it takes it for failed after three minutes, and a host that has come
 * back since must not be powered off by what was tried last.
 */
const longestMs = 150_000;
/** An `off` that did not come back in time may have worked all the same. */
const lastLookMs = 5_000;

export function* fence(
  order: FenceOrder,
  methods: readonly FenceMethod[],
  now: () => number,
  stands: () => boolean,
): Generator<FenceEffect, FenceVerdict, FenceAnswer> {
  const heard: string[] = [];
  let unproven = false;
  const { controllerGuid } = order;
  if (!isGuid(controllerGuid)) {
    const message = `${order.host} has not said which management controller it has`;
    return { outcome: 'unmatched', method: '', message };
  }
  const until = now() + longestMs;
  /** Why nothing more may be begun; null while it may. */
  const over = () => (!stands() ? 'the order was withdrawn' : now() >= until ? 'the order is too old' : null);
  for (const method of methods) {
    const late = over();
    if (late !== null) {
      unproven = true;
      heard.push(`${method.program} was not tried: ${late}`);
      continue;
    }
    const deadline = Math.min(now() + method.timeoutSeconds * 1000, until);
    const left = () => Math.max(0, deadline - now());
    const note = (problem: string) => heard.push(`${method.program}: ${problem}`);

    const identity = yield { kind: 'readGuid', method, limitMs: left() };
    if (!identity.ok) {
      // A controller that does not answer may do so next time; one that cannot be asked will never be known.
      unproven ||= identity.never !== true;
      note(identity.problem);
      continue;
    }
    if (identity.said !== controllerGuid) {
      note(`the controller there is ${identity.said}, and ${order.host} has ${controllerGuid}`);
      continue;
    }

    unproven = true;
    const tooLate = over();
    if (tooLate !== null) {
      note(`it was not powered off: ${tooLate}`);
      continue;
    }
    const off = yield { kind: 'powerOff', method, limitMs: left() };
    if (!off.ok) note(off.problem);
    let last = '';
    for (;;) {
      const power = yield { kind: 'readPower', method, limitMs: Math.max(left(), lastLookMs) };
      if (power.ok && power.said === 'off') {
        heard.push(`${method.program} reads back that it is off`);
        return { outcome: 'off', method: method.program, message: heard.join('; ') };
      }
      last = power.ok ? `it is still ${power.said}` : power.problem;
      if (left() <= pauseMs) break;
      yield { kind: 'pause', method, limitMs: pauseMs };
    }
    note(`it was not read back as off in ${method.timeoutSeconds} s: ${last}`);
  }
  return { outcome: unproven ? 'failed' : 'unmatched', method: '', message: heard.join('; ') };
}
