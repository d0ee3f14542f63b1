/** The decision that makes VMs: all of a call or none, or as many as can be made. */
import type { Change } from './changes.js';
import type { CommandOf, NewVm, RefusedVm, VmShape } from './commands.js';
import type { Decision } from './decide.js';
import { displace, withReport } from './decide-displacement.js';
import type { GroupRule, Image, Operation, Vm, VmSpec } from './model.js';
import { BatchRefusals } from './placement/batch-refusals.js';
import { findDisplacement } from './placement/displacement.js';
import { explain } from './placement/explanation.js';
import { refuseNoHost, refuseOne } from './placement/no-host.js';
import { type Place, placeOn } from './placement/placement.js';
import { type PlacementRequest, requestForNew } from './placement/request.js';
import { Tentative } from './placement/tentative.js';
import { priorityOf } from './priority.js';
import { alreadyExists, notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';
import { suspendedAbove } from './tenancy/stay.js';
import { newOperation } from './vm-changes.js';

/** VMs of one decision get `sequence * this + index`, so that their order is total. */
export const creationsPerDecision = 16_384;

/** What was made of a call. */
interface Made {
  vms: Vm[];
  /** Null when no VM is made. */
  operation: Operation | null;
  /** Of a call that makes as many as it can: the others. */
  refused: RefusedVm[];
}

export function createVms(state: State, command: CommandOf<'vm.create'>, nowMs: number): Decision<Made> {
  if (!state.administrations.has(command.administration)) {
    return { refusal: notFound('administration', command.administration) };
  }
  const tentative = new Tentative(state, nowMs);
  try {
    return decideEach(state, tentative, command, nowMs);
  } finally {
    tentative.giveBack();
  }
}

function decideEach(
  state: State,
  tentative: Tentative,
  command: CommandOf<'vm.create'>,
  nowMs: number,
): Decision<Made> {
  const { administration, bestEffort = false } = command;
  const alone = command.vms.length === 1;
  const taken: Taken = { names: new Set(), uids: new Set(), poolMib: new Map() };
  const refusals = new BatchRefusals(state, tentative);
  const vms: Vm[] = [];
  const refused: RefusedVm[] = [];
  const firstSequence = (state.sequence + 1) * creationsPerDecision;
  for (const [index, wanted] of command.vms.entries()) {
    const checked = check(state, administration, wanted, taken);
    if (checked.refusal) {
      if (!bestEffort) return { refusal: checked.refusal };
      refused.push({ index, id: wanted.id, refusal: checked.refusal });
      continue;
    }
    const { spec, request } = checked;
    const row = refusals.isKnown(request) ? -1 : tentative.find(request);
    if (row < 0) {
      if (command.preemption !== undefined) return withDisplacement(state, command, request, spec, nowMs);
      if (!bestEffort) return { refusal: noHostFor(state, request, spec, wanted.id, alone) };
      refused.push({ index, id: wanted.id, refusal: refusals.of(request, spec, wanted.id) });
      continue;
    }
    take(taken, wanted);
    const place = placeOn(state, request, row);
    vms.push(newVm(command, wanted, spec, place, firstSequence + index, nowMs));
    if (!alone) tentative.claim(place, request);
  }
  return made(command, vms, refused, [], firstSequence, nowMs);
}

/** A single VM for which others may have to give up their room. */
function withDisplacement(
  state: State,
  command: CommandOf<'vm.create'>,
  request: PlacementRequest,
  spec: VmSpec,
  nowMs: number,
): Decision<Made> {
  const [wanted] = command.vms;
  if (wanted === undefined || command.vms.length > 1) throw new Error('VMs are displaced for one at a time');
  const priority = priorityOf(wanted);
  const { preemption = 'report' } = command;
  if (preemption === 'report') {
    const refusal = noHostFor(state, request, spec, wanted.id, true);
    const found = findDisplacement(state, request, priority);
    return { refusal: found === null ? refusal : withReport(refusal, found.host.id, found.vms) };
  }
  const room = displace(state, request, priority, preemption, wanted.uid);
  if (room.refusal) return room;
  const place = placeOn(state, request, state.hostTable.row(room.host) as number);
  const firstSequence = (state.sequence + 1) * creationsPerDecision;
  const vm = newVm(command, wanted, spec, place, firstSequence, nowMs);
  return made(command, [vm], [], room.changes, firstSequence, nowMs);
}

/** The decision that makes these VMs, after some other changes. */
function made(
  command: CommandOf<'vm.create'>,
  vms: Vm[],
  refused: RefusedVm[],
  before: Change[],
  firstSequence: number,
  nowMs: number,
): Decision<Made> {
  if (vms.length === 0) return { changes: [], reply: () => ({ vms, operation: null, refused }) };
  const targets = vms.map((vm) => vm.uid);
  const { administration, operation: id } = command;
  const operation = newOperation(id, 'create', administration, targets, firstSequence, nowMs);
  const created = vms.map((vm): Change => ({ type: 'vm.created', vm }));
  return {
    changes: [...before, ...created, { type: 'operation.started', operation }],
    reply: () => ({ vms, operation, refused }),
  };
}

/** It is worth a search for what would make a single VM fit; of a batch that may be too much. */
function noHostFor(
  state: State,
  request: PlacementRequest,
  spec: VmSpec,
  id: string,
  alone: boolean,
): Refusal {
  const noHost = explain(state, request);
  return alone ? refuseOne(state, request, noHost, spec, id) : refuseNoHost(noHost, spec, id);
}

/** A VM as it begins, on the host that was found for it. */
export function newVm(
  { administration, operation }: Pick<CommandOf<'vm.create'>, 'administration' | 'operation'>,
  wanted: NewVm,
  spec: VmSpec,
  { host, numaCells, agreement }: Place,
  createdSequence: number,
  nowMs: number,
): Vm {
  const vm: Vm = {
    uid: wanted.uid,
    administration,
    id: wanted.id,
    title: wanted.title,
    labels: wanted.labels,
    spec,
    policy: wanted.policy,
    placement: wanted.placement,
    desired: wanted.power,
    state: 'placed',
    stateMs: nowMs,
    host: host.id,
    term: 1,
    generation: 1,
    observedGeneration: 0,
    rebootCount: 0,
    observedRebootCount: 0,
    rebootMode: 'graceful',
    stopMode: 'graceful',
    stopGraceSeconds: 60,
    refusedBy: [],
    deletionProtection: wanted.deletionProtection,
    ...(wanted.priority === undefined ? {} : { priority: wanted.priority }),
    operation,
    fault: null,
    revision: 1,
    createdSequence,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  if (numaCells !== undefined) vm.numaCells = numaCells;
  if (agreement !== undefined) vm.agreement = agreement;
  if (wanted.dataClass !== undefined) vm.dataClass = wanted.dataClass;
  return vm;
}

/** What the VMs of this decision so far have taken of what only one may have, or all together. */
interface Taken {
  names: Set<string>;
  uids: Set<string>;
  poolMib: Map<string, number>;
}

function take({ names, uids, poolMib }: Taken, { uid, id, pool, diskMib }: NewVm): void {
  names.add(id);
  uids.add(uid);
  if (pool !== '') poolMib.set(pool, (poolMib.get(pool) ?? 0) + diskMib);
}

function check(
  state: State,
  administration: string,
  wanted: NewVm,
  { names, uids, poolMib }: Taken,
): ShapeRequest | { refusal: Refusal } {
  if (names.has(wanted.id) || state.vmByName(administration, wanted.id) !== undefined) {
    return { refusal: alreadyExists('VM', `administrations/${administration}/vms/${wanted.id}`) };
  }
  if (uids.has(wanted.uid) || state.vms.has(wanted.uid)) {
    return { refusal: alreadyExists('VM', wanted.uid) };
  }
  return requestOfShape(state, administration, wanted, poolMib);
}

export interface ShapeRequest {
  spec: VmSpec;
  request: PlacementRequest;
  refusal?: undefined;
}

/**
 * The request of a VM of this shape. Refused is what can be known without its name: an unknown image, a disk too small,
 * a pool that is full, and what its placement speaks of wrongly.
 */
export function requestOfShape(
  state: State,
  administration: string,
  wanted: VmShape,
  poolMib: ReadonlyMap<string, number>,
): ShapeRequest | { refusal: Refusal } {
  const image = state.images.get(wanted.image);
  if (image === undefined) return { refusal: notFound('image', wanted.image) };
  if (wanted.diskMib < image.virtualSizeMib) {
    return { refusal: diskTooSmall(wanted.diskMib, image) };
  }
  if (wanted.pool !== '') {
    const refusal = poolIsFull(state, wanted.pool, wanted.diskMib, poolMib.get(wanted.pool));
    if (refusal) return { refusal };
  }
  const { sites, preferredSites = [] } = wanted.placement;
  for (const site of [...sites, ...preferredSites]) {
    if (!state.sites.has(site)) return { refusal: notFound('site', site) };
  }
  for (const rule of wanted.placement.groups ?? []) {
    const group = state.groups.get(administration, rule.group);
    if (group !== undefined && !sameRule(group.rule, rule)) return { refusal: groupDiffers(group.rule) };
  }
  const { vcpus, memoryMib, diskMib, pool, extras, hugepageKib, numa, placement, dataClass } = wanted;
  if (dataClass !== undefined && !state.tenancy.classes.has(dataClass))
    return { refusal: notFound('data class', dataClass) };
  const suspended = suspendedAbove(state, administration);
  if (suspended) return { refusal: suspended };
  const { uid: imageUid, architecture, virtualSizeMib } = image;
  const spec: VmSpec = { vcpus, memoryMib, diskMib, imageUid, pool };
  if (extras !== undefined) spec.extras = extras;
  if (hugepageKib !== undefined) spec.hugepageKib = hugepageKib;
  if (numa !== undefined) spec.numa = numa;
  const request = requestForNew(administration, spec, architecture, placement, virtualSizeMib, dataClass);
  return { spec, request };
}

function sameRule(one: GroupRule, other: GroupRule): boolean {
  const { policy, scope, soft, maxSkew } = one;
  return policy === other.policy && scope === other.scope && soft === other.soft && maxSkew === other.maxSkew;
}

function groupDiffers({ group, policy, scope, soft, maxSkew }: GroupRule): Refusal {
  const kind = `${soft ? 'soft ' : ''}${policy.replace('_', '-')} over ${scope}s`;
  const skew = policy === 'spread' ? ` with a skew of at most ${maxSkew}` : '';
  return refuse(
    'precondition',
    'GROUP_DIFFERS',
    `the VMs of group "${group}" are placed by ${kind}${skew}; say the same, or name another group`,
    { policy, scope, soft: String(soft), maxSkew: String(maxSkew) },
  );
}

function diskTooSmall(diskMib: number, image: Image): Refusal {
  return {
    ...refuse(
      'invalid',
      'DISK_TOO_SMALL',
      `a disk of ${diskMib} MiB cannot hold image "${image.id}"; ask for at least ${image.virtualSizeMib} MiB`,
      { minimumMib: String(image.virtualSizeMib) },
    ),
    violations: [{ field: 'vm.spec.disk_mib', description: `at least ${image.virtualSizeMib}` }],
  };
}

/** Whether a shared pool lacks room for a disk more, when a decision has taken so much of it already. */
export function poolIsFull(state: State, id: string, diskMib: number, takenMib = 0): Refusal | null {
  const pool = state.pools.get(id);
  if (pool === undefined) return notFound('storage pool', id);
  const left = pool.capacityMib - (state.poolClaimedMib.get(id) ?? 0) - takenMib;
  if (diskMib <= left) return null;
  const words = `has ${left} MiB left`;
  const of = { kind: 'storage pool' as const, id };
  return {
    ...refuse('exhausted', 'POOL_FULL', `storage pool "${id}" ${words}, and the disk needs ${diskMib} MiB`, {
      leftMib: String(left),
    }),
    confidential: [{ of, words, instead: 'has too little left', metadata: ['leftMib'] }],
  };
}
