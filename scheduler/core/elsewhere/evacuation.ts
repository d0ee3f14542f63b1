/**
 * Which VMs of a host that is off are started elsewhere, and why one of them is not. The proof that it is off (PROTOCOL F1)
 * is the host's state `fenced`, or of VMs that stop with the lease its `stopProof`, and nothing here is done without one.
 */
import type { Fault, Fence, Host, Vm } from '../model.js';
import { obstacle } from '../moves/obstacles.js';
import type { Explanation } from '../placement/explanation.js';
import { type PlacementRequest, requestForMove } from '../placement/request.js';
import { byImportance } from '../priority.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { suspendedAbove } from '../tenancy/stay.js';
import { secondCopy } from './second-copy.js';

/** So many hosts of a site, and such a part of it, gone together are not what a single failure looks like (F3). */
const massHosts = 3;
const massPart = 1 / 5;

/** Whether a VM is to run, and on another host if its own is off. */
export function restartsElsewhere({ desired, policy }: Vm): boolean {
  return desired === 'running' && policy.onHostLoss === 'restart';
}

/** Whether a shared pool has its disk, for whichever host it has: it was defined once. */
export function hasDiskOnPool({ spec, observedGeneration }: Vm): boolean {
  return spec.pool !== '' && observedGeneration > 0;
}

/** Whether its only disk is, or would be, its host's own, and nobody has said that it may begin anew from its image. */
export function isBoundByDisk({ spec, policy }: Vm): boolean {
  return spec.pool === '' && !policy.rebuildable;
}

/** Whether its only disk is its host's own, and was made there. */
export function hasItsOnlyDiskThere(vm: Vm): boolean {
  return isBoundByDisk(vm) && vm.observedGeneration > 0;
}

/** The refusal of what needs the proof that a host is off. */
export function notFenced({ id, state }: Host): Refusal {
  const message = `host "${id}" is ${state}, and nothing proves that it is off; when you know that it is: secovia host fence-confirm ${id} --reason WHY`;
  return refuse('precondition', 'HOST_NOT_FENCED', message, { state });
}

/** Whether its host has taken in that it stops with the lease (PROTOCOL L2). */
export function stopsWithLease({ policy, stopSince = 0, observedGeneration }: Vm): boolean {
  return policy.onLeaseLoss === 'stop' && observedGeneration >= stopSince;
}

/** What its host may not have heard of what it does without it counts from when the host has reached this generation. */
export function countLossPoliciesFrom(vm: Vm, generation: number): void {
  if (vm.policy.onHostLoss === 'restart') vm.restartSince = generation;
  if (vm.policy.onLeaseLoss === 'stop') vm.stopSince = generation;
}

/** Whether it is proven that a VM does not run on the host that it has (F1). */
export function isProvenOff(host: Host, vm: Vm): boolean {
  return host.state === 'fenced' || (isLeft(host) && stopsWithLease(vm));
}

/** Whether VMs may leave it: some of them are proven to be off there. */
export const isLeft = ({ state, stopProof }: Host): boolean =>
  state === 'fenced' || (state === 'lost' && stopProof !== undefined);

/** How fast they leave it; undefined for the pace of a single loss. */
export const paceOf = ({ state, fence, stopProof }: Host): Fence['pace'] =>
  state === 'fenced' ? fence?.pace : stopProof?.pace;

/** Whether a VM may be started elsewhere, as far as its host and its policy go. */
export const isEvacuee = (host: Host, vm: Vm): boolean => restartsElsewhere(vm) && isProvenOff(host, vm);

/** The VMs of a host that may be started elsewhere: the most important first, and of these the oldest. */
export function evacuees(state: State, host: Host): Vm[] {
  return [...state.vmsOfHost(host.id)].filter((vm) => isEvacuee(host, vm)).sort(byImportance);
}

/** Whether the host's watchdog will prove it of a VM. */
const isGuarded = ({ watchdog }: Host, vm: Vm): boolean => watchdog?.armed === true && stopsWithLease(vm);

/** Whether any VM of a lost host waits for its watchdog. */
export function hasStopping(state: State, host: Host): boolean {
  for (const vm of state.vmsOfHost(host.id)) if (restartsElsewhere(vm) && isGuarded(host, vm)) return true;
  return false;
}

