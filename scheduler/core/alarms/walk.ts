/**
 * All alarms of a state, one step at a time. A state may have a hundred thousand hosts, and nobody may be held up for as long
 * as looking at them takes: whoever walks rests between steps as it likes, and the state may change meanwhile. An alarm is
 * true in the moment in which it is told. Of VMs only those are looked at that may be one: the others are many.
 */
import { isSilent } from '../lifecycle/host.js';
import type { Host, Vm } from '../model.js';
import type { State } from '../state.js';
import { scopeKey } from '../tenancy/scope.js';
import type { Alarm, Surroundings } from './alarm.js';
import { clockAlarm } from './clock-alarm.js';
import { hostCertificateAlarms, ownCertificateAlarms } from './certificate-alarms.js';
import { drainAlarm } from './drain-alarms.js';
import { hostAlarms } from './host-alarms.js';
import { siteAlarms } from './site-alarms.js';
import { agreementAlarm, breachAlarm, loanAlarm, quotaAlarm } from './tenancy-alarms.js';
import { vmAlarm } from './vm-alarms.js';

export interface Walker {
  alarm(alarm: Alarm): void;
  /** Looks at each host on the way. */
  host?(host: Host): void;
}

/**
 * Yields after each step. For an administration's subtree (`top`) hosts themselves are passed over, and its VMs on those
 * that are silent are told one by one; loans, agreements and breaches are few, and told whole.
 */
export function* walkAlarms(
  state: State,
  surroundings: Surroundings,
  top: string | null,
  walker: Walker,
): Generator<void> {
  const { nowMs } = surroundings;
  const { tenancy } = state;
  const tell = (alarm: Alarm | null) => {
    if (alarm !== null) walker.alarm(alarm);
  };
  if (top === null) {
    for (const alarm of ownCertificateAlarms(surroundings)) tell(alarm);
    tell(clockAlarm(state));
    for (const alarm of siteAlarms(state)) tell(alarm);
  }
  for (const host of state.hosts.values()) {
    if (top !== null) yield* onSilentHost(state, host, top, (vm) => tell(vmAlarm(state, vm, nowMs)));
    else {
      for (const alarm of hostAlarms(state, host)) tell(alarm);
      tell(drainAlarm(state, host, nowMs));
      for (const alarm of hostCertificateAlarms(host, nowMs)) tell(alarm);
      walker.host?.(host);
    }
    yield;
  }
  for (const breach of tenancy.breaches.values()) {
    tell(breachAlarm(breach));
    yield;
  }
  for (const { administration, scope } of tenancy.quotas.values()) {
    const meter = tenancy.tree.node(administration).meters.get(scopeKey(scope));
    const isAsked = top === null || state.isWithin(administration, top);
    if (meter !== undefined && isAsked) tell(quotaAlarm(state, meter));
    yield;
  }
  for (const loan of tenancy.loans.values()) {
    tell(loanAlarm(loan, nowMs));
    yield;
  }
  for (const agreement of tenancy.agreements.values()) {
    tell(agreementAlarm(agreement, nowMs));
    yield;
  }
  for (const vm of state.vmStates.troubled) {
    if (top === null || state.isWithin(vm.administration, top)) tell(vmAlarm(state, vm, nowMs));
    yield;
  }
}

/** VMs of a subtree on a host that is silent, but for those that are looked at anyway. */
function* onSilentHost(state: State, host: Host, top: string, look: (vm: Vm) => void): Generator<void> {
  if (!isSilent(host.state)) return;
  for (const vm of state.vmsOfHost(host.id)) {
    if (state.isWithin(vm.administration, top) && !state.vmStates.troubled.has(vm)) look(vm);
    yield;
  }
}
