/** A federation that was exported and loaded into a simulation places VMs where it would have placed them itself. */
import { test } from 'tap';
import { apply } from '../../../scheduler/core/apply.js';
import { decide } from '../../../scheduler/core/decide.js';
import { findDisplacement } from '../../../scheduler/core/placement/displacement.js';
import { explain } from '../../../scheduler/core/placement/explanation.js';
import { place } from '../../../scheduler/core/placement/placement.js';
import type { PlacementRequest } from '../../../scheduler/core/placement/request.js';
import type { State } from '../../../scheduler/core/state.js';
import { plannedHost } from '../../../scheduler/core/tenancy/answers.js';
import { takeDue } from '../../../scheduler/core/tenancy/due.js';
import type { ResidencyRule } from '../../../scheduler/core/tenancy/model.js';
import { exceededWords } from '../../../scheduler/core/tenancy/refusals.js';
import { vmsInBreach } from '../../../scheduler/core/tenancy/stay.js';
import { verifyTenancy } from '../../../scheduler/core/tenancy/verify.js';
import { setUp } from '../../../scheduler/simulate/set-up.js';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import { read } from '../../../scheduler/simulate/source.js';
import { FederationHistory } from '../core/placement/federation-history.js';
import { exported } from './exported.js';

function answer(state: State, request: PlacementRequest) {
  const found = place(state, request);
  const displacement = findDisplacement(state, request, 'high');
  const { excluded, exceeded } = explain(state, request);
  return {
    host: found.noHost ? null : found.host.id,
    agreement: found.noHost ? null : found.agreement,
    displaces: [displacement?.host.id, displacement?.vms.map(({ id }) => id)],
    excluded: Object.fromEntries(excluded),
    exceeded: exceeded.map(exceededWords).sort(),
  };
}

/** Each VM in breach, with why and where it would go. */
function breachesOf(state: State): string[] {
  const lines = [...vmsInBreach(state, null)].map(({ vm, breach }) => {
    const planned = plannedHost(state, vm);
    const goes = planned.noHost === undefined ? planned.host.id : planned.noHost;
    return `${vm.administration}/${vm.id} ${breach.id} ${breach.code} ${goes}`;
  });
  return lines.sort();
}

/** A decision that is due, as after every other. */
function settle(state: State, nowMs: number): void {
  for (let due = takeDue(state, nowMs); due !== null; due = takeDue(state, nowMs)) {
    const decision = decide(state, due, nowMs);
    for (const change of decision.refusal ? [] : decision.changes) apply(state, change, nowMs);
  }
}

const strictRule: ResidencyRule = {
  id: 'strict',
  dataClass: 'internal',
  administration: null,
  allowed: { countries: ['SI'], jurisdictions: [] },
  forbidden: { countries: [], jurisdictions: [] },
  legalBasis: 'a new law',
  priority: 100,
  fromMs: 0,
  untilMs: null,
  startUntilMs: null,
  state: 'in_force',
  revision: 1,
  createdMs: 0,
  updatedMs: 0,
};

test('a federation that is exported and loaded gives the same answers', async (t) => {
  const seen = new Set<string>();
  let placed = 0;
  let inBreach = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const history = new FederationHistory(seed);
    for (let step = 0; step < 700; step += 1) history.step();
    const { state } = history;
    // Now and then a law has just come that some VMs do not keep.
    if (seed % 3 === 0) apply(state, { type: 'residency.set', rule: strictRule }, 0);
    // What has come due by now has; what comes later is no part of the copy.
    settle(state, 0);
    const text = await exported(state);
    const copy = setUp(read(text).scenario).state;
    // The size of slots is learned now and then, and after a start: the copy has just started.
    state.hostTable.index.reconsider();
    for (const { id } of state.hosts.values()) {
      t.same(copy.hostTable.claimed(id), state.hostTable.claimed(id), `${seed}: what VMs hold of ${id}`);
    }
    const [kept, before] = [verifyTenancy(copy), verifyTenancy(state)];
    t.same([kept.differences, kept.exceeded], [[], before.exceeded], `${seed}: what is held under limits`);
    t.same(breachesOf(copy), breachesOf(state), `${seed}: which VMs are in breach`);
    inBreach += breachesOf(state).length;
    for (let time = 0; time < 60; time += 1) {
      const request = history.request();
      const [theirs, ours] = [answer(copy, request), answer(state, request)];
      if (ours.host !== null) placed += 1;
      if (ours.host !== null && ours.agreement !== undefined) seen.add('placed under an agreement');
      for (const code of Object.keys(ours.excluded)) seen.add(code);
      if (JSON.stringify(theirs) !== JSON.stringify(ours))
        t.same(theirs, ours, `${seed}: ${JSON.stringify(request)}`);
    }
    const lines = (written: string) => written.split('\n').sort();
    t.same(lines(await exported(copy)), lines(text), `${seed}: the copy is written alike`);
  }
  t.ok(placed > 100, `${placed} placed`);
  t.ok(inBreach > 10, `${inBreach} in breach`);
  const codes = ['NOT_LAWFUL', 'NO_AGREEMENT', 'QUOTA_EXCEEDED'];
  for (const what of [...codes, 'placed under an agreement']) t.ok(seen.has(what), what);
});

test('a loss is tried on an exported federation', async (t) => {
  const history = new FederationHistory(1);
  for (let step = 0; step < 500; step += 1) history.step();
  const text = await exported(history.state);
  const report = simulate(
    `${text}steps:\n  - lose: { site: s0 }\n  - evacuate: { site: s0 }\n  - set: { partner: p1, open: true }\n  - set: { site: s1, cordoned: false, recovering: false }\n  - join: { ids: "n{1..5}", site: s1, memory: 64Gi }\n  - evacuate: { site: s0 }\n`,
  );
  const [, first, , , , second] = report.steps.map(({ outcome }) => outcome);
  if (first?.kind !== 'placed' || second?.kind !== 'placed') throw new Error('no evacuation');
  t.ok(
    first.vms.length > 5 && second.vms.length === first.refused.length,
    'those that went are not there any more',
  );
  t.ok(second.refused.length < first.refused.length, 'more room takes more of them');
});
