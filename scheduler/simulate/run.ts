/** Carries out the steps of a scenario one after the other, and notes what each came to. */
import { estimateCapacity, explainPlacement } from '../core/ask-placement.js';
import type { Displaced } from '../core/commands.js';
import { etagOf } from '../core/etag.js';
import type { Host } from '../core/model.js';
import type { HostScore } from '../core/placement/answers.js';
import { type Explanation, exclusionCodes } from '../core/placement/explanation.js';
import type { Suggestion } from '../core/placement/suggestion.js';
import type { Refusal } from '../core/refusal.js';
import { subjectOf } from '../core/tenancy/refusals.js';
import type { Cluster } from './cluster.js';
import { evacuate } from './evacuate.js';
import type { Loss, Step } from './format.js';
import { isOfTenancy } from './format-tenancy.js';
import type { Shape } from './format-vms.js';
import { breaches, govern, lend, recall, refusedOutcome } from './govern.js';
import { Impossible } from './impossible.js';
import { noHost } from './names.js';
import type { Exclusions, Outcome, Score } from './outcome.js';

type Suggested = Pick<Suggestion, 'field' | 'value'>;

type StepOf<V extends string> = Extract<Step, { [K in V]: unknown }>;

/** @throws Impossible */
export function take(cluster: Cluster, step: Step): Outcome {
  if ('place' in step) return place(cluster, step);
  if ('remove' in step) return remove(cluster, step.remove);
  if ('refuse' in step) return refuse(cluster, step.refuse);
  if ('set' in step) return set(cluster, step.set);
  if ('join' in step) {
    cluster.join(step.join);
    return { kind: 'done', message: `${counted(step.join.ids.length, 'host')} joined` };
  }
  if ('lose' in step) return lose(cluster, step.lose);
  if ('evacuate' in step) return evacuate(cluster, hostsIn(cluster, step.evacuate));
  if ('explain' in step) return explain(cluster, step.explain);
  if ('lend' in step) return lend(cluster, step.lend);
  if ('recall' in step) return recall(cluster, step.recall);
  if ('breaches' in step) return breaches(cluster, step.breaches.administration ?? null);
  if ('wait' in step) {
    cluster.wait(step.wait.days);
    return { kind: 'done', message: `${counted(step.wait.days, 'day')} later` };
  }
  return capacity(cluster, step.capacity, step.capacity.limit);
}

function set(cluster: Cluster, change: StepOf<'set'>['set']): Outcome {
  if (isOfTenancy(change)) return govern(cluster, change);
  if ('site' in change) cluster.setSite(change);
  else cluster.setHost(change);
  return { kind: 'done', message: 'done' };
}

function place(cluster: Cluster, { place: asked, bestEffort, displace }: StepOf<'place'>): Outcome {
  const vms = asked.flatMap(({ names, shape }) => names.map((name) => ({ name, shape })));
  const first = vms[0]?.shape as Shape;
  const outcome = cluster.try({
    type: 'vm.create',
    administration: cluster.administrationOf(first),
    vms: vms.map(({ name, shape }) => cluster.newVm(name, cluster.shape(shape))),
    operation: cluster.draw('operation'),
    bestEffort,
    ...(displace === undefined ? {} : { preemption: stopped(cluster, displace) }),
  });
  if ('refusal' in outcome) return refused(cluster, outcome.refusal, vms.length === 1 ? first : null);
  const { vms: made, refused: others } = outcome.reply;
  return {
    kind: 'placed',
    vms: [
      ...made.map(({ id, host }) => ({ name: id, host: host as string })),
      ...others.map(({ id }) => ({ name: id, host: noHost })),
    ],
    refused: others.map(({ id, refusal }) => ({ name: id, message: refusal.message })),
  };
}

/** Stops VMs, and names them as they are then. */
function stopped(cluster: Cluster, names: readonly string[]): Displaced[] {
  return names.map((name) => {
    const vm = cluster.vm(name);
    if (vm === undefined) throw new Impossible(`there is no VM "${name}"`);
    const { uid } = vm;
    const operation = cluster.draw('operation');
    cluster.run({ type: 'vm.stop', vm: { uid }, mode: 'graceful', graceSeconds: 60, operation, etag: '' });
    say(cluster, name, 'stopped');
    return { uid, etag: etagOf(vm.revision) };
  });
}

function refused(cluster: Cluster, refusal: Refusal, alone: Shape | null): Outcome {
  const { metadata } = refusal;
  const excluded: Exclusions['excluded'] = {};
  for (const code of exclusionCodes)
    if (metadata[code] !== undefined) excluded[code] = Number(metadata[code]);
  const outcome = { ...refusedOutcome(refusal), excluded };
  // Only a refusal for want of a host has counted hosts.
  if (metadata['hosts'] === undefined || alone === null) return outcome;
  const { suggestion_field: field, suggestion_value: value = '' } = metadata;
  // The refusal does not say which reasons stand alone; nothing has changed since, so the question can be asked again.
  const { explanation } = asked(cluster, alone);
  const why = exclusionsIn(explanation, field === undefined ? null : { field, value });
  return { ...outcome, why };
}

