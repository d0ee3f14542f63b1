/**
 * A VM that is found under a newer term than its journal has, since that was restored (PROTOCOL E2), is its finder's from then on.
 * The host that had it by the journal may have started it meanwhile. Where the VM is found off, it is kept off until that host has
 * let go of it, or is proven to be off (F1): two copies would run otherwise.
 */
import type { Change } from '../changes.js';
import type { DomainState } from '../commands.js';
import { isKnownOff } from '../lifecycle/vm.js';
import type { Fault, Host, Leftover, Vm } from '../model.js';
import { obstacle } from '../moves/obstacles.js';
import type { State } from '../state.js';
import { desiredChange } from '../vm-changes.js';
import { mayRunOn } from './leftovers.js';

/** Those in which a guest is on: it is too late to keep it off. */
const on: ReadonlySet<DomainState> = new Set<DomainState>(['running', 'stopping', 'paused']);

/** Whether the host that a VM has by a journal may run it, or start it by itself or by a word that it was told. */
function mayRunAtOwner(vm: Vm): boolean {
  if (vm.state === 'failed' || vm.state === 'missing') return false;
  return !isKnownOff(vm);
}

/** What keeps a VM from running twice when its owner by the journal has to let go of it, since it was found elsewhere. */
export function dangerAtOwner(vm: Vm): Pick<Leftover, 'mayRun' | 'former'> {
  if (!mayRunAtOwner(vm)) return {};
  const { policy, restartSince = 0, observedGeneration } = vm;
  // Its agent has heard that the VM restarts elsewhere: after a boot it waits for a word.
  const waits = policy.onHostLoss === 'restart' && observedGeneration >= restartSince;
  return { mayRun: true, former: waits ? 'waits' : 'starts' };
}

/** Whether a VM that is found on a host like that is kept off there; `leaves` are what other hosts have to let go of by that. */
export function isToBeHeldBack(
  state: State,
  vm: Vm,
  { id: finder }: Host,
  seen: DomainState,
  leaves: readonly Change[],
): boolean {
  if (vm.desired !== 'running' || on.has(seen)) return false;
  const isInTheWay = (host: Host | undefined, leftover?: Leftover) =>
    host !== undefined && host.id !== finder && mayRunOn(host, vm.uid, leftover);
  return (
    (vm.leftOn ?? []).some((id) => isInTheWay(state.hosts.get(id))) ||
    leaves.some((one) => one.type === 'host.leftover' && isInTheWay(state.hosts.get(one.id), one.leftover))
  );
}

/** The change that lets a VM run which is kept off; its host has to hear it as a new version. */
export const letRun = (vm: Vm): Change[] => (vm.heldBack === true ? [desiredChange(vm, vm.desired)] : []);

/** What follows for a VM that may be kept off when nothing of it runs on this host any more. */
export function letRunWithout(state: State, { id }: Host, uid: string): Change[] {
  const vm = state.vms.get(uid);
  return vm === undefined || hostInTheWay(state, vm, id) !== null ? [] : letRun(vm);
}

/** The same of all that are left on a host which is in this state from now on; what may run there all the same is in the way still. */
export function letRunWithAll(state: State, host: Host, next: 'retired' | 'fenced'): Change[] {
  const then: Host = { ...host, state: next };
  return (host.leftovers ?? []).flatMap((left) =>
    mayRunOn(then, left.uid, left) ? [] : letRunWithout(state, host, left.uid),
  );
}

/** A host that may run a VM which has another owner, and that is to let go of it; null when there is none but this one. */
export function hostInTheWay({ hosts }: State, { uid, leftOn = [] }: Vm, but = ''): string | null {
  const isInTheWay = (host: Host | undefined) => host !== undefined && mayRunOn(host, uid);
  return leftOn.find((id) => id !== but && isInTheWay(hosts.get(id))) ?? null;
}

/** Why a VM is kept off; null when it is not. Which host is in the way is not for its owner to know. */
export function whyHeldBack({ heldBack }: Vm): Fault | null {
  if (heldBack !== true) return null;
  return obstacle(
    'COPY_ELSEWHERE',
    'another host, which had it by a journal that was restored, may run it: it starts when that one has let go of it, or is proven to be off',
  );
}
