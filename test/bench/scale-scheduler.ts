/**
 * The scheduler of a large federation, started as operators start it, and what is seen of it from outside: when it serves,
 * how much memory it has, and for how long its event loop is held.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { channelOf, credentialsIn } from './access.js';
import type { LoopHold } from './loop-probe.js';
import { compiled, freePort, secoviaScheduler, stop } from './processes.js';
import { peakMb, residentMb } from './process-usage.js';

const healthPath = '/grpc.health.v1.Health/Check';
/** `status: SERVING`. */
const serving = Buffer.from([0x08, 0x01]);
const askAgainMs = 20;
const startDeadlineMs = 180_000;
/** As Prometheus does by default. */
const scrapeEveryMs = 15_000;

export class LargeScheduler {
  readonly holds: LoopHold[] = [];
  readonly #process: ChildProcess;
  #scraping: NodeJS.Timeout | undefined;
  #said = '';

  private constructor(
    process: ChildProcess,
    readonly port: number,
    private readonly metricsPort: number,
  ) {
    this.#process = process;
    process.on('message', (hold) => this.holds.push(hold as LoopHold));
    process.stdout?.resume();
    process.stderr?.on('data', (bytes: Buffer) => {
      this.#said = `${this.#said}${bytes}`.slice(-4000);
    });
  }

  /** Gives it when it serves, and how many seconds that took. */
  static async start(dataDir: string, admin: string, folder: string): Promise<[LargeScheduler, number]> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const config = join(folder, 'scheduler.yaml');
    const listens = [`listen: 127.0.0.1:${port}`, `metricsListen: 127.0.0.1:${metricsPort}`];
    // One caller makes all the calls here: it is not held to a caller's rate. The log is not what is measured.
    const settings = [...listens, `dataDir: ${dataDir}`, 'callsPerSecond: 1000000', 'logLevel: warn', ''];
    writeFileSync(config, settings.join('\n'));
    const probe = { NODE_OPTIONS: `--import=file://${compiled('test/bench/loop-probe.js')}` };
    const beganMs = performance.now();
    const process = secoviaScheduler(['run', '--config', config], probe);
    const scheduler = new LargeScheduler(process, port, metricsPort);
    await scheduler.#untilServing(admin);
    const seconds = (performance.now() - beganMs) / 1000;
    scheduler.#scraping = setInterval(() => void scheduler.#scrape(), scrapeEveryMs);
    return [scheduler, seconds];
  }

  get #pid(): number {
    return this.#process.pid ?? 0;
  }

  async #untilServing(admin: string): Promise<void> {
    const endMs = performance.now() + startDeadlineMs;
    const { credentials, options } = channelOf(credentialsIn(admin));
    const soon = {
      'grpc.initial_reconnect_backoff_ms': askAgainMs,
      'grpc.min_reconnect_backoff_ms': askAgainMs,
      'grpc.max_reconnect_backoff_ms': askAgainMs,
    };
    const client = new grpc.Client(`127.0.0.1:${this.port}`, credentials, { ...options, ...soon });
    const same = (bytes: Buffer) => bytes;
    const isServing = () =>
      new Promise<boolean>((resolve) => {
        client.makeUnaryRequest(healthPath, same, same, Buffer.alloc(0), (error, answer) =>
          resolve(error === null && answer?.equals(serving) === true),
        );
      });
    while (!(await isServing())) {
      if (this.#process.exitCode !== null) throw new Error(`the scheduler has ended: ${this.#said}`);
      if (performance.now() > endMs) throw new Error(`the scheduler does not serve: ${this.#said}`);
      await pause(askAgainMs);
    }
    client.close();
  }

  async #scrape(): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`).catch(() => null);
    await answer?.text();
  }

  /** The longest hold of its event loop that was told after a moment, in milliseconds. */
  longestHoldMs(afterMs: number): number {
    return this.#longest(afterMs, ({ longestMs }) => longestMs);
  }

  /** As `longestHoldMs`, of the garbage collector alone. */
  longestPauseMs(afterMs: number): number {
    return this.#longest(afterMs, ({ longestPauseMs }) => longestPauseMs);
  }

  /** Of all times that were told after a moment, how many in a hundred had a hold longer than this. */
  percentOver(ms: number, afterMs: number): number {
    const told = this.holds.filter(({ atMs }) => atMs >= afterMs);
    return (100 * told.filter(({ longestMs }) => longestMs > ms).length) / told.length;
  }

  /** For how long its event loop had work and no processor since a moment. */
  waitedMs(afterMs: number): number {
    return this.holds.reduce((sum, { atMs, waitedMs }) => sum + (atMs >= afterMs ? waitedMs : 0), 0);
  }

  #longest(afterMs: number, of: (hold: LoopHold) => number): number {
    return Math.max(0, ...this.holds.filter(({ atMs }) => atMs >= afterMs).map(of));
  }

  /** Megabytes (of a million bytes) that it has now, and the most that it ever had. */
  get memory(): { now: number; peak: number } {
    return { now: residentMb(this.#pid), peak: peakMb(this.#pid) };
  }

  async stop(): Promise<void> {
    clearInterval(this.#scraping);
    await stop(this.#process);
  }
}
