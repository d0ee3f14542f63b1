/** When a call is made again, and what the user is told of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as grpc from '@grpc/grpc-js';
import { readErrorDetails } from '../../proto/errors.js';
import { exitCodes, Failure } from '../failure.js';
import { formatDuration } from '../values/durations.js';
import { type CallFailure, isHopeless } from './call-failure.js';

const firstPauseMs = 200;
const longestPauseMs = 3000;

export interface RetryingHost {
  interrupted: AbortSignal;
  /** Says something to the user, on stderr. */
  say(line: string): void;
}

/** The tries of one call. */
export class Retrying {
  readonly #host: RetryingHost;
  readonly #deadline: number;
  #pauseMs = firstPauseMs;
  #said = false;

  /** No try begins after the deadline, in milliseconds since 1970. */
  constructor(host: RetryingHost, deadline: number) {
    this.#host = host;
    this.#deadline = deadline;
  }

  /**
   * Waits until it is worth another try.
   *
   * @throws Failure what has gone wrong, when it is not; or on Ctrl-C.
   */
  async wait(error: grpc.ServiceError, failure: CallFailure, requestId?: string): Promise<void> {
    const { interrupted } = this.#host;
    const { code } = failure;
    const { retryDelayMs } = readErrorDetails(error);
    // Whoever calls too often is told when to go on; a quota or a host that is full is not.
    const isLater = code === 'UNAVAILABLE' || (code === 'RESOURCE_EXHAUSTED' && retryDelayMs !== undefined);
    if (!isLater || isHopeless(code, error.details)) throw failure;
    const waitMs = retryDelayMs ?? this.#pauseMs * (0.75 + Math.random() / 2);
    const leftMs = this.#deadline - Date.now();
    if (waitMs >= leftMs) throw failure;
    const left = formatDuration(Math.ceil(leftMs / 1000) * 1000);
    if (!this.#said) this.#host.say(`${reasonToRetry(failure)} Trying again for up to ${left}.`);
    this.#said = true;
    await sleep(waitMs, undefined, { signal: interrupted }).catch(() => {
      throw interruptedFailure(requestId);
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }
}

/** The first half of the sentence that says why we try again: without the advice, which is for the end. */
function reasonToRetry(failure: CallFailure): string {
  return `${failure.message.split(/ \((?:UNAVAILABLE|RESOURCE_EXHAUSTED)/, 1)[0]}.`;
}

export function interruptedFailure(requestId?: string): Failure {
  return new Failure(
    requestId === undefined
      ? 'interrupted.'
      : `interrupted; whether it was carried out is not known. Repeat it safely with --request-id ${requestId}.`,
    exitCodes.interrupted,
  );
}
