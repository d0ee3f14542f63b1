/** The decision that makes VMs: all of a call or none. */
import type { Change } from './changes.js';
import type { CommandOf, NewVm, VmShape } from './commands.js';
import type { Decision } from './decide.js';
import type { GroupRule, Image, Operation, Vm, VmSpec } from './model.js';
import { refuseNoHost, refuseOne } from './placement/no-host.js';
import { type Place, place } from './placement/placement.js';
import { type PlacementRequest, requestForNew } from './placement/request.js';
import { alreadyExists, notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';
import { newOperation } from './vm-changes.js';

/** VMs of one decision get `sequence * this + index`, so that their order is total. */
export const creationsPerDecision = 16_384;

export function createVms(
  state: State,
  command: CommandOf<'vm.create'>,
  nowMs: number,
): Decision<{ vms: Vm[]; operation: Operation }> {
  if (!state.administrations.has(command.administration)) {
    return { refusal: notFound('administration', command.administration) };
  }
  // The VMs of one decision must not be given the same room. What each takes is claimed until all are decided, and
  // then given back: only `apply` claims for good.
  const tentative: { placed: Place; request: PlacementRequest }[] = [];
  try {
    return decideEach(state, command, nowMs, (placed, request) => {
      state.claimRequest(placed, request, 1);
      tentative.push({ placed, request });
    });
  } finally {
    for (const { placed, request } of tentative) state.claimRequest(placed, request, -1);
  }
}

function decideEach(
  state: State,
  command: CommandOf<'vm.create'>,
  nowMs: number,
  claim: (placed: Place, request: PlacementRequest) => void,
): Decision<{ vms: Vm[]; operation: Operation }> {
  const { administration } = command;
  const alone = command.vms.length === 1;
  const poolMib = new Map<string, number>();
  const names = new Set<string>();
  const changes: Change[] = [];
  const vms: Vm[] = [];
  const firstSequence = (state.sequence + 1) * creationsPerDecision;
  for (const [index, wanted] of command.vms.entries()) {
    const checked = check(state, administration, wanted, names, poolMib);
    if (checked.refusal) return { refusal: checked.refusal };
    const { spec, request } = checked;
    const placed = place(state, request);
    if (placed.noHost) {
      const refusal = alone
        ? refuseOne(state, request, placed.noHost, spec, wanted.id)
        : refuseNoHost(placed.noHost, spec, wanted.id);
      return { refusal };
    }
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
      host: placed.host.id,
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
      operation: command.operation,
      fault: null,
      revision: 1,
      createdSequence: firstSequence + index,
      createdMs: nowMs,
      updatedMs: nowMs,
    };
    if (placed.numaCells !== undefined) vm.numaCells = placed.numaCells;
    vms.push(vm);
    if (!alone) claim(placed, request);
    changes.push({ type: 'vm.created', vm });
  }
  const targets = vms.map((vm) => vm.uid);
  const operation = newOperation(command.operation, 'create', targets, firstSequence, nowMs);
  changes.push({ type: 'operation.started', operation });
  return { changes, reply: () => ({ vms, operation }) };
}

function check(
  state: State,
  administration: string,
  wanted: NewVm,
  names: Set<string>,
  poolMib: Map<string, number>,
): ShapeRequest | { refusal: Refusal } {
  if (names.has(wanted.id) || state.vmByName(administration, wanted.id) !== undefined) {
    return { refusal: alreadyExists('VM', `administrations/${administration}/vms/${wanted.id}`) };
  }
  names.add(wanted.id);
  if (state.vms.has(wanted.uid)) return { refusal: alreadyExists('VM', wanted.uid) };
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
  poolMib: Map<string, number>,
): ShapeRequest | { refusal: Refusal } {
  const image = state.images.get(wanted.image);
  if (image === undefined) return { refusal: notFound('image', wanted.image) };
  if (wanted.diskMib < image.virtualSizeMib) {
    return { refusal: diskTooSmall(wanted.diskMib, image) };
  }
  if (wanted.pool !== '') {
    const refusal = claimPool(state, wanted.pool, wanted.diskMib, poolMib);
    if (refusal) return { refusal };
  }
  for (const site of wanted.placement.sites) {
    if (!state.sites.has(site)) return { refusal: notFound('site', site) };
  }
  for (const rule of wanted.placement.groups ?? []) {
    const group = state.groups.get(administration, rule.group);
    if (group !== undefined && !sameRule(group.rule, rule)) return { refusal: groupDiffers(group.rule) };
  }
  const { vcpus, memoryMib, diskMib, pool, extras, hugepageKib, numa, placement } = wanted;
  const { uid: imageUid, architecture, virtualSizeMib } = image;
  const spec: VmSpec = { vcpus, memoryMib, diskMib, imageUid, pool };
  if (extras !== undefined) spec.extras = extras;
  if (hugepageKib !== undefined) spec.hugepageKib = hugepageKib;
  if (numa !== undefined) spec.numa = numa;
  return { spec, request: requestForNew(administration, spec, architecture, placement, virtualSizeMib) };
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

/** Checks that a shared pool has room for a disk more, counting what this decision has taken already. */
export function claimPool(
  state: State,
  id: string,
  diskMib: number,
  taken: Map<string, number>,
): Refusal | null {
  const pool = state.pools.get(id);
  if (pool === undefined) return notFound('storage pool', id);
  const before = (state.poolClaimedMib.get(id) ?? 0) + (taken.get(id) ?? 0);
  if (before + diskMib > pool.capacityMib) {
    const left = pool.capacityMib - before;
    return refuse(
      'exhausted',
      'POOL_FULL',
      `storage pool "${id}" has ${left} MiB left, and the disk needs ${diskMib} MiB`,
      { leftMib: String(left) },
    );
  }
  taken.set(id, (taken.get(id) ?? 0) + diskMib);
  return null;
}
