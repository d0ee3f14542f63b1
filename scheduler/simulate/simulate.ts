/**
 * Runs a scenario through the scheduler's own core: the text goes in, and what came of it comes out. Nothing is read,
 * waited for or drawn by chance, so the same text always gives the same report.
 */
import type { Host, HostState, Resources } from '../core/model.js';
import type { State } from '../core/state.js';
import type { Cluster } from './cluster.js';
import { differences } from './expectation.js';
import { at, ImpossibleAt } from './impossible.js';
import type { Outcome } from './outcome.js';
import { take } from './run.js';
import { setUp } from './set-up.js';
import { read } from './source.js';

export interface StepReport {
  /** The step as it is written, without what was expected. */
  step: Record<string, unknown>;
  outcome: Outcome;
  expected: unknown;
  /** Whether it came as expected; null when nothing was. */
  held: boolean | null;
  differences: string[];
}

export interface HostReport {
  id: string;
  site: string;
  rack: string;
  state: HostState;
  cordoned: boolean;
  siteCordoned: boolean;
  siteRecovering: boolean;
  used: Resources;
  /** Of the vCPUs, what its overcommit makes of them. */
  total: Resources;
  /** By name; also those that it has no more. */
  extras: Record<string, { used: number; total: number }>;
}

export interface Report {
  about: string;
  steps: StepReport[];
  /** As they are in the end, by id. */
  hosts: HostReport[];
  /** How many expectations there are, and how many of them hold. */
  expectations: number;
  held: number;
}

/** @throws ScenarioError for a text that is no scenario, or that asks for what is impossible. */
export function simulate(text: string): Report {
  const source = read(text);
  const steps: StepReport[] = [];
  try {
    const cluster = setUp(source.scenario);
    for (const [index, step] of source.scenario.steps.entries()) {
      const { expect: expected, ...written } = source.steps[index] as Record<string, unknown>;
      const outcome = at(['steps', index], () => take(cluster, step));
      const wrong = 'expect' in step && step.expect !== undefined ? differences(step.expect, outcome) : null;
      steps.push({
        step: written,
        outcome,
        expected: expected ?? null,
        held: wrong === null ? null : wrong.length === 0,
        differences: wrong ?? [],
      });
    }
    return {
      about: source.scenario.about,
      steps,
      hosts: hostsOf(cluster),
      expectations: steps.filter(({ held }) => held !== null).length,
      held: steps.filter(({ held }) => held === true).length,
    };
  } catch (error) {
    if (error instanceof ImpossibleAt) throw source.error(error);
    throw error;
  }
}

function hostsOf({ state }: Cluster): HostReport[] {
  const hosts = [...state.hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return hosts.map((host) => ({
    id: host.id,
    site: host.site,
    rack: host.rack,
    state: host.state,
    cordoned: host.cordoned,
    siteCordoned: state.sites.get(host.site)?.cordoned === true,
    siteRecovering: state.federation.recoveringSites.includes(host.site),
    used: state.hostTable.claimed(host.id),
    total: state.hostTable.capacity(host),
    extras: extrasOf(state, host),
  }));
}

function extrasOf(state: State, { id, capacity }: Host): HostReport['extras'] {
  const used = state.hostTable.claimedExtras(id);
  const total = capacity.extras ?? {};
  const names = [...new Set([...Object.keys(total), ...Object.keys(used)])].sort();
  return Object.fromEntries(names.map((name) => [name, { used: used[name] ?? 0, total: total[name] ?? 0 }]));
}
