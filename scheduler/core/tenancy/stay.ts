/** Whether a VM may stay, start or grow where it is: the same limits and rules as when it is placed. */
import type { Vm } from '../model.js';
import type { Refusal } from '../refusal.js';
import { refuse } from '../refusal.js';
import { heldWithExtras, type State } from '../state.js';
import { growthOf, type Held } from './holdings.js';
import type { Agreement, Breach } from './model.js';
import { refuseExceeded, refuseSuspended, refuseUnlawful } from './refusals.js';
import { defaultClass } from './residency.js';
import type { Exceeded } from './limits.js';

/** The refusal for an administration that is suspended itself, or below one that is. */
export function suspendedAbove(state: State, administration: string): Refusal | null {
  if (state.suspended.size === 0) return null;
  for (const { id } of state.tenancy.tree.node(administration).upwards()) {
    const one = state.administrations.get(id);
    if (one?.suspended === true) return refuseSuspended(one);
  }
  return null;
}

/** Whether a VM may not hold this instead of what it holds, on the host that it has. */
export function refuseGrowth(state: State, vm: Vm, after: Held): Refusal | null {
  const site = siteOfVm(state, vm);
  if (site === undefined) return null;
  const growth = growthOf(after, heldWithExtras(vm));
  const { tenancy } = state;
  const node = tenancy.tree.node(vm.administration);
  const exceeded: Exceeded[] = [];
  for (const meter of tenancy.tree.route(node, tenancy.tree.cell(node, site))) {
    const short = meter.shortage(growth);
    if (short !== null) exceeded.push({ ...short, code: 'QUOTA_EXCEEDED', quota: meter.quota });
  }
  const agreement = vm.agreement === undefined ? undefined : tenancy.agreements.get(vm.agreement);
  if (agreement !== undefined) {
    const short = tenancy.agreementMeter(agreement).shortage(growth, growth);
    if (short !== null) exceeded.push({ ...short, agreement });
  }
  const [first, ...others] = exceeded;
  return first === undefined ? null : refuseExceeded([first, ...others]);
}

/**
 * Whether a VM may not start where it is: its data may not be there any more, or its agreement has ended. A VM in breach
 * may until the date that its rule states; one whose agreement has its notice running still may.
 */
export function refuseStart(state: State, vm: Vm, nowMs: number): Refusal | null {
  return suspendedAbove(state, vm.administration) ?? refusePlace(state, vm, 'start', nowMs);
}

/** Whether a VM may not be enlarged where it is. No notice or date helps: it has to leave. */
export function refuseEnlarging(state: State, vm: Vm): Refusal | null {
  return suspendedAbove(state, vm.administration) ?? refusePlace(state, vm, 'grow', null);
}

function refusePlace(state: State, vm: Vm, verb: 'start' | 'grow', nowMs: number | null): Refusal | null {
  const site = siteOfVm(state, vm);
  const administration = state.administrations.get(vm.administration);
  if (site === undefined || administration === undefined) return null;
  const { dataClass = defaultClass } = vm;
  const { lawful, rule } = state.tenancy.residency(administration, dataClass, site);
  if (!lawful && (nowMs === null || nowMs >= (rule?.startUntilMs ?? 0))) {
    const what = `VM "${vm.id}" may not ${verb} where it is, and has to be moved`;
    return refuseUnlawful(administration.id, dataClass, site, rule?.id ?? null, what);
  }
  const agreement = vm.agreement === undefined ? undefined : state.tenancy.agreements.get(vm.agreement);
  if (agreement !== undefined && !serves(agreement, verb)) {
    return refuse(
      'precondition',
      'AGREEMENT_ENDED',
      `VM "${vm.id}" may not ${verb} on site "${site.id}": agreement "${agreement.id}" ${agreement.recalled ? 'was recalled' : 'has expired'}; have it moved, or the agreement extended (secovia agreement update ${agreement.id} --until)`,
      { agreement: agreement.id, site: site.id },
    );
  }
  return null;
}

function serves({ state }: Agreement, verb: 'start' | 'grow'): boolean {
  return state === 'in_force' || (state === 'notice' && verb === 'start');
}

/** Whether data of a class may not be where a VM is. */
export function refuseClass(state: State, vm: Vm, dataClass: string): Refusal | null {
  const site = siteOfVm(state, vm);
  const administration = state.administrations.get(vm.administration);
  if (site === undefined || administration === undefined) return null;
  const { lawful, rule } = state.tenancy.residency(administration, dataClass, site);
  if (lawful) return null;
  const what = `VM "${vm.id}" cannot have this class where it is`;
  return refuseUnlawful(administration.id, dataClass, site, rule?.id ?? null, what);
}

function siteOfVm(state: State, { host }: Vm) {
  const found = host === null ? undefined : state.hosts.get(host);
  return found === undefined ? undefined : state.siteOf(found);
}

export const residencyBreachId = (administration: string, dataClass: string, site: string): string =>
  `residency ${administration} ${dataClass} ${site}`;
export const serviceBreachId = (administration: string, site: string): string =>
  `service ${administration} ${site}`;
export const agreementBreachId = (agreement: string): string => `agreement ${agreement}`;

/** The breach that a VM is part of; null when it is where it may be. */
export function breachOf(state: State, vm: Vm): Breach | null {
  const { breaches } = state.tenancy;
  if (breaches.size === 0 || vm.host === null) return null;
  const site = state.hosts.get(vm.host)?.site ?? '';
  const { administration, dataClass = defaultClass, agreement } = vm;
  return (
    breaches.get(residencyBreachId(administration, dataClass, site)) ??
    (agreement === undefined
      ? breaches.get(serviceBreachId(administration, site))
      : breaches.get(agreementBreachId(agreement))) ??
    null
  );
}

/** The VMs in breach of a subtree, or with null of all, in the order of their creation within an administration. */
export function* vmsInBreach(state: State, ancestor: string | null): Iterable<{ vm: Vm; breach: Breach }> {
  if (state.tenancy.breaches.size === 0) return;
  const vms = ancestor === null ? state.vms.values() : state.vmsWithin(ancestor);
  for (const vm of vms) {
    const breach = breachOf(state, vm);
    if (breach !== null) yield { vm, breach };
  }
}
