/**
 * What it costs to be watched over: going through all alarms of a large federation, as a listing and as a scrape do, while
 * others want the event loop; and counting what happens, for each decision and call.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { walkAlarms } from '../../scheduler/core/alarms/walk.js';
import type { Vm } from '../../scheduler/core/model.js';
import { State } from '../../scheduler/core/state.js';
import { StateWalks } from '../../scheduler/state-walks.js';
import { SchedulerTelemetry } from '../../scheduler/telemetry/scheduler-telemetry.js';
import { Random } from '../scheduler/core/placement/random.js';
import { smallWorld } from '../scheduler/core/world.js';
import { emptyWorld, makeHosts } from './placement-fleet.js';
import { sites } from './placement-places.js';
import { median, type Report } from './report.js';

const hostCount = 100_000;
const vmCount = 1_000_000;
const rounds = 5;
/** A host in so many is lost, and a VM in so many missing. */
const lostOneIn = 20;
const missingOneIn = 1000;
const countedCalls = 200_000;

export async function alarms(report: Report, say: (line: string) => void): Promise<void> {
  const state = largeState();
  say(`${state.hosts.size} hosts, ${state.vms.size} VMs`);
  const walks = new StateWalks();
  const seconds: number[] = [];
  const holds: number[] = [];
  let found = 0;
  for (let round = 0; round < rounds; round += 1) {
    found = 0;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const beganMs = performance.now();
    const alarm = () => {
      found += 1;
    };
    const surroundings = { nowMs: 1e13, certificates: [] };
    await walks.walk(() => walkAlarms(state, surroundings, null, { alarm }));
    seconds.push((performance.now() - beganMs) / 1000);
    delay.disable();
    holds.push(delay.max / 1e6);
    say(
      `round ${round + 1}: ${found} alarms in ${seconds.at(-1)?.toFixed(2)} s, longest hold ${holds.at(-1)?.toFixed(1)} ms`,
    );
  }
  report.figure('alarms found', found);
  report.figure('seconds to go through them', median(seconds));
  report.promise('longest hold of the event loop, milliseconds, in the median round', median(holds), {
    most: 20,
  });
  report.figure(
    'microseconds to count a decision',
    await counting((telemetry) => telemetry.decided('vm.create', null, 2, 0.01)),
  );
  report.figure(
    'microseconds to count a call',
    await counting((telemetry) => telemetry.answered('/secovia.v1.VmService/CreateVm', 0, 0.5)),
  );
}

async function counting(count: (telemetry: SchedulerTelemetry) => void): Promise<number> {
  const telemetry = new SchedulerTelemetry('bench');
  for (let call = 0; call < countedCalls; call += 1) count(telemetry);
  const beganMs = performance.now();
  for (let call = 0; call < countedCalls; call += 1) count(telemetry);
  return ((performance.now() - beganMs) * 1000) / countedCalls;
}

function largeState(): State {
  const random = new Random(1);
  const entities = emptyWorld().state;
  const capacity = { vcpus: 64, memoryMib: 262_144, diskMib: 4_194_304, vms: 500 };
  const hosts = makeHosts(hostCount, () => ({ site: random.pick(sites).id, capacity }));
  for (const [index, host] of hosts.entries()) if (index % lostOneIn === 0) host.state = 'lost';
  const like = smallWorld('like').vm('like');
  const vms = Array.from(
    { length: vmCount },
    (_, number): Vm => ({
      ...like,
      uid: `vm-${number}`,
      id: `vm-${number}`,
      host: random.pick(hosts).id,
      state: number % missingOneIn === 0 ? 'missing' : 'running',
      createdSequence: number,
    }),
  );
  const state = new State();
  for (const site of entities.sites.values()) state.addSite(site);
  for (const administration of entities.administrations.values()) state.addAdministration(administration);
  for (const image of entities.images.values()) state.addImage(image);
  for (const host of hosts) state.addHost(host);
  state.addVms(vms);
  return state;
}
