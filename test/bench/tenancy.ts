/**
 * What tenancy adds to a decision: whole `decide` calls that create a VM, in a federation with a tree, limits, residency
 * rules and agreements, beside the same in one without, in turn. What is decided is applied, and the oldest VM leaves, so
 * that both stay as full as they are.
 */
import { apply } from '../../scheduler/core/apply.js';
import { decide } from '../../scheduler/core/decide.js';
import { Random } from '../scheduler/core/placement/random.js';
import type { World } from '../scheduler/core/world.js';
import { collectGarbage } from './placement-collect.js';
import { median, type Report } from './report.js';
import {
  administrationCount,
  classes,
  depthOf,
  limitCount,
  makeFederation,
  nameOf,
  ruleCount,
} from './tenancy-federation.js';

const rounds = 15;
const filling = 100_000;
const perRound = 20_000;
/** Of each in turn: on a machine with noisy neighbours a slow second is then a slow one of both. */
const inTurn = 1000;

interface Side {
  world: World;
  random: Random;
  vms: string[];
  made: number;
}

export async function tenancy(report: Report, say: (line: string) => void): Promise<void> {
  const side = (withTenancy: boolean): Side => ({
    world: makeFederation(withTenancy),
    random: new Random(9),
    vms: [],
    made: 0,
  });
  const without = side(false);
  const withIt = side(true);
  report.figure('administrations', administrationCount);
  report.figure('levels of the tree', depthOf(withIt.world));
  report.figure('limits', limitCount);
  report.figure('residency rules', ruleCount);
  report.figure('agreements', withIt.world.state.tenancy.agreements.size);
  for (const each of [without, withIt]) place(each, filling);
  report.figure('VMs', withIt.vms.length);
  const costs = { without: [] as number[], with: [] as number[] };
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // What a round has left behind is no burden of the next.
    collectGarbage();
    let [plain, full] = [0, 0];
    for (let placed = 0; placed < perRound; placed += inTurn) {
      plain += (place(without, inTurn) * inTurn) / perRound;
      full += (place(withIt, inTurn) * inTurn) / perRound;
    }
    costs.without.push(plain);
    costs.with.push(full);
    ratios.push(full / plain);
    say(
      `round ${round}: ${plain.toFixed(2)} us without, ${full.toFixed(2)} us with: ${(full / plain).toFixed(2)}`,
    );
  }
  report.figure('microseconds of a decision without tenancy', median(costs.without));
  report.figure('microseconds of a decision with tenancy', median(costs.with));
  report.figure(
    'milliseconds of a change of one rule, with what it puts in breach',
    changeRule(withIt.world),
  );
  report.promise('a decision with tenancy: times one without', median(ratios), { most: 1.3 });
}

/** Creates VMs one by one. Returns the microseconds of a `decide` call. */
function place(side: Side, count: number): number {
  const { world, random, vms } = side;
  const { state } = world;
  let total = 0;
  for (let made = 0; made < count; made += 1) {
    side.made += 1;
    const administration = nameOf(random.below(administrationCount));
    const dataClass = random.pick(classes);
    const wanted = world.newVm(`vm-${side.made}`, { vcpus: 2, memoryMib: 4096, diskMib: 10_000, dataClass });
    const command = world.createOf([wanted], administration);
    const startedMs = performance.now();
    const decision = decide(state, command, world.nowMs);
    total += performance.now() - startedMs;
    if (decision.refusal) throw new Error(decision.refusal.message);
    for (const change of decision.changes)
      if (change.type === 'vm.created') apply(state, change, world.nowMs);
    state.sequence += 1;
    vms.push(wanted.uid);
    if (vms.length > filling / 2) leave(side);
    if (made % 1000 === 0) state.takeTouched();
  }
  return (1000 * total) / count;
}

function leave({ world, vms, random }: Side): void {
  const at = random.below(vms.length);
  const uid = vms[at] as string;
  vms[at] = vms[vms.length - 1] as string;
  vms.pop();
  apply(world.state, { type: 'vm.removed', uid }, world.nowMs);
}

function changeRule(world: World): number {
  const startedMs = performance.now();
  world.run({
    type: 'residency.create',
    id: 'tightened',
    dataClass: 'internal',
    administration: nameOf(0),
    allowed: { countries: ['BG'], jurisdictions: [] },
    forbidden: { countries: [], jurisdictions: [] },
    legalBasis: 'a new law',
    priority: 100,
    fromMs: null,
    untilMs: null,
    startUntilMs: null,
  });
  return performance.now() - startedMs;
}
