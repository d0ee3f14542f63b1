/** Steps that change who may use what, and where. Each is decided, so each may be refused. */
import type { CommandOf, CommandType } from '../core/commands.js';
import type { Refusal } from '../core/refusal.js';
import { plannedHost } from '../core/tenancy/answers.js';
import { vmsInBreach } from '../core/tenancy/stay.js';
import type { Cluster } from './cluster.js';
import type { Step } from './format.js';
import type { TenancyChange } from './format-tenancy.js';
import { Impossible } from './impossible.js';
import { noHost } from './names.js';
import type { Outcome } from './outcome.js';
import { endOf } from './set-up-tenancy.js';

type StepOf<V extends string> = Extract<Step, { [K in V]: unknown }>;

const etag = '';

export function govern(cluster: Cluster, change: TenancyChange): Outcome {
  if ('quota' in change) {
    const { quota: administration, scope, limit } = change;
    if (limit === 'none') return attempt(cluster, { type: 'quota.delete', administration, scope, etag });
    return attempt(cluster, { type: 'quota.set', administration, scope, limit, etag });
  }
  if ('administration' in change) return reorganise(cluster, change);
  if ('partner' in change) {
    const { partner: id, ...terms } = change;
    return attempt(cluster, { type: 'partner.update', id, ...terms, etag });
  }
  if ('rule' in change) {
    const { rule: id, ...terms } = change;
    return attempt(cluster, { type: 'residency.update', id, ...terms, etag });
  }
  if ('agreement' in change) {
    const { agreement: id, percent: limitPercent, ...terms } = change;
    return attempt(cluster, { type: 'agreement.update', id, limitPercent, ...terms, etag });
  }
  const vm = cluster.vm(change.vm);
  if (vm === undefined) throw new Impossible(`there is no VM "${change.vm}"`);
  return attempt(cluster, { type: 'vm.update', vm: { uid: vm.uid }, dataClass: change.class, etag });
}

type Reorganisation = Extract<TenancyChange, { administration: string }>;

/** A move is the only part of it that may be refused. */
function reorganise(cluster: Cluster, change: Reorganisation): Outcome {
  const { administration: id, parent, suspended, stoppedVms } = change;
  if (parent !== undefined) {
    const outcome = attempt(cluster, { type: 'administration.move', id, parent, etag });
    if (outcome.kind === 'refused') return outcome;
  }
  if (suspended !== undefined) cluster.run({ type: 'administration.suspend', id, suspended });
  if (stoppedVms !== undefined) cluster.run({ type: 'administration.update', id, stoppedVms, etag });
  return { kind: 'done', message: 'done' };
}

export function lend(cluster: Cluster, { days, ...loan }: StepOf<'lend'>['lend']): Outcome {
  return attempt(cluster, { type: 'loan.create', ...loan, untilMs: endOf(cluster, days), note: '' });
}

export function recall(cluster: Cluster, recalled: StepOf<'recall'>['recall']): Outcome {
  if ('loan' in recalled) return attempt(cluster, { type: 'loan.recall', id: recalled.loan, etag });
  return attempt(cluster, { type: 'agreement.recall', id: recalled.agreement, etag });
}

function attempt<T extends CommandType>(cluster: Cluster, command: CommandOf<T>): Outcome {
  const outcome = cluster.try(command);
  if ('refusal' in outcome) return refusedOutcome(outcome.refusal);
  return { kind: 'done', message: 'done' };
}

/** A refusal for which no hosts were looked at. */
export function refusedOutcome(refusal: Refusal): Extract<Outcome, { kind: 'refused' }> {
  const { reason, message } = refusal;
  return { kind: 'refused', reason, message, excluded: {}, exceeded: exceededIn(refusal), why: null };
}

function exceededIn({ quota = [] }: Refusal): string[] {
  return quota.map(({ subject }) => subject);
}

/** Those that were made first come first. */
export function breaches({ state }: Cluster, ancestor: string | null): Outcome {
  const found = [...vmsInBreach(state, ancestor)];
  found.sort((one, other) => one.vm.createdSequence - other.vm.createdSequence);
  const vms = found.map(({ vm, breach }) => {
    const planned = plannedHost(state, vm);
    return {
      name: vm.id,
      host: vm.host ?? noHost,
      reason: breach.code,
      because: breach.because,
      to: planned.noHost === undefined ? planned.host.id : noHost,
      noHost: planned.noHost?.message ?? null,
    };
  });
  return { kind: 'breaches', vms };
}
