/**
 * A watch that outlives its connection: when the stream breaks it is opened again from the last token seen, so that
 * nothing is missed. Only the first contact is bounded by the user's time; later the scheduler may be away for long.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.js';
import { callTimeoutMs } from '../settings.js';
import { CallFailure } from './call-failure.js';
import { interruptedFailure } from './retrying.js';
import type { RequestOf, ResponseOf } from './services.js';

const firstPauseMs = 200;
const longestPauseMs = 5000;

/** What can be watched: each response carries a token with which the watch is taken up again. */
interface Watches {
  VmService: 'WatchVms';
  EventService: 'WatchEvents';
}

type Watched<S extends keyof Watches> = ResponseOf<S, Watches[S]> & { resumeToken: string };

/**
 * Events without end, until nobody reads them any more.
 *
 * @throws Failure when refused, when the first contact fails, or on Ctrl-C.
 */
export async function* watching<S extends keyof Watches>(
  context: Context,
  service: S,
  method: Watches[S],
  target: Omit<RequestOf<S, Watches[S]>, 'resumeToken'>,
): AsyncGenerator<Watched<S>> {
  const { interrupted } = context.world;
  const stop = AbortSignal.any([interrupted, context.out.closed]);
  const connection = await context.connection();
  const firstContactBefore = Date.now() + (context.settings.timeoutMs ?? callTimeoutMs);
  let resumeToken = '';
  let everHeard = false;
  let away = false;
  let pauseMs = firstPauseMs;
  for (;;) {
    let failure: CallFailure | undefined;
    try {
      const request = { ...target, resumeToken } as RequestOf<S, Watches[S]>;
      for await (const message of connection.stream(service, method, request, stop)) {
        const event = message as Watched<S>;
        if (away) context.say('the watch goes on.');
        everHeard = true;
        away = false;
        pauseMs = firstPauseMs;
        if (event.resumeToken !== '') resumeToken = event.resumeToken;
        yield event;
      }
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      failure = error;
    }
    if (interrupted.aborted) throw interruptedFailure();
    if (context.out.closed.aborted) return;
    if (failure !== undefined && failure.code !== 'UNAVAILABLE') throw failure;
    if (failure !== undefined && !everHeard && Date.now() + pauseMs >= firstContactBefore) throw failure;
    if (!away) context.say('the connection to the scheduler is lost; trying again until it is back.');
    away = true;
    await sleep(pauseMs * (0.75 + Math.random() / 2), undefined, { signal: stop }).catch(() => undefined);
    if (interrupted.aborted) throw interruptedFailure();
    if (context.out.closed.aborted) return;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}
