/**
 * Whether one scheduler is enough for a million VMs on 100,000 hosts while callers come and go: how much memory it takes, for
 * how long its event loop is held, how soon it serves from what is on disk, and what a backup of it costs. The store is made
 * by the scheduler's own decisions and writer; then the scheduler is started as operators do it. A few hundred hosts
 * have an agent, and these are the ones that VMs come to and leave; of the others nothing is heard, as after any start.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { storeFileIn } from '../../scheduler/data-folder.js';
import { AgentHosts } from './agent-hosts-process.js';
import { outputOf, run, secoviaScheduler, start, stop } from './processes.js';
import type { Report } from './report.js';
import type { ChurnOrder, ChurnResult } from './scale-churn.js';
import { image, type LargeFederation } from './scale-plan.js';
import { LargeScheduler } from './scale-scheduler.js';

/** A folder in which the federation is kept for the next run: to make it takes minutes. */
const keptIn = process.env['SECOVIA_BENCH_SCALE'] ?? '';
const churnSeconds = Number(process.env['SECOVIA_BENCH_SECONDS'] ?? 60);
/** Callers go on for so long before and after a backup. */
const aroundBackupMs = 5_000;
const agentsDeadlineMs = 120_000;
const longestHoldMs = 20;
const settlingMs = 500;
/** What callers are told when it is the scheduler that cannot; else they are refused, for a reason. */
const failures = new Set([
  'UNKNOWN',
  'INTERNAL',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'DATA_LOSS',
  'CANCELLED',
]);

type Say = (line: string) => void;

