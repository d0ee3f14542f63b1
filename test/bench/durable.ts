/**
 * What a durable placement costs from end to end, with everything on that production has: mutual TLS 1.3, a caller with a
 * role, limits on each level of a tree, residency, the audited journal, and full sync. Unary creates stand beside a bare
 * echo of the same bytes over the same TLS, batches beside a bare SQLite loop that writes the same journal, in turn, several
 * rounds; then both come at half the pace that they can, and are timed. The VMs stay: there are so many before that rounds
 * are alike.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeFileIn } from '../../scheduler/data-folder.js';
import type { BareResult } from './bare-journal.js';
import { type BenchScheduler, batchPath, createPath, image, startScheduler } from './bench-scheduler.js';
import { BenchStore } from './bench-store.js';
import { CreateRequests } from './create-requests.js';
import { admitTenant } from './durable-tenant.js';
import type { LoadOrder } from './load.js';
import { run } from './processes.js';
import type { LoadResult, PacedResult } from './raw-http2.js';
import { median, medianRatio, type Report } from './report.js';

const rounds = 4;
const warmUpSeconds = 1;
const seconds = 1.5;
const timed = { warmUpSeconds, seconds };
const inFlight = 64;
const batch = 100;
const batchesInFlight = 16;
/** VMs that are there before anything is measured. */
const filling = 100_000;
/** VMs that each round of batches makes, and each round of batches at a pace. */
const perRound = 30_000;
const pacedRounds = 3;
const pacedSeconds = 3;
/** Of a load that is to end by itself. */
const atMostSeconds = 60;

const kinds = ['grpc-js', 'raw-http2'] as const;
type Kind = (typeof kinds)[number];
const echoPath = '/bench.Echo/Echo';

type Say = (line: string) => void;
type What = Partial<LoadOrder> & Pick<LoadOrder, 'kind' | 'path' | 'seconds'>;

