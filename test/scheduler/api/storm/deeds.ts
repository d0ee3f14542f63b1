/**
 * What calls have brought about, as sentences that both sides can write: one from an answer that was acknowledged, one
 * from a decision of the journal. Whatever was acknowledged is in the journal, and what is there was acknowledged to
 * somebody, since every call is repeated until its answer is known.
 */
import type { Change } from '../../../../scheduler/core/changes.js';
import type { State } from '../../../../scheduler/core/state.js';
import { scopeKey } from '../../../../scheduler/core/tenancy/scope.js';
import type { MethodName, RequestOf, ResponseOf } from '../client.js';

type Answers = { [M in MethodName]?: (response: ResponseOf<M>, request: RequestOf<M>) => string[] };

interface ShownVm {
  uid: string;
  etag: string;
  dataClass: string;
  spec: { vcpus: number; memoryMib: number; diskMib: number } | null;
}
interface ShownOperation {
  name: string;
  verb: string;
}
interface Shown {
  name: string;
  etag: string;
}

const last = (name: string) => name.slice(name.lastIndexOf('/') + 1);
const revision = ({ etag }: { etag: string }) => etag.replaceAll('"', '');
const sizes = ({ vcpus, memoryMib, diskMib }: { vcpus: number; memoryMib: number; diskMib: number }) =>
  `${vcpus}/${memoryMib}/${diskMib}`;
const limits = (
  limit: { vcpus?: unknown; memoryMib?: unknown; diskMib?: unknown; vms?: unknown } | null | undefined,
) => [limit?.vcpus, limit?.memoryMib, limit?.diskMib, limit?.vms].map((most) => most ?? '-').join('/');

function ordered(vm: ShownVm | null, operation: ShownOperation | null): string[] {
  if (vm === null || operation === null) return [];
  return [`${operation.verb} ${last(operation.name)} of ${vm.uid}`];
}

const order = ({ vm, operation }: { vm: ShownVm | null; operation: ShownOperation | null }) =>
  ordered(vm, operation);
const kept = (kind: string) => (shown: Shown | null) =>
  shown === null ? [] : [`${kind} ${last(shown.name)} at ${revision(shown)}`];
const gone = (kind: string) => (_: unknown, request: { name?: string }) => [
  `${kind} ${last(request.name ?? '')} deleted`,
];
const [agreement, rule, partner, administration] = ['agreement', 'rule', 'partner', 'administration'].map(
  kept,
) as [ReturnType<typeof kept>, ReturnType<typeof kept>, ReturnType<typeof kept>, ReturnType<typeof kept>];

const answers: Answers = {
  CreateVm: order,
  BatchCreateVms: ({ vms, operation }) => vms.flatMap((vm) => ordered(vm, operation)),
  ResizeVm: (response) => [...order(response), ...resized(response.vm)],
  StartVm: order,
  StopVm: order,
  DeleteVm: order,
  MigrateVm: order,
  UpdateVm: ({ vm }) =>
    vm === null ? [] : [`VM ${vm.uid} at ${revision(vm)} of class ${last(vm.dataClass)}`],
  SetQuota: ({ quota }, { limit }) =>
    quota === null
      ? []
      : [
          `quota ${keyOf(quota.name)} of ${ms(quota.createTime)} at ${revision(quota)} allows ${limits(limit)}`,
        ],
  DeleteQuota: (_, { name = '' }) => [`quota ${keyOf(name)} deleted`],
  CreateLoan: ({ loan }) => [`loan ${last(loan?.name ?? '')} made`],
  RecallLoan: ({ loan }) => [`loan ${last(loan?.name ?? '')} recalled`],
  CreateAgreement: (response) => agreement(response.agreement),
  UpdateAgreement: (response) => agreement(response.agreement),
  RecallAgreement: (response) => agreement(response.agreement),
  DeleteAgreement: gone('agreement'),
  CreateResidencyRule: (response) => rule(response.residencyRule),
  UpdateResidencyRule: (response) => rule(response.residencyRule),
  DeleteResidencyRule: gone('rule'),
  CreatePartner: (response) => partner(response.partner),
  UpdatePartner: (response) => partner(response.partner),
  CreateAdministration: (response) => administration(response.administration),
  UpdateAdministration: (response) => administration(response.administration),
  MoveAdministration: (response) => administration(response.administration),
  SuspendAdministration: (response) => administration(response.administration),
  ResumeAdministration: (response) => administration(response.administration),
};

