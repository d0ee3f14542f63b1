/** Alarms about VMs that are not what they should be, and do not become it by themselves. */
import { whyHeldBack } from '../elsewhere/held-back.js';
import { isSilent } from '../lifecycle/host.js';
import type { Vm, VmState } from '../model.js';
import type { State } from '../state.js';
import type { Alarm, Severity } from './alarm.js';

/** What passes within this time is no trouble. */
const unknownForMs = 300_000;
/** What no operation waits for any more, or never did, has this time, and that of a guest that shuts itself down. */
const overdueForMs = 900_000;

interface StateAlarm {
  code: string;
  severity: Severity;
  /** After the VM's name. */
  what: string;
  advice(vm: string): string;
}

/** States that are an alarm in a VM that is desired running. */
const ofStates: Partial<Record<VmState, StateAlarm>> = {
  missing: {
    code: 'VM_MISSING',
    severity: 'critical',
    what: 'has vanished from its host, and is not made again by itself',
    advice: (vm) => `find out who removed it; then secovia vm start ${vm}, or delete it`,
  },
  crashed: {
    code: 'VM_CRASHED',
    severity: 'warning',
    what: 'has crashed',
    advice: (vm) => `start it again with secovia vm start ${vm}; its host's log says what its hypervisor saw`,
  },
  paused: {
    code: 'VM_PAUSED',
    severity: 'warning',
    what: 'was paused by its hypervisor, as when a disk is full or cannot be read',
    advice: (vm) => `see to the storage of its host; then secovia vm stop ${vm} --force, and start it`,
  },
  failed: {
    code: 'VM_NOT_PLACED',
    severity: 'warning',
    what: 'has no host',
    advice: (vm) => `secovia vm show ${vm} says why; make room and secovia vm start ${vm}, or delete it`,
  },
};

/** Null for a VM that is well, as nearly all are. What was seen of it last counts while its host is silent, too. */
export function vmAlarm(state: State, vm: Vm, nowMs: number): Alarm | null {
  if (vm.desired === 'deleted') return overdue(state, vm, nowMs);
  const found = ofStates[vm.state];
  // Of what should not run anyway it matters only that it is gone.
  if (found !== undefined && (vm.desired === 'running' || vm.state === 'missing')) return troubled(vm, found);
  const silentMs = silentSinceMs(state, vm);
  const sinceMs = silentMs ?? (vm.state === 'unknown' ? vm.stateMs : null);
  if (sinceMs === null) return overdue(state, vm, nowMs);
  return nowMs - sinceMs < unknownForMs ? null : unknown(vm, sinceMs, silentMs !== null);
}

/** It is not what it should be, and its host is there and does not make it so. */
function overdue(state: State, vm: Vm, nowMs: number): Alarm | null {
  const { unsettledMs, desired, move, stopGraceSeconds, administration, id, fault } = vm;
  const host = state.hosts.get(vm.host ?? '');
  if (unsettledMs === undefined || host === undefined || isSilent(host.state)) return null;
  const { recoveringSites, recoveredMs = {} } = state.federation;
  if (recoveringSites.includes(host.site)) return null;
  // What it could not do before it does not owe.
  const sinceMs = Math.max(unsettledMs, host.stateMs, recoveredMs[host.site] ?? 0);
  const graceS = move?.graceSeconds ?? (desired === 'running' ? 0 : stopGraceSeconds);
  if (nowMs - sinceMs < overdueForMs + graceS * 1000) return null;
  const last = fault === null ? '' : `: ${fault.message}`;
  const why = whyHeldBack(vm)?.message;
  const what = why === undefined ? `its host does not get it done${last}` : why;
  return {
    code: 'VM_OVERDUE',
    severity: 'warning',
    about: aboutVm(vm),
    sinceMs,
    message: `VM "${id}" of "${administration}" ${owed(vm)}, and ${what}`,
    advice: why === undefined ? adviceOf(vm) : adviceHeldBack(vm),
  };
}

const adviceOf = ({ administration, id }: Vm): string =>
  `secovia vm show ${administration}/${id} says what was heard of it last, and secovia-agent status on its host what is in the way; it goes on by itself when that is mended`;

/** A start is refused, and that says which host it is to those who may know. */
const adviceHeldBack = ({ administration, id }: Vm): string =>
  `secovia vm start ${administration}/${id} says which host is in the way to its operators, and how they prove that it is off; it starts by itself then`;

function owed({ desired, state, move }: Vm): string {
  if (desired === 'deleted') return 'is to be deleted';
  if (move !== undefined) return 'is to be on another host';
  return `is ${state} and should be ${desired}`;
}

function troubled(vm: Vm, { code, severity, what, advice }: StateAlarm): Alarm {
  const why = vm.fault === null ? '' : `: ${vm.fault.message}`;
  return {
    code,
    severity,
    about: aboutVm(vm),
    sinceMs: vm.stateMs,
    message: `VM "${vm.id}" of "${vm.administration}" ${what}${why}`,
    advice: advice(`${vm.administration}/${vm.id}`),
  };
}

/** Since when its host has said nothing of it. */
function silentSinceMs(state: State, { host: id, state: seen }: Vm): number | null {
  if (id === null || seen === 'placed') return null;
  const host = state.hosts.get(id);
  return host !== undefined && isSilent(host.state) ? host.stateMs : null;
}

function unknown(vm: Vm, sinceMs: number, hostIsSilent: boolean): Alarm {
  const alarm: Alarm = {
    code: 'VM_UNKNOWN',
    severity: 'warning',
    about: aboutVm(vm),
    sinceMs,
    message: `nobody knows what VM "${vm.id}" of "${vm.administration}" does: ${hostIsSilent ? 'its host is not heard of' : 'its host cannot say'}`,
    advice: hostIsSilent
      ? 'ask the operators of its host when that is back; until then the VM may well run'
      : `look at its host: secovia vm show ${vm.administration}/${vm.id}`,
  };
  return hostIsSilent ? { ...alarm, ownersOnly: true } : alarm;
}

function aboutVm({ uid, administration, id }: Vm): Alarm['about'] {
  return { kind: 'VM', uid, administration, id };
}
