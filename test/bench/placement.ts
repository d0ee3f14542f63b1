/**
 * What finding hosts costs. The load is what a large federation would see: the VM sizes of a real cloud, half of the
 * VMs bound to countries or sites, hosts at 85 % of what is scarcest, and for each VM that comes one that departs.
 * A decision is finding a host and claiming it, as a create does both; what a departure costs is told beside it.
 */
import { Random } from '../scheduler/core/placement/random.js';
import { allocation } from './placement-allocation.js';
import { narrowDemands, usualDemands } from './placement-demands.js';
import {
  createMany,
  decidePreferring,
  grouped,
  longestWithNewCuts,
  loseSite,
  refuse,
  ungrouped,
} from './placement-events.js';
import { Fleet, type FleetPlan } from './placement-fleet.js';
import { smallSite } from './placement-places.js';
import { type Round, Scenario } from './placement-scenario.js';
import { arbitrarySizes, tracedSizes } from './placement-sizes.js';
import { run } from './processes.js';
import { median, type Report } from './report.js';

const rounds = 5;
const warmStarts = 3;
const startedVms = 1_000_000;
const gangVms = 10_000;
const gibMib = 1024;

/** Hosts of which VMs use up the vCPUs first. */
const usual: FleetPlan = {
  hosts: 100_000,
  memoryPerVcpuMib: 4 * gibMib,
  diskPerVcpuMib: 60 * gibMib,
  sizes: tracedSizes,
  seed: 1,
};

const arbitrary = arbitrarySizes(2000, new Random(2));

export async function placement(report: Report, say: (line: string) => void): Promise<void> {
  const starts = await repeat(warmStarts, 'seconds of a warm start', say, async () =>
    Number(await run('test/bench/placement-warm-start.js', [String(usual.hosts), String(startedVms)])),
  );
  const newCuts = await repeat(rounds, 'longest decision with new cuts, milliseconds', say, () =>
    longestWithNewCuts(new Fleet({ ...usual, sizes: arbitrary })),
  );
  const fleet = measureLoads(report, newCuts, say);
  // It collects garbage: the other fleets are gone when the events come, as there are none in a scheduler.
  const bytes = allocation(fleet);
  report.figure('garbage of one decision and departure, bytes', bytes.whole);
  // Less than half of the smallest object.
  report.promise('garbage of them in the index alone, bytes', bytes.index, { most: 8 });
  report.promise('index, bytes per host', fleet.state.hostTable.index.bytes / usual.hosts, { most: 200 });
  await measureEvents(report, fleet, say);
  const started = `state of ${usual.hosts} hosts and ${startedVms} VMs from memory, not from the store, seconds`;
  report.promise(started, median(starts), { most: 3 });
}

/** Measures all loads in turn, and gives the usual fleet, which has seen some life by then. */
function measureLoads(report: Report, newCuts: readonly number[], say: (line: string) => void): Fleet {
  const scenarios = makeScenarios(say);
  for (let round = 0; round <= rounds; round += 1) {
    for (const scenario of Object.values(scenarios)) {
      const { decisions, turnovers, plainScans, refused } = scenario.run(round > 0);
      const speed = `${decisions.toFixed(0)}/s, ${turnovers.toFixed(0)}/s with departures`;
      const scan = `plain scan ${plainScans.toFixed(0)}/s`;
      say(
        `${round === 0 ? 'warming up' : `round ${round}`}: ${scenario.name}: ${speed}, ${scan}, ${refused} refused`,
      );
    }
  }
  const compared = Object.values(scenarios).reduce((sum, scenario) => sum + scenario.compared, 0);
  report.figure('answers of the index that both scans gave too', compared);
  reportRates(report, scenarios);
  promiseRates(report, scenarios);
  promiseHold(report, scenarios, newCuts);
  return scenarios.usual.fleet;
}

type Scenarios = ReturnType<typeof makeScenarios>;

function makeScenarios(say: (line: string) => void) {
  const fleetOf = (plan: Partial<FleetPlan>): Fleet => {
    const fleet = new Fleet({ ...usual, ...plan });
    const { vcpus, memoryMib, diskMib } = fleet.taken();
    const taken = `${vcpus.toFixed(0)} % of vCPUs, ${memoryMib.toFixed(0)} % of memory, ${diskMib.toFixed(0)} % of disk`;
    say(`${fleet.columns.hosts} hosts with ${fleet.vms.host.length} VMs hold ${taken}`);
    return fleet;
  };
  const fleet = fleetOf({});
  const memory = fleetOf({ memoryPerVcpuMib: gibMib });
  const disk = fleetOf({ diskPerVcpuMib: 10 * gibMib });
  const unlike = fleetOf({ sizes: arbitrary });
  return {
    small: new Scenario('1,000 hosts', fleetOf({ hosts: 1000 }), usualDemands),
    middle: new Scenario('10,000 hosts', fleetOf({ hosts: 10_000 }), usualDemands),
    usual: new Scenario('100,000 hosts', fleet, usualDemands),
    narrow: new Scenario('a tenth with exclusions', fleet, narrowDemands),
    memory: new Scenario('memory scarce', memory, usualDemands),
    disk: new Scenario('disk scarce', disk, usualDemands),
    arbitrary: new Scenario('arbitrary sizes', unlike, usualDemands),
  };
}

