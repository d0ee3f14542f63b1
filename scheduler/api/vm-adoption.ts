/** Orphans of hosts that become VMs: an operator's order, about a VM that is an administration's. */
import { randomUUID } from 'node:crypto';
import type { AdoptVmRequest__Output } from '../../proto/gen/secovia/v1/AdoptVmRequest.js';
import type { VmSpec__Output } from '../../proto/gen/secovia/v1/VmSpec.js';
import { notFound } from '../core/refusal.js';
import { operationInSight, vmInSight } from '../render/in-sight.js';
import { sightOf } from './authorization.js';
import { wantedExtras } from './extras.js';
import { Fields } from './fields.js';
import { largestDiskMib, leastMemoryMib, mostMemoryMib, mostVcpus } from './limits.js';
import { type Answer, mutation } from './methods.js';
import { placementIn } from './vm-placement.js';
import { ownersWords } from './vm-requests.js';

/** A UUID as hosts report their orphans. */
export const orphanUid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const orphanForm = 'must be the UUID of an orphan, as secovia host show has it';

/** What is said of an orphan's size; 0 and empty where it is to be what the host has read. */
function saidIn(fields: Fields, spec: VmSpec__Output | null) {
  const { vcpus = 0, memoryMib = 0, diskMib = 0, image = '', extras = {} } = spec ?? {};
  const isOnHost = 'is as it is on the host; leave it out';
  if (spec?.storagePool) fields.fault('vm.spec.storage_pool', isOnHost);
  if (spec?.hugepageSizeKib) fields.fault('vm.spec.hugepage_size_kib', isOnHost);
  if (spec?.numa) fields.fault('vm.spec.numa', isOnHost);
  return {
    vcpus: fields.whole('vm.spec.vcpus', vcpus, 0, mostVcpus),
    memoryMib:
      memoryMib === 0 ? 0 : fields.whole('vm.spec.memory_mib', memoryMib, leastMemoryMib, mostMemoryMib),
    diskMib: fields.whole('vm.spec.disk_mib', diskMib, 0, largestDiskMib),
    image: image === '' ? '' : fields.name('vm.spec.image', 'image', image),
    extras: wantedExtras(fields, 'vm.spec.extras', extras),
  };
}

export const vmAdoption = {
  AdoptVm: mutation((request: AdoptVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const administration = fields.name('parent', 'administration', request.parent);
    const id = fields.id('vm_id', request.vmId);
    const host = fields.name('host', 'host', request.host);
    const { vm, orphan } = request;
    if (!orphanUid.test(orphan)) fields.fault('orphan', orphanForm);
    if (!fields.present('vm', vm)) return { refusal: fields.refusal ?? notFound('VM', '') };
    if (vm.desiredPowerState !== 'POWER_STATE_UNSPECIFIED') {
      fields.fault(
        'vm.desired_power_state',
        'is what the orphan is; leave it out, and start or stop the VM then',
      );
    }
    const wanted = {
      uid: orphan,
      id,
      ...saidIn(fields, vm.spec),
      placement: placementIn(fields, 'vm.placement', vm.placement),
      ...ownersWords(fields, 'vm', vm),
    };
    if (fields.refusal) return { refusal: fields.refusal };
    const command = { type: 'vm.adopt', administration, host, vm: wanted, operation: randomUUID() } as const;
    const outcome = engine.run(command);
    if (outcome.refusal) return outcome;
    const sight = sightOf(engine, caller);
    const { state } = engine;
    return {
      response: {
        vm: vmInSight(state, sight, outcome.reply.vm),
        operation: operationInSight(state, sight, outcome.reply.operation),
      },
    };
  }),
};
