/**
 * What ten thousand agents cost the scheduler while nothing happens, and how it comes back to them when it is killed. The
 * agents are simulated on this machine, with the real link machine over a connection with mutual TLS each, and take the
 * other core; all of them come back at once, as after a crash they do.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { storeFileIn } from '../../scheduler/data-folder.js';
import { AgentHosts } from './agent-hosts-process.js';
import { type AgentsFederation, foundAgents } from './agents-federation.js';
import { batchPath, image, parent } from './bench-scheduler.js';
import { BenchStore } from './bench-store.js';
import type { LoadOrder } from './load.js';
import type { LoadResult } from './raw-http2.js';
import { Placements } from './placements.js';
import { cpuSeconds, openFilesLimit, residentMb } from './process-usage.js';
import { freePort, run, schedulerFlags, start, stop } from './processes.js';
import { median, type Report } from './report.js';

/** Of the promise; a machine that is small or busy can be asked for fewer. */
const promisedHosts = 10_000;
const hosts = Number(process.env['SECOVIA_BENCH_AGENTS'] ?? promisedHosts);
const processes = 2;
const vmsPerHost = 3;
const batch = 100;
/** An agent asks for a new lease when a third of it is over: every 10 s. */
const leaseMs = 30_000;
const steady = { windows: 3, secondsEach: 30 };
const placementsPerSecond = 50;
/** After the kill. */
const placingMs = 60_000;
const backDeadlineMs = 600_000;
/** What the scheduler has open beside its agents. */
const otherFiles = 1_000;

type Say = (line: string) => void;

