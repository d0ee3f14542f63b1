/** Whose agent can power a host off (PROTOCOL F2): another of its site, which reaches the controller that the host said it has. */
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import type { Host } from '../core/model.js';
import type { State } from '../core/state.js';
import { cutText } from '../core/text.js';
import { idIn } from '../render/names.js';
import type { AgentSession } from './session.js';

/** A host that an agent is set up to power off. */
export interface FenceTarget {
  host: string;
  controllerGuid: string;
  /** What is in the way; empty when nothing is. */
  problem: string;
}

const mostTargets = 1000;

/** What an agent says of the hosts that it can power off. */
export function fenceTargetsIn(report: Report__Output | null): FenceTarget[] {
  return (report?.fenceTargets ?? []).slice(0, mostTargets).flatMap((target) => {
    const host = idIn('host', target.host);
    if (host === null) return [];
    return [{ host, controllerGuid: target.controllerGuid, problem: cutText(target.problem, 200) }];
  });
}

/** The agent that is to do it, each in its turn when it has to be tried again; or why nobody can. */
export function findFencer(
  state: State,
  host: Host,
  sessions: ReadonlyMap<string, AgentSession>,
): AgentSession | string {
  const guid = String(host.inventory?.['controllerGuid'] ?? '');
  const able: AgentSession[] = [];
  const problems: string[] = [];
  for (const session of sessions.values()) {
    const other = state.hosts.get(session.host);
    if (other?.site !== host.site || other.id === host.id || session.ended) continue;
    const target = session.fenceTargets.find((one) => one.host === host.id);
    if (target === undefined) continue;
    const problem = whyNot(other, target, guid);
    if (problem === '') able.push(session);
    else problems.push(`${other.id}: ${problem}`);
  }
  able.sort((a, b) => (a.host < b.host ? -1 : 1));
  const next = able[(host.fence?.attempts ?? 0) % Math.max(1, able.length)];
  if (next !== undefined) return next;
  const why =
    problems.length === 0
      ? `no connected agent of site ${host.site} is set up to power it off`
      : cutText(problems.sort().join('; '), 300);
  return `${why}; when you know that it is off: secovia host fence-confirm ${host.id} --reason WHY`;
}

function whyNot(fencer: Host, { controllerGuid, problem }: FenceTarget, guid: string): string {
  if (fencer.state !== 'ready') return `it is ${fencer.state} itself`;
  if (problem !== '') return problem;
  if (guid === '') return 'the host never said which management controller it has';
  return controllerGuid === guid ? '' : 'the controller there is another than the host said it has';
}