function reportRates(report: Report, scenarios: Scenarios): void {
  for (const scenario of Object.values(scenarios)) {
    const figure = (name: string, of: (round: Round) => number) =>
      report.figure(`${scenario.name}: ${name}`, scenario.median(of));
    figure('decisions per second', (round) => round.decisions);
    figure('decisions with a departure each per second', (round) => round.turnovers);
    figure('one decision, p50 microseconds', (round) => round.p50);
    figure('one decision, p99 microseconds', (round) => round.p99);
    figure('plain scans per second', (round) => round.plainScans);
    figure('tuned scans per second', (round) => round.tunedScans);
  }
}

function promiseRates(report: Report, { small, usual, narrow, memory, disk, arbitrary }: Scenarios): void {
  const promise = (name: string, of: (round: Round) => number, bound: { least?: number; most?: number }) =>
    report.promise(`${usual.name}: ${name}`, usual.median(of), bound);
  promise('times as fast as the plain scan', (round) => round.decisions / round.plainScans, { least: 250 });
  promise('times as fast as the tuned scan', (round) => round.decisions / round.tunedScans, { least: 75 });
  promise('decisions per second', (round) => round.decisions, { least: 400_000 });
  promise('plain scans per second', (round) => round.plainScans, { least: 1500 });
  promise('one decision, p99 microseconds', (round) => round.p99, { most: 5 });
  report.promise(`${usual.name}: times the cost at ${small.name}`, usual.slowerThan(small), { most: 3 });
  report.promise('a tenth with exclusions: times the cost without', narrow.slowerThan(usual), { most: 2.5 });
  report.promise('memory scarce: times the usual cost', memory.slowerThan(usual), { most: 2 });
  report.promise('disk scarce: times the usual cost', disk.slowerThan(usual), { most: 2 });
  report.promise('arbitrary sizes: times the usual cost', arbitrary.slowerThan(usual), { most: 3 });
}

/** Everything else waits while the scheduler decides, and while it collects garbage. */
function promiseHold(report: Report, scenarios: Scenarios, newCuts: readonly number[]): void {
  const longest = Object.values(scenarios).map(
    (scenario) => scenario.median((round) => round.longest) / 1000,
  );
  report.promise('longest decision of any load, milliseconds', Math.max(...longest), { most: 20 });
  report.promise('longest decision with new cuts, milliseconds', median(newCuts), { most: 20 });
}

async function measureEvents(report: Report, fleet: Fleet, say: (line: string) => void): Promise<void> {
  const losses = Array.from({ length: rounds }, () => loseSite(fleet, smallSite));
  const [loss] = losses;
  if (loss === undefined) return;
  report.figure('lost site: hosts', loss.hosts);
  report.figure('lost site: VMs', loss.vms);
  report.figure('lost site: VMs placed elsewhere', loss.placed);
  report.figure('lost site: VMs refused', loss.refused);
  report.figure('lost site: VMs refused that may be nowhere else', loss.bound);
  const lossSeconds = median(losses.map(({ seconds }) => seconds));
  report.promise('lost site: all its VMs decided anew, seconds', lossSeconds, { most: 1 });
  const gangs = await repeat(rounds, 'milliseconds of a call', say, () =>
    createMany(fleet, gangVms, ungrouped, false),
  );
  report.promise(`a call that creates ${gangVms} VMs, milliseconds`, median(gangs), { most: 200 });
  const groups = await repeat(rounds, 'milliseconds of a call with groups', say, () =>
    createMany(fleet, gangVms, grouped, true),
  );
  report.figure(
    `a call that creates ${gangVms} VMs, half apart and half spread, milliseconds`,
    median(groups),
  );
  const preferring = await repeat(rounds, 'decisions a second that prefer cheap sites', say, () =>
    decidePreferring(fleet, 3),
  );
  report.figure('decisions per second, all preferring the cheapest of 3 price tiers', median(preferring));
  const refusals = await repeat(rounds, 'milliseconds of a refusal', say, () => refuse(fleet));
  report.figure('a refusal with its reasons, 100,000 hosts, milliseconds', median(refusals));
}

async function repeat(
  times: number,
  what: string,
  say: (line: string) => void,
  measure: () => number | Promise<number>,
): Promise<number[]> {
  const values: number[] = [];
  for (let time = 0; time < times; time += 1) values.push(await measure());
  say(`${what}: ${values.map((value) => value.toFixed(2)).join(', ')}`);
  return values;
}