export async function agents(report: Report, say: Say): Promise<void> {
  if (!Number.isInteger(hosts) || hosts < 100 || hosts > promisedHosts)
    throw new Error(`SECOVIA_BENCH_AGENTS must be a whole number from 100 to ${promisedHosts}`);
  const limit = openFilesLimit();
  if (limit < hosts + otherFiles)
    throw new Error(
      `a process may have ${limit} files open here, and ${hosts} agents need ${hosts + otherFiles}: say ulimit -n ${hosts + otherFiles} first`,
    );
  const folder = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  const bench = new Bench(folder, report, say);
  try {
    await bench.begin();
    await bench.steadyState();
    await bench.killAndReturn();
  } finally {
    await bench.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Bench {
  #federation: AgentsFederation | null = null;
  #port = 0;
  #scheduler: ChildProcess | null = null;
  #hosts: AgentHosts | null = null;

  constructor(
    private readonly folder: string,
    private readonly report: Report,
    private readonly say: Say,
  ) {}

  async begin(): Promise<void> {
    const { report, say } = this;
    const federation = await foundAgents(this.folder, hosts, processes);
    say(`${hosts} hosts have joined, each with a certificate of its own`);
    this.#federation = federation;
    this.#port = await freePort();
    await this.#startScheduler();
    this.#hosts = await AgentHosts.start(this.#port, federation.identities);
    await this.#hosts.until('all agents hold a lease', backDeadlineMs, ({ leased }) => leased === hosts);
    const order: LoadOrder = {
      ...{ kind: 'raw-http2', port: this.#port, identity: federation.admin, path: batchPath, parent, image },
      ...{ run: 1, inFlight: 4, seconds: 120, calls: Math.ceil((hosts * vmsPerHost) / batch), batch },
    };
    const { calls, failures } = JSON.parse(
      await run('test/bench/load.js', [JSON.stringify(order)]),
    ) as LoadResult;
    if (failures > 0 || calls * batch < hosts * vmsPerHost) throw new Error('not all VMs could be made');
    const vms = hosts * vmsPerHost;
    await this.#hosts.until('all VMs run', backDeadlineMs, ({ running }) => running === vms);
    await this.#store((store) => store.settled());
    report.figure('agents, each with a connection of mutual TLS and an identity of its own', hosts);
    report.figure('VMs', vms);
    say(`${vms} VMs run`);
  }

  async #startScheduler(): Promise<void> {
    const config = join(this.folder, 'scheduler.yaml');
    const { dataDir = '' } = this.#federation ?? {};
    const settings = [`listen: 127.0.0.1:${this.#port}`, `dataDir: ${dataDir}`, 'strategy: spread'];
    // One client makes all the VMs here: it is not held to a caller's rate.
    const more = [`leaseMs: ${leaseMs}`, 'callsPerSecond: 1000000', ''];
    writeFileSync(config, [...settings, ...more].join('\n'));
    const serves = (line: string) => line.includes('"serving"');
    const args = ['run', '--config', config];
    this.#scheduler = (await start('scheduler/main.js', args, 'stderr', serves, schedulerFlags)).process;
  }

  async steadyState(): Promise<void> {
    const pid = this.#scheduler?.pid ?? 0;
    const percents: number[] = [];
    const residents: number[] = [];
    for (let window = 1; window <= steady.windows; window += 1) {
      const [beganMs, used] = [performance.now(), cpuSeconds(pid)];
      await pause(steady.secondsEach * 1000);
      const seconds = (performance.now() - beganMs) / 1000;
      percents.push(((cpuSeconds(pid) - used) / seconds) * 100);
      residents.push(residentMb(pid));
      this.say(`steady: ${percents.at(-1)?.toFixed(1)} % of a core, ${residents.at(-1)?.toFixed(0)} MB`);
    }
    this.report.promise(`${hosts} agents in steady state, percent of one core`, median(percents), {
      most: 30,
    });
    this.report.promise(`${hosts} agents in steady state, resident megabytes`, median(residents), {
      most: 1500,
    });
  }

  async killAndReturn(): Promise<void> {
    const { report, say } = this;
    const federation = this.#federation as AgentsFederation;
    const agents = this.#hosts as AgentHosts;
    const scheduler = this.#scheduler as ChildProcess;
    const before = agents.tally;
    const after = await this.#store((store) => store.last);
    const killedMs = performance.now();
    const killedAtMs = Date.now();
    scheduler.kill('SIGKILL');
    await once(scheduler, 'exit');
    await pause(restartMs());
    await this.#startScheduler();
    const servesMs = performance.now();
    const placements = new Placements(this.#port, federation.admin, placementsPerSecond, 2);
    say(`serves again after ${((servesMs - killedMs) / 1000).toFixed(1)} s`);
    const back = await agents.until('all agents are back', backDeadlineMs, ({ leased }) => leased === hosts);
    const backSeconds = (back.leasedMs - killedAtMs) / 1000;
    const processorSeconds = cpuSeconds(this.#scheduler?.pid ?? 0);
    say(
      `all agents are back after ${backSeconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of a processor`,
    );
    report.figure('seconds of a processor that the new scheduler took until then', processorSeconds);
    await pause(Math.max(0, placingMs - (performance.now() - killedMs)));
    await placements.stop();
    report.figure('seconds without a scheduler', (servesMs - killedMs) / 1000);
    report.promise(`seconds from kill -9 until all ${hosts} agents are back with a lease`, backSeconds, {
      most: 60,
    });
    const since = placements.ended.filter(({ dueMs }) => dueMs >= servesMs);
    const made = since
      .filter(({ failure }) => failure === '')
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b);
    const failures = new Map<string, number>();
    for (const { failure } of since)
      if (failure !== '') failures.set(failure, (failures.get(failure) ?? 0) + 1);
    for (const [failure, count] of failures) say(`${count} placements failed: ${failure}`);
    const whileReturning = since.filter(({ dueMs }) => dueMs < killedMs + backSeconds * 1000);
    report.figure('placements that were due after it served again', since.length);
    report.figure('of these while agents came back', whileReturning.length);
    report.figure('placements, median milliseconds', median(made));
    report.promise('placements from when it serves again, p99 milliseconds', partOf(made, 0.99), {
      most: 100,
    });
    report.promise('placements from when it serves again that failed', since.length - made.length, {
      most: 0,
    });
    const lapsed = back.lapsed - before.lapsed;
    report.figure('longest time that an agent was without a lease, seconds', back.longestLapseMs / 1000);
    report.promise('leases that ended at their agents', lapsed, { most: 0 });
    const lost = await this.#store((store) => store.lostHosts(after));
    report.promise('hosts that the scheduler took to be lost', lost, { most: 0 });
    for (const [problem, count] of Object.entries(back.problems)) say(`${count} agents: ${problem}`);
  }

  async #store<T>(work: (store: BenchStore) => T | Promise<T>): Promise<T> {
    const store = new BenchStore(storeFileIn(this.#federation?.dataDir ?? ''));
    try {
      return await work(store);
    } finally {
      store.close();
    }
  }

  async close(): Promise<void> {
    await this.#hosts?.stop();
    if (this.#scheduler !== null) await stop(this.#scheduler);
  }
}

/** What the service manager waits before it starts a scheduler that has died. */
function restartMs(): number {
  const unit = new URL('../../../deploy/systemd/secovia-scheduler.service', import.meta.url);
  const seconds = /^RestartSec=(\S+)$/m.exec(readFileSync(fileURLToPath(unit), 'utf8'))?.[1];
  if (seconds === undefined) throw new Error('the unit of the scheduler says no RestartSec');
  return seconds.endsWith('ms') ? Number.parseFloat(seconds) : Number.parseFloat(seconds) * 1000;
}

function partOf(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}
