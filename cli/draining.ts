/** Following drains until the hosts are empty, with live progress, or until it is clear that they will not be. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host__Output } from '../proto/gen/secovia/v1/Host.js';
import { interruptedFailure } from './client/retrying.js';
import type { Context } from './context.js';
import { exitCodes, Failure } from './failure.js';
import { startProgress } from './output/progress.js';
import { whileTime } from './waiting.js';
import { waitTimeoutMs } from './settings.js';
import { shortName } from './values/names.js';
import { drainWords, isStuck, leftWords, obstacleLines } from './views/drain.js';

/** How often a host is asked after. */
const pollMs = 1000;
/** What is in the way is believed when it was seen so often in a row: VMs are tried one after the other. */
const looksUntilStuck = 3;

/** A host as it was seen last, and why it will not be empty; undefined when it is. */
export interface Drained {
  host: Host__Output;
  failure: Failure | undefined;
}

/**
 * Waits until each host is drained, or nothing of it moves any more and something is in the way.
 *
 * @returns them in the same order.
 * @throws Failure when the time is up or on Ctrl-C; the drains go on.
 */
export async function waitForDrains(context: Context, hosts: readonly Host__Output[]): Promise<Drained[]> {
  const deadline = Date.now() + (context.settings.timeoutMs ?? waitTimeoutMs);
  const progress = startProgress(context);
  const followed = hosts.map((host) => new Followed(host));
  const connection = await context.connection();
  try {
    for (;;) {
      await progress.update(followed.map(({ line }) => line));
      const open = followed.filter(({ isOver }) => !isOver);
      if (open.length === 0) break;
      const isOpen = open.map(({ host }) => `host ${shortName(host.name)} is not empty`).join(', ');
      const { interrupted } = context.world;
      await sleep(Math.min(pollMs, Math.max(deadline - Date.now(), 0)), undefined, {
        signal: interrupted,
      }).catch(() => {
        throw interruptedFailure();
      });
      for (const each of open) {
        const { name } = each.host;
        const { host } = await whileTime(deadline, isOpen, (options) =>
          connection.call('HostService', 'GetHost', { name }, options),
        );
        if (host === null) throw new Failure('the scheduler gave no host.', exitCodes.unexpected);
        each.look(host);
      }
    }
  } catch (error) {
    throw afterwards(error, followed);
  } finally {
    await progress.end();
  }
  return followed.map(({ host, failure }) => ({ host, failure }));
}

class Followed {
  #stuckLooks = 0;

  constructor(public host: Host__Output) {
    this.look(host);
  }

  look(host: Host__Output): void {
    this.host = host;
    this.#stuckLooks = host.drain !== null && isStuck(host.drain) ? this.#stuckLooks + 1 : 0;
  }

  get isOver(): boolean {
    return this.host.drain?.state === 'HOST_DRAIN_STATE_DRAINED' || this.failure !== undefined;
  }

  get line() {
    const { name, drain } = this.host;
    return { key: name, text: `drain ${shortName(name)}  ${drainWords(drain) || 'ended'}` };
  }

  get failure(): Failure | undefined {
    const { name, drain } = this.host;
    const id = shortName(name);
    if (drain === null) {
      return new Failure(`the drain of host ${id} was ended meanwhile.`, exitCodes.operation);
    }
    if (drain.state === 'HOST_DRAIN_STATE_PAUSED' && drain.vmsMoving === 0) {
      const how = `Go on with: secovia host drain-resume ${id}`;
      return new Failure(
        `the drain of host ${id} is paused: ${leftWords(drain)}. ${how}`,
        exitCodes.operation,
      );
    }
    if (this.#stuckLooks < looksUntilStuck) return undefined;
    const sentence = `the drain of host ${id} does not get on: ${leftWords(drain)}.`;
    const what = `They are tried again. See: secovia host show ${id}`;
    return new Failure(`${sentence} ${what}`, exitCodes.operation, obstacleLines(drain));
  }
}

function afterwards(error: unknown, followed: readonly Followed[]): unknown {
  const open = followed.filter(({ isOver }) => !isOver);
  if (!(error instanceof Failure) || open.length === 0) return error;
  const goesOn = open.length > 1 ? 'The drains go on.' : 'The drain goes on.';
  const again = `Look again with: secovia host show ${shortName(open[0]?.host.name ?? '')}`;
  return new Failure(`${error.message} ${goesOn} ${again}`, error.exitCode, error.lines);
}
