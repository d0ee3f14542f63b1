/**
 * One kind of load on one fleet, measured in rounds, so that scenarios and the scans they are held against take turns
 * and share whatever else the machine does. A round decides many requests, timing each, and lets a VM depart after
 * each; then it asks the index and both scans for the same hosts, and their answers must agree.
 */
import { collectGarbage } from './placement-collect.js';
import type { Demand, Demands } from './placement-demands.js';
import type { Fleet } from './placement-fleet.js';
import { plainScan, type Scan, scanBeyondSlots, tunedScan } from './placement-scan.js';
import { median } from './report.js';

/** Of a round. */
const decisions = 200_000;
/** About how many hosts a round's scans look at. */
const scannedHosts = 20_000_000;

export interface Speed {
  /** Decisions a second of deciding: departures are not in it, looking at the clock is. */
  decisions: number;
  /** Decisions a second with a departure after each. */
  turnovers: number;
  /** Of one decision, in microseconds. */
  p50: number;
  p99: number;
  longest: number;
  /** How many of the requests no host could take. */
  refused: number;
}

export interface Round extends Speed {
  plainScans: number;
  tunedScans: number;
}

export class Scenario {
  readonly rounds: Round[] = [];
  /** How many answers of the index were found to be those of the scans. */
  compared = 0;

  constructor(
    readonly name: string,
    readonly fleet: Fleet,
    private readonly demands: Demands,
  ) {}

  /** Runs a round. One that is not kept only warms up. */
  run(keep: boolean): Round {
    const { fleet } = this;
    const demands = this.demands(fleet, decisions);
    collectGarbage();
    const speed = decideAll(fleet, demands);
    const asked = this.demands(fleet, Math.round(scannedHosts / fleet.columns.hosts));
    const scans = compare(fleet, asked);
    this.compared += asked.length;
    const round = { ...speed, ...scans };
    if (keep) this.rounds.push(round);
    return round;
  }

  /** The median of the rounds. */
  median(of: (round: Round) => number): number {
    return median(this.rounds.map(of));
  }

  /** How many times longer a decision takes here than there, round by round. */
  slowerThan(other: Scenario): number {
    return median(
      this.rounds.map((round, index) => (other.rounds[index]?.decisions ?? Number.NaN) / round.decisions),
    );
  }
}

export function decideAll(fleet: Fleet, demands: readonly Demand[]): Speed {
  const tookMs = new Float64Array(demands.length);
  let refused = 0;
  const startedMs = performance.now();
  for (let index = 0; index < demands.length; index += 1) {
    const { request, size, place, departs } = demands[index] as Demand;
    const askedMs = performance.now();
    const row = fleet.decide(request);
    tookMs[index] = performance.now() - askedMs;
    if (row < 0) refused += 1;
    else fleet.replace(departs, row, size, place);
  }
  const turnovers = rateOf(demands.length, performance.now() - startedMs);
  const sumMs = tookMs.reduce((sum, ms) => sum + ms, 0);
  tookMs.sort();
  const at = (share: number) => 1000 * (tookMs[Math.floor(share * (tookMs.length - 1))] as number);
  const times = { p50: at(0.5), p99: at(0.99), longest: at(1) };
  return { decisions: rateOf(demands.length, sumMs), turnovers, ...times, refused };
}

/** Asks everybody the same, claiming nothing, and compares the answers. */
function compare(fleet: Fleet, demands: readonly Demand[]): Pick<Round, 'plainScans' | 'tunedScans'> {
  const plain = scanAll(plainScan, fleet, demands);
  const tuned = scanAll(tunedScan, fleet, demands);
  for (const [index, demand] of demands.entries()) {
    const found = fleet.find(demand.request);
    const beyond = beyondSlots(fleet, demand);
    for (const scanned of beyond >= 0 ? [beyond] : [plain.rows[index], tuned.rows[index]]) {
      if (found !== scanned) throw new Error(`the index found host ${found}, and a scan host ${scanned}`);
    }
  }
  return { plainScans: plain.rate, tunedScans: tuned.rate };
}

/** The best host that has room beyond the slots it keeps whole, where any are kept; the scans know nothing of these. */
function beyondSlots({ state, columns }: Fleet, { request, sites, excluded }: Demand): number {
  const { slotMib } = state.hostTable.index;
  if (request.needs.memoryMib >= slotMib) return -1;
  return scanBeyondSlots(columns, state.hostTable.totalMemoryMib, slotMib, request.needs, sites, excluded);
}

function scanAll(scan: Scan, fleet: Fleet, demands: readonly Demand[]): { rows: Int32Array; rate: number } {
  const rows = new Int32Array(demands.length);
  const startedMs = performance.now();
  for (let index = 0; index < demands.length; index += 1) {
    const { request, sites, excluded } = demands[index] as Demand;
    rows[index] = scan(fleet.columns, request.needs, sites, excluded);
  }
  return { rows, rate: rateOf(demands.length, performance.now() - startedMs) };
}

const rateOf = (count: number, ms: number) => (1000 * count) / ms;
