/**
 * The scheduler's numbers for Prometheus. What happens is counted where it happens, through the observers of engine and API;
 * what is there is read when somebody asks. Nothing of it is global: a registry belongs to one scheduler.
 */
import { status } from '@grpc/grpc-js';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { tallied } from '../../proto/tally.js';
import type { Telemetry } from '../../proto/telemetry-endpoint.js';
import type { CallObserver } from '../api/call-observer.js';
import type { CommandType } from '../core/commands.js';
import type { Refusal } from '../core/refusal.js';
import { backlogLimit, type Engine, type EngineObserver } from '../engine.js';
import { StateGauges } from './state-gauges.js';
import type { Surveyor } from './survey.js';

/** A disk that takes longer than this is not writing any more, as far as anybody who waits can tell. */
const stuckMs = 10_000;

/** Decisions take microseconds. */
const decisionBuckets = [
  2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.5,
];
const commitBuckets = [2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const groupBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16_384];
const callBuckets = [5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30];

/** What there is to be read when the scheduler has opened its store. */
export interface Watched {
  engine: Engine;
  surveyor: Surveyor;
  agents(): number;
  leases(): { held: number; ending: number };
}

export class SchedulerTelemetry implements Telemetry, EngineObserver, CallObserver {
  readonly #registry = new Registry();
  readonly #decisions;
  readonly #refusals;
  readonly #decisionSeconds: Histogram;
  readonly #commitSeconds: Histogram;
  readonly #commitDecisions: Histogram;
  readonly #calls;
  readonly #turnedAway;
  readonly #callSeconds: Histogram<'method'>;
  /** By method: to find a histogram by its labels costs more than to count in it. */
  readonly #secondsOf = new Map<string, Histogram.Internal<'method'>>();
  readonly #streams = new Map<string, number>();
  readonly #gauges: StateGauges;
  #watched: Watched | null = null;
  #stands: 'starting' | 'serving' | 'stopping' = 'starting';

