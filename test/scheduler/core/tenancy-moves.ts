/** Moves of random histories that are about tenancy: plain data, turned into commands as in `script.ts`. */
import fc from 'fast-check';
import type { Command } from '../../../scheduler/core/commands.js';
import type { Beneficiary, Limits, Places, Scope } from '../../../scheduler/core/tenancy/model.js';
import type { World } from './world.js';

export const govern = fc.record({
  move: fc.constantFrom(
    'setQuota' as const,
    'setQuota' as const,
    'setQuota' as const,
    'deleteQuota' as const,
    'lend' as const,
    'lend' as const,
    'lend' as const,
    'lend' as const,
    'recallLoan' as const,
    'createPartner' as const,
    'updatePartner' as const,
    'deletePartner' as const,
    'deletePartner' as const,
    'createClass' as const,
    'deleteClass' as const,
    'createRule' as const,
    'updateRule' as const,
    'deleteRule' as const,
    'agree' as const,
    'agree' as const,
    'updateAgreement' as const,
    'recallAgreement' as const,
    'deleteAgreement' as const,
    'updateAdministration' as const,
    'moveAdministration' as const,
    'suspend' as const,
    'classify' as const,
  ),
  a: fc.nat(3),
  b: fc.nat(3),
  id: fc.nat(2),
  scope: fc.nat(4),
  amount: fc.integer({ min: 0, max: 12 }),
  kind: fc.nat(3),
  on: fc.boolean(),
  soon: fc.constantFrom(0, 0, 1, 20_000),
});

export type Government = typeof govern extends fc.Arbitrary<infer T> ? T : never;

const scopes: readonly Scope[] = [
  { kind: 'everywhere' },
  { kind: 'everywhere' },
  { kind: 'country', country: 'HR' },
  { kind: 'country', country: 'SI' },
  { kind: 'site', site: 's1' },
];

const places: readonly Places[] = [
  { countries: ['HR'], jurisdictions: [] },
  { countries: ['SI'], jurisdictions: [] },
  { countries: [], jurisdictions: ['EU'] },
  { countries: ['HR', 'SI'], jurisdictions: [] },
];
const noPlaces: Places = { countries: [], jurisdictions: [] };

function limitOf({ kind, amount }: Government): Limits {
  if (kind === 0) return { vcpus: amount * 2 };
  if (kind === 1) return { memoryMib: amount * 2048, vms: 9 };
  return kind === 2 ? { vms: amount, diskMib: 9000 } : { extras: { 'gpu:a': amount % 4 }, vcpus: 20 };
}

const sameScope = (one: Scope, other: Scope) => JSON.stringify(one) === JSON.stringify(other);

