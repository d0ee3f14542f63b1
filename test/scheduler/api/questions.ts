/** Questions about placement, for tests: VMs to be, hosts of a size, and what a creation says to the same. */
import type { Vm } from '../../../proto/gen/secovia/v1/Vm.js';
import type { VmPlacement } from '../../../proto/gen/secovia/v1/VmPlacement.js';
import type { VmSpec } from '../../../proto/gen/secovia/v1/VmSpec.js';
import { type AgentOptions, inventory } from './agent.js';
import type { Api, Failure } from './client.js';
import { adm } from './federation.js';

/** A small VM, unless it is said otherwise. */
export function asked(spec: VmSpec = {}, placement: VmPlacement = {}): Vm {
  return { spec: { vcpus: 1, memoryMib: 1024, diskMib: 200, image: 'images/tiny', ...spec }, placement };
}

/** What the agent of a host of this size says. */
export function sized(memoryMib: number, vcpus = 64): AgentOptions {
  return { inventory: { ...inventory(), total: { vcpus, memoryMib, diskMib: 1_000_000, vms: 100 } } };
}

/** What CreateVm says to a VM that it refuses. */
export function refusedBy(api: Api, vm: Vm, vmId = 'web'): Promise<Failure> {
  return api.fails('CreateVm', { parent: adm, vmId, vm });
}
