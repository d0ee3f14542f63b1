/** What keeps a VM from having another host than it has, and what keeps it from going there while it runs. */
import type { Fault, Host, Vm } from '../model.js';
import { isSilent } from '../lifecycle/host.js';
import type { State } from '../state.js';

/** A gRPC status number. */
const failedPrecondition = 9;

export const obstacle = (reason: string, message: string): Fault => ({
  code: failedPrecondition,
  reason,
  message,
});

/** Why a VM that nobody sees to cannot leave now: it is not what it should be; null when it is. */
export function notSettled({ state, desired }: Vm): Fault | null {
  if (state === desired) return null;
  return obstacle(
    'NOT_SETTLED',
    `it is ${state} and should be ${desired}: it leaves once it is, or is stopped`,
  );
}

/** Why a VM cannot leave its host, wherever it would go; null when it can. */
export function cannotLeave(state: State, vm: Vm): Fault | null {
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  if (host === undefined) return obstacle('NO_HOST', 'no host has it; start it to have it placed');
  if (isSilent(host.state)) {
    const why = `its host ${host.id} is ${host.state}, and cannot let go of it`;
    return obstacle('HOST_NOT_CONNECTED', `${why}; wait for the host, or have it fenced: secovia host fence`);
  }
  if (vm.spec.pool === '') {
    return obstacle(
      'DISK_THERE',
      `its only disk is on ${host.id}: only VMs whose disk is on a shared pool can move; delete it there and make it anew, or wait`,
    );
  }
  return null;
}

/** Why a VM that runs cannot be handed over running; null when it can, to a host that takes such VMs. */
export function cannotGoLive(state: State, vm: Vm): Fault | null {
  const { spec } = vm;
  const own: string[] = [];
  if (spec.extras !== undefined) own.push('extras');
  if (spec.numa !== undefined) own.push('NUMA cells');
  if (spec.hugepageKib !== undefined) own.push('hugepages');
  if (own.length > 0) return notLive(`it has ${own.join(' and ')} of its host to itself`);
  if (vm.sizeBefore !== undefined) return notLive('it has not its new size yet: stop and start it first');
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  if (host === undefined || !handsOver(host)) {
    return notLive(`the agent of ${vm.host} has no migration.uri in its settings`);
  }
  return null;
}

function notLive(why: string): Fault {
  return obstacle('LIVE_NOT_POSSIBLE', `it cannot be handed over while it runs: ${why}`);
}

/** Whether running VMs can leave a host and arrive there, as its settings say. */
export function handsOver({ inventory }: Host): boolean {
  return migrationUri(inventory) !== '';
}

/** How other hosts reach its libvirt; empty when its settings do not say it. */
export function migrationUri(inventory: Host['inventory']): string {
  return String(inventory?.['migrationUri'] ?? '');
}

/** Whether a host can take a VM over now that was promised to it. */
export function isThere(state: State, id: string): boolean {
  const host = state.hosts.get(id);
  return host?.state === 'ready' && !state.federation.recoveringSites.includes(host.site);
}