export function governmentOf(world: World, plan: Government): Command {
  const { a, b, id, on, soon, kind } = plan;
  const scope = scopes[plan.scope] as Scope;
  const administration = `a${a}`;
  const etag = '';
  const untilMs = soon === 0 ? null : world.nowMs + soon;
  switch (plan.move) {
    case 'setQuota':
      return { type: 'quota.set', administration, scope, limit: limitOf(plan), etag };
    case 'deleteQuota':
      return { type: 'quota.delete', administration, scope, etag };
    case 'lend': {
      // Between two that are both limited in the same, or it would be refused almost always.
      const quotas = [...world.state.tenancy.quotas.values()];
      const pairs = quotas.flatMap((from) =>
        quotas
          .filter((to) => to.administration !== from.administration && sameScope(to.scope, from.scope))
          .map((to) => ({ from, to })),
      );
      const pair = pairs[plan.amount % Math.max(1, pairs.length)];
      const amount: Limits = pair?.from.limit.vms === undefined ? { vcpus: 1 } : { vms: 1 };
      const until = untilMs ?? world.nowMs + 50_000;
      const lender = pair?.from.administration ?? administration;
      const borrower = pair?.to.administration ?? `a${b}`;
      const between = { lender, borrower, scope: pair?.from.scope ?? scope, amount, untilMs: until };
      return { type: 'loan.create', id: world.draw('loan'), ...between, note: '' };
    }
    case 'recallLoan': {
      const active = [...world.state.tenancy.loans.values()].find(({ state }) => state === 'active');
      return { type: 'loan.recall', id: active?.id ?? 'none', etag };
    }
    case 'createPartner':
      return {
        type: 'partner.create',
        id: `p${id}`,
        title: '',
        country: 'SI',
        administrations: [],
        open: on,
      };
    case 'updatePartner':
      return {
        type: 'partner.update',
        id: on ? 'p' : `p${id}`,
        open: kind > 1,
        administrations: kind === 0 ? [administration] : [],
        etag,
      };
    case 'deletePartner':
      return { type: 'partner.delete', id: `p${id}`, etag };
    case 'createClass':
      return { type: 'class.create', id: `c${id}`, title: '', level: plan.amount * 3 };
    case 'deleteClass':
      return { type: 'class.delete', id: on ? `c${id}` : 'personal' };
    case 'createRule':
      return {
        type: 'residency.create',
        id: `r${id}`,
        dataClass: on ? 'personal' : 'internal',
        administration: b === 3 ? null : administration,
        allowed: kind === 0 ? noPlaces : (places[plan.amount % 4] as Places),
        forbidden: kind === 1 ? noPlaces : (places[b] as Places),
        legalBasis: 'law',
        priority: b,
        fromMs: soon === 1 ? world.nowMs + 1000 : null,
        untilMs: untilMs === null ? null : untilMs + 2000,
        startUntilMs: on ? world.nowMs + 10_000 : null,
      };
    case 'updateRule':
      return { type: 'residency.update', id: `r${id}`, priority: b, allowed: places[kind] as Places, etag };
    case 'deleteRule':
      return { type: 'residency.delete', id: `r${id}`, etag };
    case 'agree': {
      const beneficiary: Beneficiary = on
        ? { kind: 'administration', administration }
        : { kind: 'partner', partner: `p${b}` };
      return {
        type: 'agreement.create',
        id: `g${id}`,
        title: '',
        partner: b === 0 ? `p${id}` : 'p',
        beneficiary,
        limit: kind === 0 ? {} : limitOf(plan),
        limitPercent: kind === 2 ? 50 : null,
        reserve: kind === 3 ? { vcpus: 4 } : {},
        price: {
          currency: 'EUR',
          vcpuMicros: 1000 * a,
          memoryGibMicros: 5,
          diskGibMicros: 1,
          stoppedPercent: 10,
        },
        fromMs: soon === 1 ? world.nowMs + 1000 : null,
        untilMs: untilMs === null ? null : untilMs + 2000,
        noticeDays: on ? 0 : 1,
      };
    }
    case 'updateAgreement':
      return {
        type: 'agreement.update',
        id: `g${id}`,
        limit: limitOf(plan),
        untilMs: world.nowMs + 30_000,
        etag,
      };
    case 'recallAgreement':
      return { type: 'agreement.recall', id: `g${id}`, etag };
    case 'deleteAgreement':
      return { type: 'agreement.delete', id: `g${id}`, etag };
    case 'updateAdministration': {
      const stoppedVms = kind === 0 ? null : kind === 1 ? ('keep' as const) : ('free' as const);
      return { type: 'administration.update', id: administration, title: `t${b}`, stoppedVms, etag };
    }
    case 'moveAdministration':
      return { type: 'administration.move', id: administration, parent: on ? `a${b}` : null, etag };
    case 'suspend':
      return { type: 'administration.suspend', id: administration, suspended: on && kind > 1 };
    case 'classify': {
      const vms = [...world.state.vms.values()];
      const vm = vms[plan.amount % Math.max(1, vms.length)];
      const dataClass = kind === 0 ? `c${id}` : on ? 'personal' : 'internal';
      return { type: 'vm.update', vm: { uid: vm?.uid ?? 'nobody' }, dataClass, etag };
    }
  }
}
