/**
 * How VMs give up their room for one of a higher priority. The decision takes nothing from a VM that could run: those
 * that are to give way must have been stopped, and been seen stopped by their host, before; until then they hold what they
 * hold (PROTOCOL O6). So at no time do two VMs have the same room, whoever dies in between.
 */
import type { Change } from './changes.js';
import type { Displaced } from './commands.js';
import { etagOf, staleEtag } from './etag.js';
import { isSettled } from './lifecycle/vm.js';
import type { Priority, Vm } from './model.js';
import { keepsItsRoom, roomAlone } from './placement/displacement.js';
import { nameOf } from './placement/fewest-to-free.js';
import type { PlacementRequest } from './placement/request.js';
import { type Confidential, notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';

/** The host that these VMs make room on, with the changes that do so. */
export function displace(
  state: State,
  request: PlacementRequest,
  priority: Priority,
  displaced: readonly Displaced[],
  displacedFor: string,
): { host: string; changes: Change[]; refusal?: undefined } | { refusal: Refusal } {
  const vms: Vm[] = [];
  for (const { uid, etag } of displaced) {
    const vm = state.vms.get(uid);
    if (vm === undefined) return { refusal: notFound('VM', `vms/${uid}`) };
    const refusal = staleEtag(etag, vm.revision) ?? cannotGiveWay(state, vm, request, priority);
    if (refusal) return { refusal };
    vms.push(vm);
  }
  const id = vms[0]?.host;
  const host = id == null ? undefined : state.hosts.get(id);
  if (host === undefined || vms.some((vm) => vm.host !== host.id)) {
    return { refusal: refuse('precondition', 'NOT_ONE_HOST', 'the VMs to displace are not all on one host') };
  }
  const lacks = roomAlone(state, request)(host);
  if (lacks === null) {
    const sentence = `host "${host.id}" cannot take the VM for other reasons than its vCPUs and memory; ask for a report anew`;
    return { refusal: refuse('precondition', 'NOT_ROOM_ALONE', sentence) };
  }
  const freed = (resource: 'memoryMib' | 'vcpus') => vms.reduce((sum, { spec }) => sum + spec[resource], 0);
  const short = {
    memoryMib: Math.max(0, lacks.memoryMib - freed('memoryMib')),
    vcpus: Math.max(0, lacks.vcpus - freed('vcpus')),
  };
  if (short.memoryMib + short.vcpus > 0) {
    const words = `${short.vcpus} vCPUs and ${short.memoryMib} MiB of memory`;
    const sentence = `without these VMs host "${host.id}" still lacks ${words}; ask for a report anew`;
    const metadata = { vcpus: String(short.vcpus), memoryMib: String(short.memoryMib) };
    const confidential: Confidential[] = [
      { of: { kind: 'host', id: host.id }, words, instead: 'room', metadata: Object.keys(metadata) },
    ];
    return { refusal: { ...refuse('exhausted', 'STILL_NO_ROOM', sentence, metadata), confidential } };
  }
  const changes = vms.map(({ uid }): Change => ({ type: 'vm.displaced', uid, displacedFor }));
  return { host: host.id, changes };
}

function cannotGiveWay(
  state: State,
  vm: Vm,
  { administration }: PlacementRequest,
  priority: Priority,
): Refusal | null {
  const metadata = { vm: `vms/${vm.uid}` };
  const why = keepsItsRoom(state, vm, administration, priority);
  if (why !== null) {
    return refuse(
      'precondition',
      'NOT_DISPLACEABLE',
      `VM ${nameOf(vm)} cannot be displaced: ${why}`,
      metadata,
    );
  }
  if (vm.desired === 'stopped' && isSettled(vm) && vm.operation === null) return null;
  const sentence = `VM ${nameOf(vm)} is not stopped yet; stop it first, and wait for that`;
  return refuse('precondition', 'NOT_STOPPED', sentence, metadata);
}

/** The refusal of a VM, which says as well who would have to give up their room for it. */
export function withReport(refusal: Refusal, host: string, vms: readonly Vm[]): Refusal {
  const count = vms.length === 1 ? 'one VM' : `${vms.length} VMs`;
  const metadata: Record<string, string> = {
    ...refusal.metadata,
    displace_host: host,
    displace_count: String(vms.length),
  };
  for (const [index, vm] of vms.entries())
    metadata[`displace_${index + 1}`] = `vms/${vm.uid} ${etagOf(vm.revision)}`;
  const message = `${refusal.message}; on host "${host}" it would fit if ${count} of a lower priority gave up the room: ${vms.map(nameOf).join(', ')}`;
  return { ...refusal, message, metadata };
}