function resized(vm: ShownVm | null): string[] {
  return vm?.spec == null ? [] : [`VM ${vm.uid} at ${revision(vm)} of size ${sizes(vm.spec)}`];
}

/** `administrations/a/quotas/everywhere` as `a/everywhere`. */
function keyOf(name: string): string {
  const [, owner, , scope] = name.split('/');
  return `${owner}/${scope}`;
}

const ms = (time: { seconds: number; nanos: number } | null) =>
  time === null ? 0 : time.seconds * 1000 + Math.round(time.nanos / 1e6);

/** Deeds of one side. What can be done again and again in the same words is numbered. */
export class Deeds {
  readonly all = new Set<string>();
  readonly #deletions = new Map<string, number>();

  /** Gives the deed as it is kept. */
  add(deed: string): string {
    if (!deed.endsWith(' deleted')) {
      this.all.add(deed);
      return deed;
    }
    const count = (this.#deletions.get(deed) ?? 0) + 1;
    this.#deletions.set(deed, count);
    this.all.add(`${deed} (${count})`);
    return `${deed} (${count})`;
  }

  /** Those that another side does not have. */
  beyond(other: Deeds): string[] {
    return [...this.all].filter((deed) => !other.all.has(deed));
  }
}

/** What an answer says was done. */
export function deedsOfAnswer<M extends MethodName>(
  method: M,
  response: ResponseOf<M>,
  request: RequestOf<M>,
): string[] {
  return answers[method]?.(response, request) ?? [];
}

/** What a decision has done for a caller, from the state that it has led to. */
export function deedsOfDecision(state: State, changes: readonly Change[]): string[] {
  // What gives a VM its size back, since its host could not resize it, was nobody's call.
  const ordered = changes.some(
    (change) => change.type === 'operation.started' && change.operation.verb === 'resize',
  );
  return changes.flatMap((change) =>
    change.type === 'vm.resized' && !ordered ? [] : deedsOfChange(state, change),
  );
}

function deedsOfChange(state: State, change: Change): string[] {
  switch (change.type) {
    case 'operation.started': {
      const { id, verb, targets } = change.operation;
      return targets.map((uid) => `${verb} ${id} of ${uid}`);
    }
    case 'vm.updated':
      return [`VM ${change.uid} at ${state.vms.get(change.uid)?.revision} of class ${change.dataClass}`];
    case 'vm.resized': {
      const vm = state.vms.get(change.uid);
      return vm === undefined ? [] : [`VM ${vm.uid} at ${vm.revision} of size ${sizes(vm.spec)}`];
    }
    case 'quota.set': {
      const { administration: owner, scope, limit, revision: at, createdMs } = change.quota;
      return [`quota ${owner}/${scopeKey(scope)} of ${createdMs} at ${at} allows ${limits(limit)}`];
    }
    case 'quota.deleted':
      return [`quota ${change.administration}/${scopeKey(change.scope)} deleted`];
    case 'loan.set':
      // An expiry was nobody's call.
      if (change.loan.state === 'expired') return [];
      return [`loan ${change.loan.id} ${change.loan.state === 'active' ? 'made' : 'recalled'}`];
    case 'agreement.set':
      return [`agreement ${change.agreement.id} at ${change.agreement.revision}`];
    case 'agreement.deleted':
      return [`agreement ${change.id} deleted`];
    case 'residency.set':
      return [`rule ${change.rule.id} at ${change.rule.revision}`];
    case 'residency.deleted':
      return [`rule ${change.id} deleted`];
    case 'partner.set':
      return [`partner ${change.partner.id} at ${change.partner.revision}`];
    case 'administration.created':
      return [`administration ${change.administration.id} at 1`];
    case 'administration.updated':
    case 'administration.moved':
    case 'administration.suspended':
      return [`administration ${change.id} at ${state.administrations.get(change.id)?.revision}`];
    default:
      return [];
  }
}