/** Whether an operator has asked for it to be powered off. In older journals only what nobody was found for yet says so. */
export function isWanted({ fence }: Host): boolean {
  return fence?.wanted === true || (fence?.state === 'ordered' && fence.order === '');
}

/** Whether a host is to be powered off: an operator wants it, or a VM waits for the proof, and its watchdog will not give one. */
export function needsFence(state: State, host: Host): boolean {
  if (isWanted(host)) return true;
  for (const vm of state.vmsOfHost(host.id)) if (restartsElsewhere(vm) && !isGuarded(host, vm)) return true;
  return false;
}

/** What a VM asks of another host than its own, which is off; null when its image is not known any more. */
export function requestElsewhere(state: State, vm: Vm): PlacementRequest | null {
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return null;
  const leastDiskMib = vm.spec.pool === '' ? image.virtualSizeMib : 0;
  return { ...requestForMove(state, vm, image.architecture, []), leastDiskMib };
}

/** What keeps a VM on the host that it has, whatever room there is elsewhere; null when nothing does. */
export function bindsItToItsHost(state: State, vm: Vm): Fault | null {
  if (vm.restartSince !== undefined && vm.observedGeneration < vm.restartSince) {
    return obstacle(
      'POLICY_NOT_HEARD',
      'its host is off, and had not heard yet that it may restart elsewhere: it would start it by itself; wait for the host',
    );
  }
  if (isBoundByDisk(vm)) {
    return obstacle(
      'DISK_THERE',
      'its host is off, and its only disk is there; wait for the host, or, if it may lose what is on its disk: secovia vm update --rebuildable',
    );
  }
  const suspended = suspendedAbove(state, vm.administration);
  if (suspended !== null) return obstacle(suspended.reason, suspended.message);
  return secondCopy(state, vm);
}

/** Why no other host takes a VM, in codes: numbers would change all the time, and those of other tenants are not for the VM's. */
export function whyNowhere({ excluded }: Explanation): string {
  const codes = [...excluded.keys()].filter((code) => code !== 'HOST_NOT_CONNECTED').sort();
  return codes.length === 0 ? 'no other is connected' : codes.join(', ');
}

/** How much of a site is gone. */
export interface SiteLosses {
  /** Its hosts, but those that never were or are no more. */
  all: number;
  /** Those that are not heard of, and not proven to be off. */
  unheard: number;
  /** When each of those was lost that are lost or off, ascending. */
  lostMs: number[];
}

/** Of every site that has hosts: one pass over all of them, for whoever asks of many at once. */
export function lossesBySite(state: State): ReadonlyMap<string, SiteLosses> {
  const sites = new Map<string, SiteLosses>();
  for (const host of state.hosts.values()) {
    if (host.state === 'retired' || host.state === 'joined') continue;
    let losses = sites.get(host.site);
    if (losses === undefined) {
      losses = { all: 0, unheard: 0, lostMs: [] };
      sites.set(host.site, losses);
    }
    losses.all += 1;
    if (host.state === 'suspect' || host.state === 'lost') losses.unheard += 1;
    if (host.lostMs !== undefined) losses.lostMs.push(host.lostMs);
  }
  for (const { lostMs } of sites.values()) lostMs.sort((a, b) => a - b);
  return sites;
}

/**
 * Whether a host that was lost then was lost together with so many others of its site, within one lease of each other, that one
 * cause is likelier than many.
 */
export function isMassFailure({ all, lostMs }: SiteLosses, atMs: number, leaseMs: number): boolean {
  const lost = lostMs.filter((each) => Math.abs(each - atMs) <= leaseMs);
  const needed = Math.max(massHosts, Math.ceil(all * massPart));
  return lost.some((at, index) => (lost[index + needed - 1] ?? Number.POSITIVE_INFINITY) - at <= leaseMs);
}

/**
 * Whether so many hosts of a site are not heard of that nobody should be powered off for it: it is likelier the network, or
 * the scheduler, or a copy of it (F3).
 */
export function isOutage({ all, unheard }: SiteLosses): boolean {
  // Of two schedulers at most one hears of more than half.
  const isHalf = all > 2 && unheard * 2 >= all;
  return isHalf || unheard >= Math.max(massHosts, all * massPart);
}
