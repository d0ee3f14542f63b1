/**
 * What is left of VMs on hosts that were off when the VMs were started elsewhere: a domain, and a disk of the host's own.
 * The host hears of it when it is back, and until it has said that nothing is left it does not get the VM again.
 */
import type { Host, Leftover, Vm } from '../model.js';
import type { State } from '../state.js';

/** Notes that a VM, which has just got another host, has left this one. */
export function leaveBehind(state: State, vm: Vm, from: { host: string; keepVolumes: boolean }): void {
  const host = state.hosts.get(from.host);
  if (host === undefined) throw new Error(`VM ${vm.uid} leaves unknown host ${from.host}`);
  const { uid, term, generation } = vm;
  addLeftover(state, host, { uid, term, generation, keepVolumes: from.keepVolumes });
}

/** Notes that something of a VM is to be taken away from a host. */
export function addLeftover(state: State, host: Host, leftover: Leftover): void {
  setLeftovers(host, [...others(host, leftover.uid), leftover]);
  noteOrphanTerm(state, host, leftover);
  state.touched.write('host', host.id, host);
  const vm = state.vms.get(leftover.uid);
  if (vm === undefined) return;
  if (leftover.term > Math.max(vm.term, vm.lastTerm ?? 0)) vm.lastTerm = leftover.term;
  vm.leftOn = [...(vm.leftOn ?? []).filter((id) => id !== host.id), host.id].sort();
  state.touched.write('vm', vm.uid, vm);
}

/**
 * A host is given a newer term for its orphan than the one that it has told: whatever becomes of that, an adoption begins after it,
 * although the host may not have told of the orphan anew by then.
 */
export function noteOrphanTerm(
  state: State,
  host: Host,
  { uid, term, generation }: Omit<Leftover, 'keepVolumes'>,
): void {
  const { orphanVms } = host;
  if (!orphanVms?.some((orphan) => orphan.uid === uid && orphan.term <= term)) return;
  host.orphanVms = orphanVms.map((orphan) =>
    orphan.uid === uid ? { ...orphan, term, generation: Math.max(generation, orphan.generation) } : orphan,
  );
  state.touched.write('host', host.id, host);
}

/** Notes that nothing of a VM is left on a host. */
export function clearLeft(state: State, host: Host, uid: string): void {
  setLeftovers(host, others(host, uid));
  state.touched.write('host', host.id, host);
  const vm = state.vms.get(uid);
  if (vm?.leftOn === undefined) return;
  const leftOn = vm.leftOn.filter((id) => id !== host.id);
  if (leftOn.length > 0) vm.leftOn = leftOn;
  else delete vm.leftOn;
  state.touched.write('vm', uid, vm);
}

export function leftoverOf(host: Host, uid: string): Leftover | undefined {
  return host.leftovers?.find((leftover) => leftover.uid === uid);
}

/** Whether what is to be taken away from a host may run there, or be started when the host is back. */
export function mayRunOn(host: Host, uid: string, leftover = leftoverOf(host, uid)): boolean {
  if (leftover?.mayRun !== true || host.state === 'retired') return false;
  return host.state !== 'fenced' || leftover.former !== 'waits';
}

function others(host: Host, uid: string): Leftover[] {
  return (host.leftovers ?? []).filter((leftover) => leftover.uid !== uid);
}

function setLeftovers(host: Host, leftovers: Leftover[]): void {
  if (leftovers.length === 0) delete host.leftovers;
  else host.leftovers = leftovers;
}
