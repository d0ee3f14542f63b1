/** A client that makes VMs at an even pace, whatever becomes of the scheduler meanwhile, and remembers how each call went. */
import * as grpc from '@grpc/grpc-js';
import { channelOf, credentialsIn } from './access.js';
import { createPath, image, parent } from './bench-scheduler.js';
import { CreateRequests } from './create-requests.js';

/** It goes back to a scheduler that is there again at once, and not after a channel's growing pauses. */
const reconnectMs = 100;
/** A call that is not answered by then counts with this. */
const deadlineMs = 10_000;

export interface Placement {
  /** When the call was due, as `performance.now()` says. */
  dueMs: number;
  /** From when it was due until it was answered. */
  tookMs: number;
  /** Empty when a VM was made; else the status and its words. */
  failure: string;
}

export class Placements {
  /** Calls that have ended. */
  readonly ended: Placement[] = [];
  readonly #client: grpc.Client;
  readonly #requests: CreateRequests;
  readonly #timer: NodeJS.Timeout;
  #made = 0;
  #underWay = 0;
  #stopped = false;
  #idle = () => {};

  /** `run` keeps the ids of its VMs apart from those of others. */
  constructor(port: number, identity: string, perSecond: number, run: number) {
    const { credentials, options } = channelOf(credentialsIn(identity));
    this.#client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
      ...options,
      'grpc.initial_reconnect_backoff_ms': reconnectMs,
      'grpc.min_reconnect_backoff_ms': reconnectMs,
      'grpc.max_reconnect_backoff_ms': reconnectMs,
    });
    this.#requests = new CreateRequests(parent, image, run);
    const beganMs = performance.now();
    this.#timer = setInterval(() => {
      for (; this.#made < ((performance.now() - beganMs) * perSecond) / 1000; this.#made += 1)
        this.#call(beganMs + (this.#made * 1000) / perSecond);
    }, 5);
  }

  /** Makes no more calls, and waits for those under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    if (this.#underWay > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    this.#client.close();
  }

  #call(dueMs: number): void {
    const same = (bytes: Buffer) => bytes;
    this.#underWay += 1;
    const options = { deadline: Date.now() + deadlineMs };
    this.#client.makeUnaryRequest(createPath, same, same, this.#requests.next(), options, (error) => {
      // The same words for every VM, so that they can be counted.
      const words = error?.details.replaceAll(/"vm-\d+"/g, '...');
      const failure = error === null ? '' : `${grpc.status[error.code]}: ${words}`;
      this.ended.push({ dueMs, tookMs: performance.now() - dueMs, failure });
      this.#underWay -= 1;
      if (this.#stopped && this.#underWay === 0) this.#idle();
    });
  }
}
