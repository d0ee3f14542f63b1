/** How a change of a VM changes the state: the VM's record, its claim, and the indexes. */
import { must } from './apply.js';
import type { Change } from './changes.js';
import { countLossPoliciesFrom } from './elsewhere/evacuation.js';
import { leaveBehind, noteOrphanTerm } from './elsewhere/leftovers.js';
import { noteUnsettled } from './lifecycle/unsettled.js';
import type { FormerSize, Move, Vm } from './model.js';
import type { State } from './state.js';
import { UnknownChange } from './unknown-change.js';
import { isTroubled } from './vm-states.js';

export type VmChange = Extract<Change, { type: `vm.${string}` }>;

export function applyVmChange(state: State, change: VmChange, atMs: number): void {
  if (change.type === 'vm.created') {
    state.addVm(change.vm);
    state.touched.write('vm', change.vm.uid, change.vm);
    const host = state.hosts.get(change.vm.host ?? '');
    if (host && change.vm.adopting) noteOrphanTerm(state, host, change.vm);
    return;
  }
  const vm = must(state.vms.get(change.uid), change);
  if (change.type === 'vm.removed') {
    state.removeVm(vm);
    const host = state.hosts.get(vm.host ?? '');
    if (host) noteOrphanTerm(state, host, vm);
    state.touched.remove('vm', vm.uid, vm);
    dropUnusedImage(state, vm.spec.imageUid);
    return;
  }
  applyToVm(state, vm, change, atMs);
  noteUnsettled(state, vm, atMs);
  vm.revision += 1;
  vm.updatedMs = atMs;
  state.touched.write('vm', vm.uid, vm);
}

type OtherVmChange = Exclude<VmChange, { type: 'vm.created' | 'vm.removed' }>;

function applyToVm(state: State, vm: Vm, change: OtherVmChange, atMs: number): void {
  const enter = (next: Vm['state']) => {
    if (vm.state === next) return;
    state.vmStates.remove(vm);
    // What that was told of by itself: now it has time to become what it should be.
    if (isTroubled[vm.state]) delete vm.unsettledMs;
    vm.state = next;
    vm.stateMs = atMs;
    state.vmStates.add(vm);
  };
  switch (change.type) {
    case 'vm.updated':
      if (change.dataClass !== undefined) classify(state, vm, change.dataClass);
      vm.title = change.title;
      vm.labels = state.alike.of(change.labels);
      noteLossPolicies(vm, change);
      vm.policy = state.alike.of(change.policy);
      vm.deletionProtection = change.deletionProtection;
      if (change.priority !== undefined) vm.priority = change.priority;
      vm.generation = change.generation;
      return;
    case 'vm.resized':
      state.unclaim(vm);
      vm.spec = state.alike.of(change.spec);
      vm.generation = change.generation;
      setSizeBefore(vm, change.sizeBefore);
      state.claim(vm);
      return;
    case 'vm.desired':
      vm.desired = change.desired;
      delete vm.heldBack;
      vm.generation = change.generation;
      vm.stopMode = change.stopMode;
      vm.stopGraceSeconds = change.stopGraceSeconds;
      return;
    case 'vm.reboot_ordered':
      vm.rebootCount = change.rebootCount;
      vm.rebootMode = change.mode;
      vm.generation = change.generation;
      return;
    case 'vm.parked':
      state.unclaim(vm);
      vm.parked = true;
      state.claim(vm);
      return;
    case 'vm.displaced':
      state.unclaim(vm);
      vm.displacedFor = change.displacedFor;
      state.claim(vm);
      return;
    case 'vm.returned':
      state.unclaim(vm);
      delete vm.displacedFor;
      delete vm.parked;
      state.claim(vm);
      return;
    case 'vm.placed':
      delete vm.adopting;
      moveTo(state, vm, change);
      raiseTerm(vm, change.term);
      vm.unseen = true;
      vm.generation = change.generation;
      vm.refusedBy = change.refusedBy;
      vm.fault = null;
      delete vm.unsettledMs;
      if (change.leaves !== undefined) leaveBehind(state, vm, change.leaves);
      enter('placed');
      return;
    case 'vm.move':
      state.unclaim(vm);
      setMove(vm, change.move ?? undefined);
      if (change.agreement !== undefined) setAgreement(vm, change.agreement);
      state.claim(vm);
      if (change.term !== undefined) {
        raiseTerm(vm, change.term);
        vm.unseen = true;
      }
      vm.generation = change.generation;
      return;
    case 'vm.waits':
      vm.fault = change.fault;
      return;
    case 'vm.unplaced':
      moveTo(state, vm, { host: null });
      vm.refusedBy = change.refusedBy;
      vm.fault = change.fault;
      enter('failed');
      return;
    case 'vm.observed':
      vm.observedGeneration = change.generation;
      vm.observedRebootCount = change.rebootCount;
      vm.fault = change.fault;
      // Only then its host would find it again as its own.
      if (vm.adopting !== undefined && change.generation >= vm.adopting.generation) delete vm.adopting;
      // What is refused was taken back: nothing of it is there.
      if (change.state === 'failed') vm.unseen = true;
      else if (hasDomain.has(change.state)) delete vm.unseen;
      enter(change.state);
      if (change.sizeBefore === undefined) return;
      state.unclaim(vm);
      setSizeBefore(vm, change.sizeBefore ?? undefined);
      state.claim(vm);
      return;
    case 'vm.adopted':
      // What its host runs has its room there, whatever the journal has forgotten.
      moveTo(state, vm, change, change.sizeBefore);
      if (change.heldBack === true) vm.heldBack = true;
      else if (change.term !== vm.term) delete vm.heldBack;
      if (change.term !== vm.term) vm.unseen = true;
      raiseTerm(vm, change.term);
      vm.generation = change.generation;
      // What its host has heard of them last may be what the journal has forgotten.
      countLossPoliciesFrom(vm, change.generation);
      vm.rebootCount = change.rebootCount ?? vm.rebootCount;
      return;
    default:
      throw new UnknownChange((change satisfies never as Change).type);
  }
}