function remove(cluster: Cluster, names: readonly string[]): Outcome {
  let removed = 0;
  for (const name of names) {
    const vm = cluster.vm(name);
    // One that was refused a place is not there to leave: in a scenario that tries another cluster this may be.
    if (vm === undefined) continue;
    const { uid, host } = vm;
    cluster.run({ type: 'vm.delete', vm: { uid }, operation: cluster.draw('operation'), etag: '' });
    if (host !== null) say(cluster, name, 'absent');
    removed += 1;
  }
  return { kind: 'done', message: `${counted(removed, 'VM')} left` };
}

function refuse(cluster: Cluster, name: string): Outcome {
  say(cluster, name, 'refused');
  const vm = cluster.vm(name);
  if (vm === undefined) throw new Impossible(`VM "${name}" is gone`);
  if (vm.host !== null) return { kind: 'placed', vms: [{ name, host: vm.host }], refused: [] };
  return { kind: 'unplaced', message: `no host has it: ${vm.fault?.message ?? ''}` };
}

/** What the agent of a VM's host would say of it. */
function say(cluster: Cluster, name: string, state: 'absent' | 'refused' | 'stopped'): void {
  const vm = cluster.vm(name);
  if (vm === undefined || vm.host === null) throw new Impossible(`no host has VM "${name}"`);
  const { uid, term, generation, rebootCount } = vm;
  const fault =
    state !== 'refused' ? null : { code: 9, reason: 'REFUSED', message: `host "${vm.host}" has refused it` };
  const observation = { uid, term, generation, state, rebootCount, fault };
  cluster.run({ type: 'host.observe', id: vm.host, observation });
}

function lose(cluster: Cluster, lost: Loss): Outcome {
  const hosts = hostsIn(cluster, lost);
  for (const { id } of hosts) cluster.lose(id);
  return { kind: 'done', message: `${counted(hosts.length, 'host')} lost` };
}

/** @throws Impossible when there is none. */
function hostsIn(cluster: Cluster, lost: Loss): Host[] {
  const isMeant = (host: Host) =>
    'host' in lost
      ? host.id === lost.host
      : host.site === lost.site && (lost.rack === undefined || host.rack === lost.rack);
  const hosts = [...cluster.state.hosts.values()].filter((host) => host.state !== 'retired' && isMeant(host));
  if (hosts.length === 0) throw new Impossible('there is no such host');
  return hosts;
}

function asked(cluster: Cluster, shape: Shape) {
  const found = explainPlacement(cluster.state, cluster.administrationOf(shape), cluster.shape(shape));
  if (found.refusal) throw new Impossible(found.refusal.message);
  return found.answer;
}

function explain(cluster: Cluster, shape: Shape): Outcome {
  const { chosen, runnerUp, explanation, suggestion, displacement } = asked(cluster, shape);
  const { hosts, eligible, misses, extraMisses, lackedExtras, exceeded } = explanation;
  return {
    kind: 'explained',
    chosen: scoreOf(chosen),
    runnerUp: scoreOf(runnerUp),
    hosts,
    eligible,
    misses: Object.fromEntries(misses),
    extraMisses: Object.fromEntries(extraMisses),
    lackedExtras: Object.fromEntries(lackedExtras),
    displaces: displacement?.vms.map(({ id }) => id) ?? [],
    displaceHost: displacement?.host.id ?? noHost,
    exceeded: exceeded.map(subjectOf),
    ...exclusionsIn(explanation, suggestion),
  };
}

function capacity(cluster: Cluster, shape: Shape, limit: number): Outcome {
  const administration = cluster.administrationOf(shape);
  const found = estimateCapacity(cluster.state, administration, cluster.shape(shape), limit);
  if (found.refusal) throw new Impossible(found.refusal.message);
  const { vms, limited, bySite } = found;
  return { kind: 'capacity', vms, limited, bySite: Object.fromEntries(bySite) };
}

function scoreOf(score: HostScore | null): Score | null {
  if (score === null) return null;
  const { host, softViolations, sparedForGpus, tier, numaCells } = score;
  const { price, preference } = tier;
  return {
    host: host.id,
    softViolations,
    sparedForGpus,
    priceTier: price,
    sitePreference: preference,
    numaCells,
  };
}

function exclusionsIn({ excluded, temporary }: Explanation, suggestion: Suggested | null): Exclusions {
  const hosts: Exclusions['excluded'] = {};
  const sole: Exclusions['sole'] = {};
  for (const [code, counts] of excluded) {
    hosts[code] = counts.hosts;
    if (counts.sole > 0) sole[code] = counts.sole;
  }
  return { excluded: hosts, sole, suggestion: suggestionText(suggestion), temporary };
}

function suggestionText(suggestion: Suggested | null): string {
  if (suggestion === null) return 'none';
  return suggestion.value === '' ? suggestion.field : `${suggestion.field}=${suggestion.value}`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
