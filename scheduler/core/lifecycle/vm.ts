/**
 * The states of a VM: which orders it takes in which of them, what an observation makes of it, and what is shown to
 * people. What is desired and what was seen last are two things; this is where they are laid side by side.
 */
import type { DomainState } from '../commands.js';
import type { HostState, Vm, VmState } from '../model.js';
import { isSilent } from './host.js';

export type Order = 'start' | 'stop' | 'reboot' | 'resize' | 'migrate';

/** What an order does in a state: carry it out, or refuse with this sentence. */
type Verdict = true | string;

const notRunning = 'it is not running; start it first';
const neither = 'it neither runs nor is it stopped; wait until it does, or stop it first';
const gone = 'no host has it or can run it; delete it, or start it to have it tried again';
const missing = 'its domain has vanished from its host; start it to have it made again, or delete it';

/** Every order in every state. `delete` is not here: it is taken in all of them. */
export const orders: Record<VmState, Record<Order, Verdict>> = {
  placed: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
  preparing: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
  starting: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
  running: { start: true, stop: true, reboot: true, resize: true, migrate: true },
  stopping: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
  stopped: { start: true, stop: true, reboot: notRunning, resize: true, migrate: true },
  paused: {
    start: 'its hypervisor has paused it; stop it by force first',
    stop: true,
    reboot: notRunning,
    resize: neither,
    migrate: neither,
  },
  crashed: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
  missing: { start: true, stop: missing, reboot: missing, resize: missing, migrate: missing },
  failed: { start: true, stop: gone, reboot: gone, resize: gone, migrate: gone },
  unknown: { start: true, stop: true, reboot: notRunning, resize: neither, migrate: neither },
};

/** The state that an agent's words mean, for a VM that its host still owns. */
export const stateOfDomain: Record<
  Exclude<DomainState, 'absent' | 'refused' | 'guest_shutdown' | 'awaited'>,
  VmState
> = {
  preparing: 'preparing',
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  crashed: 'crashed',
  paused: 'paused',
  missing: 'missing',
  unknown: 'unknown',
};

/** Whether what was seen is what is desired, at the newest generation. */
export function isSettled(vm: Vm): boolean {
  if (vm.observedGeneration !== vm.generation || vm.desired === 'deleted') return false;
  return vm.state === vm.desired;
}

/**
 * Whether it should be off, and was seen so by the newest word. What is to be stopped may run yet, and a restored journal may have
 * forgotten that it was started.
 */
export const isKnownOff = (vm: Vm): boolean => vm.desired === 'stopped' && isSettled(vm);

/**
 * Whether its host has been seen with its domain, under its present term: that one is never made anew under it, whatever the host
 * has forgotten (PROTOCOL O2).
 */
export function wasDefined({ state, observedGeneration, unseen, adopting }: Vm): boolean {
  const isUnheard = state === 'unknown' && observedGeneration === 0;
  return unseen !== true && adopting === undefined && !notYet.has(state) && !isUnheard;
}

const notYet: ReadonlySet<VmState> = new Set<VmState>(['placed', 'preparing', 'failed']);

export type ShownState = VmState | 'deleting';

/** What people are shown: an order under way shows at once, and a silent host makes what was seen uncertain. */
export function shownState(vm: Vm, host: HostState | undefined): ShownState {
  if (vm.desired === 'deleted') return 'deleting';
  if (isSilent(host) && vm.state !== 'placed') return 'unknown';
  return lastKnownState(vm);
}

export function lastKnownState(vm: Vm): ShownState {
  if (vm.desired === 'deleted') return 'deleting';
  if (vm.operation !== null && vm.move === undefined) {
    if (vm.desired === 'running' && vm.state === 'stopped') return 'starting';
    if (vm.desired === 'stopped' && vm.state === 'running') return 'stopping';
  }
  return vm.state;
}