export async function durable(report: Report, say: Say): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  let bench: Bench | undefined;
  try {
    const scheduler = await startScheduler(directory, true, admitTenant);
    bench = new Bench(directory, scheduler, report, say);
    await bench.fill();
    const creates = await bench.unary();
    const batches = await bench.batches();
    await bench.paced('creates', createPath, creates, pacedSeconds);
    await bench.paced('batches', batchPath, batches, perRound / batch / (batches / 2), batch);
  } finally {
    await bench?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Bench {
  readonly #store: BenchStore;
  #runs = 1;

  constructor(
    private readonly directory: string,
    private readonly scheduler: BenchScheduler,
    private readonly report: Report,
    private readonly say: Say,
  ) {
    this.#store = new BenchStore(storeFileIn(scheduler.dataDir));
    const { parent, sample } = scheduler;
    report.figure('request bytes', new CreateRequests(parent, image, 0).size);
    report.figure('response bytes', sample.length);
    report.figure('request bytes of a batch', new CreateRequests(parent, image, 0, batch).size);
  }

  async #load(what: What): Promise<LoadResult> {
    const { port, echoPort, identity, parent } = this.scheduler;
    const isEcho = what.path === echoPath;
    const order: LoadOrder = {
      ...{ port: isEcho ? echoPort : port, identity, parent, image, run: this.#runs++, inFlight },
      ...what,
    };
    const result = JSON.parse(await run('test/bench/load.js', [JSON.stringify(order)])) as LoadResult;
    if (result.failures > 0)
      throw new Error(`${result.failures} of ${result.calls} calls failed (${what.path}, ${what.kind})`);
    if (result.calls < (what.calls ?? 0))
      throw new Error(`only ${result.calls} of ${what.calls} calls in ${result.seconds.toFixed(0)} s`);
    return result;
  }

  /** Calls a second, measured while nothing else is done. */
  async #rate(what: What): Promise<number> {
    const { calls, seconds } = await this.#load(what);
    await this.#store.settled();
    return calls / seconds;
  }

  /** Batches a second, of so many VMs altogether. */
  #batches(vms: number): Promise<number> {
    const calls = vms / batch;
    const how = { kind: 'raw-http2', seconds: atMostSeconds, calls, inFlight: batchesInFlight } as const;
    return this.#rate({ ...how, path: batchPath, batch });
  }

  async fill(): Promise<void> {
    const rate = await this.#batches(filling);
    this.say(`filled with ${filling} VMs, ${(rate * batch).toFixed(0)}/s`);
    for (const kind of kinds) {
      for (const path of [echoPath, createPath]) await this.#rate({ kind, path, seconds });
    }
  }

  /** Gives the greatest rate of calls. */
  async unary(): Promise<number> {
    const rates = {
      'grpc-js': { echo: [] as number[], create: [] as number[] },
      'raw-http2': { echo: [] as number[], create: [] as number[] },
    };
    for (let round = 1; round <= rounds; round += 1) {
      for (const kind of kinds) {
        const echo = await this.#rate({ kind, path: echoPath, ...timed });
        const create = await this.#rate({ kind, path: createPath, ...timed });
        rates[kind].echo.push(echo);
        rates[kind].create.push(create);
        const told = `echo ${echo.toFixed(0)}/s, create ${create.toFixed(0)}/s, ratio ${(create / echo).toFixed(3)}`;
        this.say(`round ${round}: ${kind}: ${told}`);
      }
    }
    const least: Record<Kind, number> = { 'grpc-js': 0.8, 'raw-http2': 0.65 };
    for (const kind of kinds) {
      const { echo, create } = rates[kind];
      this.report.figure(`echo, ${kind} client, calls per second`, median(echo));
      this.report.figure(`create, ${kind} client, calls per second`, median(create));
      this.report.promise(`durable creates per echo, ${kind} client`, medianRatio(create, echo), {
        least: least[kind],
      });
    }
    return median(rates['raw-http2'].create);
  }

  /** Gives the greatest rate of batches. */
  async batches(): Promise<number> {
    const placed: number[] = [];
    const bare: number[] = [];
    const perGroup: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const after = this.#store.last;
      const ours = (await this.#batches(perRound)) * batch;
      const words = [storeFileIn(this.scheduler.dataDir), String(after), join(this.directory, 'bare.db')];
      const loop = JSON.parse(await run('test/bench/bare-journal.js', words)) as BareResult;
      const theirs = perRound / loop.seconds;
      const size = `${loop.groups} groups, ${(loop.bytes / 2 ** 20).toFixed(0)} MiB`;
      const told = `${ours.toFixed(0)} placements/s, bare loop ${theirs.toFixed(0)}/s (${size})`;
      this.say(`${round === 0 ? 'warm-up' : `round ${round}`}: batches of ${batch}: ${told}`);
      if (round === 0) continue;
      placed.push(ours);
      bare.push(theirs);
      perGroup.push(this.#store.decisionsPerGroup(after));
    }
    this.report.figure('bare SQLite loop, placements per second', median(bare));
    this.report.figure('batches in a group commit', median(perGroup));
    this.report.promise(`durable placements per second in batches of ${batch}`, median(placed), {
      least: 100_000,
    });
    this.report.promise('durable placements per one of the bare SQLite loop', medianRatio(placed, bare), {
      least: 0.25,
    });
    return median(placed) / batch;
  }

  /** Half as many calls a second as the most that were reached. */
  async paced(name: string, path: string, most: number, forSeconds: number, ofBatch?: number): Promise<void> {
    const medians: number[] = [];
    const p99s: number[] = [];
    const how = { kind: 'raw-http2', path, callsPerSecond: most / 2, seconds: forSeconds } as const;
    for (let round = 1; round <= pacedRounds; round += 1) {
      const loaded = await this.#load(ofBatch === undefined ? how : { ...how, batch: ofBatch });
      const { medianMs, p99Ms } = loaded as PacedResult;
      await this.#store.settled();
      medians.push(medianMs);
      p99s.push(p99Ms);
      const told = `median ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
      this.say(`round ${round}: ${name} at ${(most / 2).toFixed(0)}/s: ${told}`);
    }
    this.report.figure(`${name} at half of the greatest load, calls per second`, most / 2);
    this.report.figure(`${name} at half of the greatest load, median milliseconds`, median(medians));
    this.report.promise(`${name} at half of the greatest load, p99 milliseconds`, median(p99s), { most: 25 });
  }

  async close(): Promise<void> {
    this.#store.close();
    await this.scheduler.stop();
  }
}