/** Of one that is missing it is known that it was there. */
const hasDomain: ReadonlySet<Vm['state']> = new Set<Vm['state']>([
  'starting',
  'running',
  'stopping',
  'stopped',
  'paused',
  'crashed',
  'missing',
]);

/** Whoever has not heard of it may still start the VM by itself. */
function noteLossPolicies(vm: Vm, { policy, generation }: Extract<VmChange, { type: 'vm.updated' }>): void {
  if (policy.onHostLoss !== vm.policy.onHostLoss) {
    if (policy.onHostLoss === 'restart') vm.restartSince = generation;
    else delete vm.restartSince;
  }
  if (policy.onLeaseLoss !== vm.policy.onLeaseLoss) {
    if (policy.onLeaseLoss === 'stop') vm.stopSince = generation;
    else delete vm.stopSince;
  }
}

/** Of the terms that hosts were given the highest is never given again. */
function raiseTerm(vm: Vm, term: number): void {
  vm.term = term;
  if ((vm.lastTerm ?? 0) <= term) delete vm.lastTerm;
}

/** To be called between returning what it claims and claiming anew. */
function setMove(vm: Vm, move: Move | undefined): void {
  if (move === undefined) {
    delete vm.move;
    return;
  }
  vm.move = move;
  if (move.term !== undefined && move.term > Math.max(vm.term, vm.lastTerm ?? 0)) vm.lastTerm = move.term;
}

function setAgreement(vm: Vm, agreement: string | null): void {
  if (agreement === null) delete vm.agreement;
  else vm.agreement = agreement;
}

function setSizeBefore(vm: Vm, sizeBefore: FormerSize | undefined): void {
  if (sizeBefore === undefined) delete vm.sizeBefore;
  else vm.sizeBefore = sizeBefore;
}

/**
 * What it claims goes with it. Of another size than that of its specification it is only on the host where it was: when
 * it leaves that, nothing of it is left there.
 */
function moveTo(
  state: State,
  vm: Vm,
  to: { host: string | null; numaCells?: number[]; agreement?: string; move?: Move; parked?: true },
  sizeBefore = to.host === vm.host ? vm.sizeBefore : undefined,
): void {
  const { host, numaCells, agreement, move } = to;
  const moved = move !== undefined || vm.move !== undefined;
  state.unclaim(vm);
  // One that is moved while it is stopped has given up there what it had given up here.
  if (!moved) {
    delete vm.displacedFor;
    delete vm.parked;
  }
  if (to.parked === true) vm.parked = true;
  setMove(vm, move);
  setSizeBefore(vm, sizeBefore);
  vm.host = host;
  setAgreement(vm, agreement ?? null);
  if (numaCells === undefined) delete vm.numaCells;
  else vm.numaCells = numaCells;
  state.claim(vm);
}

/** VMs are counted by their class. */
function classify(state: State, vm: Vm, dataClass: string): void {
  state.unclaim(vm);
  vm.dataClass = dataClass;
  state.claim(vm);
}

/** An image that was deleted from the catalogue goes with the last VM that was made from it. */
function dropUnusedImage(state: State, uid: string): void {
  const image = state.imagesByUid.get(uid);
  if (image === undefined || !image.deleted || state.imageUse.has(uid)) return;
  state.imagesByUid.delete(uid);
  state.touched.remove('image', uid, image);
}