  constructor(version: string) {
    const registry = this.#registry;
    const registers = [registry];
    collectDefaultMetrics({ register: registry });
    new Gauge({
      name: 'secovia_scheduler_build_info',
      help: 'Always 1; which version runs.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version, node: process.version }, 1);
    this.#decisions = tallied(
      registry,
      'secovia_scheduler_decisions_total',
      'Commands that were decided, by whether they changed something.',
      ['command', 'outcome'],
    );
    this.#refusals = tallied(
      registry,
      'secovia_scheduler_refusals_total',
      'Commands that were refused, by reason.',
      ['reason'],
    );
    this.#calls = tallied(
      registry,
      'secovia_scheduler_calls_total',
      'Calls with one answer, by method and status.',
      ['method', 'code'],
    );
    this.#turnedAway = tallied(
      registry,
      'secovia_scheduler_turned_away_total',
      'Calls that were turned away because there were too many, by reason.',
      ['reason'],
    );
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, registers });
    this.#decisionSeconds = histogram(
      'secovia_scheduler_decision_seconds',
      'How long a decision took, with applying what it changed.',
      decisionBuckets,
    );
    this.#commitSeconds = histogram(
      'secovia_scheduler_commit_seconds',
      'How long a group commit took until it was on disk.',
      commitBuckets,
    );
    this.#commitDecisions = histogram(
      'secovia_scheduler_commit_decisions',
      'How many decisions were in a group commit.',
      groupBuckets,
    );
    this.#callSeconds = new Histogram({
      name: 'secovia_scheduler_call_seconds',
      help: 'How long calls with one answer took, by method.',
      labelNames: ['method'],
      buckets: callBuckets,
      registers,
    });
    this.#read('secovia_scheduler_ready', '1 while it does its work.', () =>
      this.unready().length === 0 ? 1 : 0,
    );
    this.#readWatched();
    this.#gauges = new StateGauges(registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** From now on there is something to be read. */
  watch(watched: Watched): void {
    this.#watched = watched;
  }

  serving(): void {
    this.#stands = 'serving';
  }

  stopping(): void {
    this.#stands = 'stopping';
  }

  decided(command: CommandType, refusal: Refusal | null, changes: number, tookMs: number): void {
    this.#decisionSeconds.observe(tookMs / 1000);
    this.#decisions.add(command, refusal === null ? (changes > 0 ? 'changed' : 'unchanged') : 'refused');
    if (refusal !== null) this.#refusals.add(refusal.reason);
  }

  committed(decisions: number, tookMs: number): void {
    this.#commitSeconds.observe(tookMs / 1000);
    this.#commitDecisions.observe(decisions);
  }

  answered(method: string, code: number, tookMs: number): void {
    const name = shortName(method);
    this.#calls.add(name, status[code] ?? String(code));
    let seconds = this.#secondsOf.get(name);
    if (seconds === undefined) {
      seconds = this.#callSeconds.labels({ method: name });
      this.#secondsOf.set(name, seconds);
    }
    seconds.observe(tookMs / 1000);
  }

  streamBegan(method: string): void {
    const name = shortName(method);
    this.#streams.set(name, (this.#streams.get(name) ?? 0) + 1);
  }

  streamEnded(method: string): void {
    const name = shortName(method);
    this.#streams.set(name, (this.#streams.get(name) ?? 0) - 1);
  }

  turnedAway(reason: string): void {
    this.#turnedAway.add(reason);
  }

  unready(): string[] {
    if (this.#stands === 'stopping') return ['it is stopping'];
    const engine = this.#watched?.engine;
    if (this.#stands === 'starting' || engine === undefined) return ['it is starting'];
    const reasons: string[] = [];
    const { writingForMs, backlog } = engine;
    if (writingForMs > stuckMs)
      reasons.push(`the store has been at one commit for ${Math.round(writingForMs / 1000)} s`);
    if (backlog > backlogLimit) reasons.push(`${backlog} decisions wait for the disk`);
    return reasons;
  }

  async metrics(): Promise<string> {
    if (this.#watched !== null) {
      this.#gauges.survey(await this.#watched.surveyor.newest());
      this.#gauges.vms(this.#watched.engine.state);
      this.#gauges.quotas(this.#watched.engine.state);
    }
    return this.#registry.metrics();
  }

  #readWatched(): void {
    const of = (name: string, help: string, read: (watched: Watched) => number) =>
      this.#read(name, help, () => (this.#watched === null ? null : read(this.#watched)));
    of(
      'secovia_scheduler_backlog_decisions',
      'Decisions that wait for the disk.',
      ({ engine }) => engine.backlog,
    );
    of(
      'secovia_scheduler_commit_under_way_seconds',
      'How long the disk has been at the commit that it writes now; 0 when it is idle.',
      ({ engine }) => engine.writingForMs / 1000,
    );
    of(
      'secovia_scheduler_journal_sequence',
      'The newest decision that is on disk.',
      ({ engine }) => engine.head.sequence,
    );
    of(
      'secovia_scheduler_epoch_incarnation',
      'How often the journal was restored, plus one.',
      ({ engine }) => engine.state.federation.epoch.incarnation,
    );
    of(
      'secovia_scheduler_epoch_counter',
      'How often a scheduler has taken over since.',
      ({ engine }) => engine.state.federation.epoch.counter,
    );
    of('secovia_scheduler_agents', 'Agents that are connected.', ({ agents }) => agents());
    of('secovia_scheduler_leases', 'Leases that hosts hold.', ({ leases }) => leases().held);
    of(
      'secovia_scheduler_leases_ending',
      'Leases of which less than half is left: agents renew at a third.',
      ({ leases }) => leases().ending,
    );
    const streams = this.#streams;
    new Gauge({
      name: 'secovia_scheduler_streams',
      help: 'Streams that are open, by method: agents, watches, exports.',
      labelNames: ['method'],
      registers: [this.#registry],
      collect() {
        for (const [method, count] of streams) this.set({ method }, count);
      },
    });
  }

  /** A gauge that is read when somebody asks; null shows nothing. */
  #read(name: string, help: string, read: () => number | null): void {
    new Gauge({
      name,
      help,
      // Even one without labels is there only once it is known.
      labelNames: [],
      registers: [this.#registry],
      collect() {
        const value = read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
}

/** `VmService/CreateVm` of `/secovia.v1.VmService/CreateVm`. */
function shortName(method: string): string {
  return method.slice('/secovia.v1.'.length);
}
