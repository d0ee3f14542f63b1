/**
 * What becomes of the VMs of a host that is gone for good, by an operator's word. It is proven to be off, and will never be back to
 * start them by itself: so all that it had goes elsewhere, whatever their policy says of a host that is only lost. A VM whose only
 * disk was there has lost it. Should that machine join again all the same, it hears that nothing of them is its own.
 */
import type { Change } from '../changes.js';
import type { Fault, Host, Vm } from '../model.js';
import { obstacle } from '../moves/obstacles.js';
import { place } from '../placement/placement.js';
import type { PlacementRequest } from '../placement/request.js';
import { asIfNowhere, type Tentative } from '../placement/tentative.js';
import { byImportance } from '../priority.js';
import { type Refusal, refuse } from '../refusal.js';
import { hasGivenUp, heldOnPeer, heldWithExtras, type State } from '../state.js';
import { suspendedAbove } from '../tenancy/stay.js';
import { endOperation, placedChange, whereOf } from '../vm-changes.js';
import { hasDiskOnPool, hasItsOnlyDiskThere, notFenced, requestElsewhere, whyNowhere } from './evacuation.js';
import { secondCopy } from './second-copy.js';

/** The changes that take all VMs off the host, or why they cannot be taken off. */
export function lostWithHost(state: State, host: Host, nowMs: number): Change[] | Refusal {
  if (state.federation.recoveringSites.includes(host.site)) return siteRecovers(host);
  if (host.state !== 'fenced') return notFenced(host);
  const vms = [...state.vmsOfHost(host.id)];
  const moving = vms.filter(({ move }) => move !== undefined && move.phase !== 'arriving');
  if (moving.length > 0) return areMoving(host, moving.length);
  return asIfNowhere(state, vms, nowMs, (tentative) =>
    lostVms(state, host, [...vms].sort(byImportance), tentative),
  );
}

function lostVms(state: State, host: Host, vms: readonly Vm[], tentative: Tentative): Change[] | Refusal {
  const changes: Change[] = [];
  const kept: Fault[] = [];
  for (const vm of vms) {
    const goes = goesElsewhere(state, vm, host, tentative);
    if (Array.isArray(goes)) changes.push(...goes, ...endsMigration(state, vm));
    else if (goes === diskIsGone || vm.observedGeneration === 0)
      changes.push(...isWithoutHost(vm, host, goes));
    else kept.push(goes);
  }
  const [first] = kept;
  return first === undefined ? changes : areKept(host, first, kept.length);
}

/** The changes that give a VM another host, or why it gets none. */
function goesElsewhere(state: State, vm: Vm, host: Host, tentative: Tentative): Change[] | Fault {
  const onPool = hasDiskOnPool(vm);
  // Whoever has its disk in sight takes that away as well.
  if (vm.desired === 'deleted' && !onPool)
    return [...endOperation(vm, null), { type: 'vm.removed', uid: vm.uid }, left(vm, host, false)];
  if (hasItsOnlyDiskThere(vm)) return diskIsGone;
  const suspended = vm.desired === 'running' ? suspendedAbove(state, vm.administration) : null;
  if (suspended !== null) return obstacle(suspended.reason, suspended.message);
  const second = secondCopy(state, vm);
  if (second !== null) return second;
  const elsewhere = requestElsewhere(state, vm);
  if (elsewhere === null) return obstacle('IMAGE_GONE', 'its image is not known any more');
  const asked = { ...elsewhere, leaving: null, counted: null };
  const lies = hasGivenUp(vm) || vm.desired === 'deleted';
  const request = lies ? lying(vm, asked) : asked;
  const placed = place(state, request);
  if (placed.noHost) return obstacle('NO_HOST', `no other host can take it (${whyNowhere(placed.noHost)})`);
  tentative.claim(placed, request);
  const leaves = { host: host.id, keepVolumes: onPool };
  const change = { ...placedChange(state, vm, whereOf(placed), []), leaves };
  return [lies ? { ...change, parked: true } : change];
}

/** What is stopped for good, or until it finds room again, needs room for its disk alone. */
function lying(vm: Vm, request: PlacementRequest): PlacementRequest {
  const lies: Vm = { ...vm, parked: true };
  return { ...request, needs: heldOnPeer(lies), holds: heldWithExtras(lies) };
}

/** Whoever has moved it waits for it on this host. */
function endsMigration(state: State, vm: Vm): Change[] {
  const verb = vm.operation === null ? undefined : state.operations.get(vm.operation)?.verb;
  return verb === 'migrate'
    ? endOperation(vm, obstacle('HOST_GONE', 'the host that it had got to is gone'))
    : [];
}

/** Of a VM whose only disk was on a host that is gone. */
export const diskIsGone = obstacle(
  'DISK_GONE',
  'the host that had its only disk is gone for good; if it may begin anew from its image: secovia vm update --rebuildable, then start it; or delete it',
);

function isWithoutHost(vm: Vm, host: Host, fault: Fault): Change[] {
  return [
    { type: 'vm.unplaced', uid: vm.uid, fault, refusedBy: [] },
    ...endOperation(vm, fault),
    // What is on that disk is nobody's to throw away.
    left(vm, host, true),
  ];
}

function left({ uid, term, generation }: Vm, { id }: Host, keepVolumes: boolean): Change {
  return { type: 'host.leftover', id, leftover: { uid, term, generation: generation + 1, keepVolumes } };
}

function siteRecovers({ site }: Host): Refusal {
  const message = `site "${site}" is in recovery, and nothing is started elsewhere from there; an operator ends it with: secovia federation end-recovery ${site}`;
  return refuse('precondition', 'SITE_RECOVERING', message);
}

export function areMoving({ id }: Host, count: number): Refusal {
  const message = `${count} VMs are on their way from host "${id}" or to it; wait until it is known where they are (secovia vm list --all --filter 'moving = true')`;
  return refuse('precondition', 'VMS_MOVING', message, { vms: String(count) });
}

/** Whose they are, and what became of those, is not for everybody who runs hosts. */
function areKept({ id }: Host, { reason, message: why }: Fault, count: number): Refusal {
  const because = reason === 'NO_HOST' ? why : reason;
  const message = `${count} VMs of host "${id}" have their disk on a shared pool, or may begin anew, and cannot go to another host now, the first since ${because}; make room for them, or have them deleted: secovia vm list --all --filter 'host = "${id}"'`;
  return refuse('precondition', 'VMS_REMAIN', message, { vms: String(count), reason });
}
