/** What a host should hold of one of its VMs, as a message to its agent. */
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import { hasDiskOnPool } from '../core/elsewhere/evacuation.js';
import { wasDefined } from '../core/lifecycle/vm.js';
import type { DesiredState, Leftover, Move, OrphanKind, Vm } from '../core/model.js';
import { migrationUri } from '../core/moves/obstacles.js';
import type { State } from '../core/state.js';
import { imageMessage } from '../render/federation.js';
import { policyMessage, specMessage } from '../render/vm.js';

const roles: Record<DesiredState, Desired['role']> = {
  running: 'VM_ROLE_RUN',
  stopped: 'VM_ROLE_STOPPED',
  deleted: 'VM_ROLE_DELETED',
};

const adoptions: Record<OrphanKind, Desired['adoption']> = {
  domain: 'ADOPTION_DOMAIN',
  disk: 'ADOPTION_DISK',
};

export type DesiredOfHost = Desired & { term: number; generation: number };

/** What the VM's host should hold of it. */
export function desiredMessage(state: State, vm: Vm): DesiredOfHost {
  const { move } = vm;
  if (move === undefined || vm.desired === 'deleted') return message(state, vm, roles[vm.desired]);
  switch (move.phase) {
    case 'going_off': {
      const stop = { stopMode: 'STOP_MODE_GRACEFUL', stopGraceSeconds: move.graceSeconds } as const;
      return { ...message(state, vm, 'VM_ROLE_STOPPED'), ...stop };
    }
    case 'leaving':
      return message(state, vm, 'VM_ROLE_RELEASED');
    case 'handing_over': {
      const peerUri = migrationUri(state.hosts.get(move.peer)?.inventory ?? null);
      const to = { peer: `hosts/${move.peer}`, peerUri, handedOver: true };
      return { ...message(state, vm, 'VM_ROLE_SEND'), ...to };
    }
    case 'clearing':
      return { ...message(state, vm, 'VM_ROLE_RELEASED'), handedOver: true, stopMode: 'STOP_MODE_FORCE' };
    case 'aborting':
      return { ...message(state, vm, roles[vm.desired]), handedOver: true };
    default:
      return message(state, vm, roles[vm.desired]);
  }
}

/** What the other host of a VM that moves should hold of it; null when it is nothing. */
export function awaitedMessage(state: State, vm: Vm, { term }: Move): DesiredOfHost | null {
  if (term === undefined) return null;
  const arrives = { peer: `hosts/${vm.host ?? ''}`, diskExists: true, defined: false };
  return { ...message(state, vm, 'VM_ROLE_RECEIVE'), term, ...arrives };
}

function message(state: State, vm: Vm, role: Desired['role']): DesiredOfHost {
  const image = state.imagesByUid.get(vm.spec.imageUid);
  return {
    uid: vm.uid,
    role: role === 'VM_ROLE_RUN' && vm.heldBack === true ? 'VM_ROLE_STOPPED' : role,
    generation: vm.generation,
    term: vm.term,
    epoch: state.federation.epoch,
    spec: specMessage(state, vm.spec),
    policy: policyMessage(vm.policy),
    image: image === undefined ? null : imageMessage(image),
    rebootCount: vm.rebootCount,
    rebootMode: vm.rebootMode === 'force' ? 'REBOOT_MODE_FORCE' : 'REBOOT_MODE_GRACEFUL',
    stopMode: vm.stopMode === 'force' ? 'STOP_MODE_FORCE' : 'STOP_MODE_GRACEFUL',
    stopGraceSeconds: vm.stopGraceSeconds,
    vmName: `administrations/${vm.administration}/vms/${vm.id}`,
    storagePoolPath: vm.spec.pool === '' ? '' : (state.pools.get(vm.spec.pool)?.path ?? ''),
    numaCells: vm.numaCells,
    diskExists: hasDiskOnPool(vm),
    adoption: vm.adopting === undefined ? 'ADOPTION_UNSPECIFIED' : adoptions[vm.adopting.from],
    defined: wasDefined(vm),
  };
}

/** Of a VM that lives elsewhere, or is deleted since: nothing of it is to be left here, and its disk only where it is used. */
export function leftoverMessage(state: State, { uid, term, generation, keepVolumes, pool = '' }: Leftover) {
  const vm = state.vms.get(uid);
  return {
    uid,
    role: keepVolumes ? ('VM_ROLE_RELEASED' as const) : ('VM_ROLE_DELETED' as const),
    term,
    generation,
    epoch: state.federation.epoch,
    stopMode: 'STOP_MODE_FORCE' as const,
    storagePoolPath: state.pools.get(pool)?.path ?? '',
    vmName: vm === undefined ? '' : `administrations/${vm.administration}/vms/${vm.id}`,
  };
}
