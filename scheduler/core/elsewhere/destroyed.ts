/**
 * What becomes of the VMs of a host that is gone for good, by an operator's word. It is proven to be off, and will never be back to
 * start them by itself: so all that it had goes elsewhere, whatever their policy says of a host that is only lost. A VM whose only
 * disk was there has lost it.
 */
import type { Change } from '../changes.js';
import type { Fault, Host, Vm } from '../model.js';
import { obstacle } from '../moves/obstacles.js';
import { place } from '../placement/placement.js';
import { requestForMove } from '../placement/request.js';
import { Tentative } from '../placement/tentative.js';
import { byImportance } from '../priority.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { suspendedAbove } from '../tenancy/stay.js';
import { endOperation, placedChange, whereOf } from '../vm-changes.js';
import { hasDiskOnPool, isBoundByDisk, whyNowhere } from './evacuation.js';
import { secondCopy } from './second-copy.js';

/** The changes that take all VMs off the host, or why they cannot be taken off. */
export function lostWithHost(state: State, host: Host, nowMs: number): Change[] | Refusal {
  if (state.federation.recoveringSites.includes(host.site)) return siteRecovers(host);
  if (host.state !== 'fenced') {
    const message = `host "${host.id}" is ${host.state}, and nothing proves that it is off; when you know that it is: secovia host fence-confirm ${host.id} --reason WHY`;
    return refuse('precondition', 'HOST_NOT_FENCED', message, { state: host.state });
  }
  const tentative = new Tentative(state, nowMs);
  try {
    return lostVms(state, host, tentative);
  } finally {
    tentative.giveBack();
  }
}

function lostVms(state: State, host: Host, tentative: Tentative): Change[] | Refusal {
  const vms = [...state.vmsOfHost(host.id)].sort(byImportance);
  const moving = vms.filter(({ move }) => move !== undefined && move.phase !== 'arriving');
  if (moving.length > 0) return areMoving(host, moving.length);
  const changes: Change[] = [];
  const kept: Fault[] = [];
  for (const vm of vms) {
    const goes = goesElsewhere(state, vm, tentative);
    if (Array.isArray(goes)) changes.push(...goes, ...endsMigration(state, vm));
    else if (hasDiskOnPool(vm)) kept.push(goes);
    else changes.push(...isWithoutHost(vm, goes));
  }
  const [first] = kept;
  return first === undefined ? changes : areKept(host, first, kept.length);
}

/** The changes that give a VM another host, or why it gets none. */
function goesElsewhere(state: State, vm: Vm, tentative: Tentative): Change[] | Fault {
  // Whoever has its disk in sight takes that away as well.
  if (vm.desired === 'deleted' && !hasDiskOnPool(vm))
    return [...endOperation(vm, null), { type: 'vm.removed', uid: vm.uid }];
  if (isBoundByDisk(vm) && vm.observedGeneration > 0) return diskIsGone;
  const suspended = vm.desired === 'deleted' ? null : suspendedAbove(state, vm.administration);
  if (suspended !== null) return obstacle(suspended.reason, suspended.message);
  const second = secondCopy(state, vm);
  if (second !== null) return second;
  const image = state.imagesByUid.get(vm.spec.imageUid);
  if (image === undefined) return obstacle('IMAGE_NOT_FOUND', 'its image is not there any more');
  const request = {
    ...requestForMove(state, vm, image.architecture, []),
    leastDiskMib: vm.spec.pool === '' ? image.virtualSizeMib : 0,
  };
  const placed = place(state, request);
  if (placed.noHost) return obstacle('NO_HOST', `no other host can take it (${whyNowhere(placed.noHost)})`);
  tentative.claim(placed, request);
  return [placedChange(state, vm, whereOf(placed), [])];
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

function isWithoutHost(vm: Vm, fault: Fault): Change[] {
  return [{ type: 'vm.unplaced', uid: vm.uid, fault, refusedBy: [] }, ...endOperation(vm, fault)];
}

function siteRecovers({ site }: Host): Refusal {
  const message = `site "${site}" is in recovery, and nothing is started elsewhere from there; an operator ends it with: secovia federation end-recovery ${site}`;
  return refuse('precondition', 'SITE_RECOVERING', message);
}

function areMoving({ id }: Host, count: number): Refusal {
  const message = `${count} VMs of host "${id}" are on their way to another host; wait until it is known where they are (secovia vm list --all --filter 'host = "${id}"')`;
  return refuse('precondition', 'VMS_MOVING', message, { vms: String(count) });
}

/** Whose they are, and what became of those, is not for everybody who runs hosts. */
function areKept({ id }: Host, { reason, message: why }: Fault, count: number): Refusal {
  const because = reason === 'NO_HOST' ? why : reason;
  const message = `${count} VMs of host "${id}" have their disk on a shared pool and cannot go to another host now, the first since ${because}; make room for them, or have them deleted: secovia vm list --all --filter 'host = "${id}"'`;
  return refuse('precondition', 'VMS_REMAIN', message, { vms: String(count), reason });
}