export async function scale(report: Report, say: Say): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-bench-'));
  let bench: Bench | undefined;
  try {
    bench = new Bench(folder, await federationFor(folder, say), report, say);
    await bench.coldStart();
    await bench.churn();
    await bench.backUp();
    await bench.end();
  } finally {
    await bench?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A federation in a folder that is kept, or in this one; its data are always this run's own. */
async function federationFor(folder: string, say: Say): Promise<LargeFederation> {
  const kept = keptIn === '' ? folder : keptIn;
  const about = join(kept, 'federation.json');
  if (!existsSync(about)) {
    mkdirSync(kept, { recursive: true });
    say('a federation is made');
    writeFileSync(about, await run('test/bench/scale-federation.js', [kept]));
  }
  const federation = JSON.parse(readFileSync(about, 'utf8')) as LargeFederation;
  if (kept === folder) return federation;
  const dataDir = join(folder, 'data');
  cpSync(federation.dataDir, dataDir, { recursive: true });
  return { ...federation, dataDir };
}

class Bench {
  #scheduler: LargeScheduler | null = null;
  #agents: AgentHosts | null = null;
  #churn: ChildProcess | null = null;
  #servingMs = 0;
  #backup = '';

  constructor(
    private readonly folder: string,
    private readonly federation: LargeFederation,
    private readonly report: Report,
    private readonly say: Say,
  ) {
    const { hosts, vms, agents, dataDir } = federation;
    report.figure('hosts', hosts);
    report.figure('VMs', vms);
    report.figure('hosts with an agent', agents);
    report.figure('megabytes of the store', statSync(storeFileIn(dataDir)).size / 1e6);
  }

  async coldStart(): Promise<void> {
    const { dataDir, admin } = this.federation;
    forget(storeFileIn(dataDir));
    const [scheduler, seconds] = await LargeScheduler.start(dataDir, admin, this.folder);
    this.#scheduler = scheduler;
    this.#servingMs = Date.now();
    // What is told now may be of the time before.
    await pause(settlingMs);
    const { now, peak } = scheduler.memory;
    this.say(`serves after ${seconds.toFixed(1)} s, with ${now.toFixed(0)} MB (${peak.toFixed(0)} at most)`);
    this.report.promise('seconds from the start until it serves, nothing of the store in memory', seconds, {
      most: 15,
    });
  }

  async churn(): Promise<void> {
    const { federation, report, say } = this;
    const scheduler = this.#scheduler as LargeScheduler;
    this.#agents = await AgentHosts.start(scheduler.port, [federation.identities]);
    await this.#agents.until(
      'all agents hold a lease',
      agentsDeadlineMs,
      ({ leased }) => leased === federation.agents,
    );
    const { admin, victims } = federation;
    const order: ChurnOrder = { port: scheduler.port, admin, victims, image };
    const args = [JSON.stringify(order)];
    this.#churn = (
      await start('test/bench/scale-churn.js', args, 'stdout', (line) => line === 'churning')
    ).process;
    // Callers are other machines: where there are few processors they make way for the scheduler.
    setPriority(this.#churn.pid ?? 0, constants.priority.PRIORITY_LOW);
    const beganMs = Date.now();
    await pause(churnSeconds * 1000);
    const holdMs = scheduler.longestHoldMs(this.#servingMs + settlingMs);
    const { now, peak } = scheduler.memory;
    say(`churn: ${now.toFixed(0)} MB (${peak.toFixed(0)} at most), held for ${holdMs.toFixed(1)} ms at most`);
    report.figure(
      'longest pause of the garbage collector under churn, milliseconds',
      scheduler.longestPauseMs(beganMs),
    );
    report.figure(
      'percent of fifths of a second under churn in which the event loop was held for more than 20 ms',
      scheduler.percentOver(longestHoldMs, beganMs),
    );
    report.figure(
      'percent of the churn in which the event loop had work and no processor',
      (scheduler.waitedMs(beganMs) / (churnSeconds * 1000)) * 100,
    );
    report.promise('longest hold of the event loop from when it serves, milliseconds', holdMs, {
      most: longestHoldMs,
    });
  }

  async backUp(): Promise<void> {
    const { folder, federation, report, say } = this;
    const scheduler = this.#scheduler as LargeScheduler;
    const file = join(folder, 'backup');
    const began = { atMs: Date.now(), ms: performance.now() };
    const words = ['backup', file, '--data-dir', federation.dataDir, '--output', 'json'];
    const backing = secoviaScheduler(words);
    backing.stderr?.pipe(process.stderr);
    const said = await outputOf(backing, 'the backup');
    this.#backup = file;
    const seconds = (performance.now() - began.ms) / 1000;
    await pause(aroundBackupMs);
    const holdMs = scheduler.longestHoldMs(began.atMs);
    say(`backup: ${seconds.toFixed(1)} s, the loop held for ${holdMs.toFixed(1)} ms at most`);
    report.promise('seconds for a backup under churn', seconds, { most: 20 });
    report.promise('longest hold of the event loop during a backup, milliseconds', holdMs, {
      most: longestHoldMs,
    });
    const { hosts, vms } = JSON.parse(said) as { hosts: number; vms: number };
    report.promise('hosts in the backup', hosts, { least: federation.hosts, most: federation.hosts });
    report.figure('VMs in the backup', vms);
  }

  async end(): Promise<void> {
    const { report } = this;
    const scheduler = this.#scheduler as LargeScheduler;
    const churn = this.#churn as ChildProcess;
    const { peak } = scheduler.memory;
    const output = outputOf(churn, 'the churn');
    churn.kill('SIGTERM');
    const result = JSON.parse(await output) as ChurnResult;
    this.#churn = null;
    for (const [kind, codes] of Object.entries(result.calls)) this.say(`${kind}: ${JSON.stringify(codes)}`);
    const all = Object.values(result.calls).flatMap((codes) => Object.entries(codes));
    const sum = (some: typeof all) => some.reduce((total, [, count]) => total + count, 0);
    const failed = sum(all.filter(([code]) => failures.has(code)));
    report.figure('calls', sum(all));
    report.figure('changes that watches were told of', result.watched);
    report.figure('calls, median milliseconds', result.medianMs);
    report.figure('calls, p99 milliseconds', result.p99Ms);
    // By another process than the one that made it, when nothing is measured any more.
    const verifying = secoviaScheduler(['verify', this.#backup, '--output', 'json']);
    verifying.stderr?.pipe(process.stderr);
    const { whole } = JSON.parse(await outputOf(verifying, 'the check of the backup')) as { whole: boolean };
    report.promise('backups that are whole', whole ? 1 : 0, { least: 1 });
    report.promise('calls that failed', failed, { most: 0 });
    report.promise('resident megabytes at most, from the start to the end of the churn', peak, {
      most: 1500,
    });
  }

  async close(): Promise<void> {
    if (this.#churn !== null) await stop(this.#churn);
    await this.#agents?.stop();
    await this.#scheduler?.stop();
  }
}

/** Drops a file from the system's memory, as after a start of the machine. */
function forget(file: string): void {
  execFileSync('sync', [file]);
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}
