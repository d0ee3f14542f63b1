/** VmService: orders to VMs that exist, each with an operation that ends when it is carried out. */
import { randomUUID } from 'node:crypto';
import type { DeleteVmRequest__Output } from '../../proto/gen/secovia/v1/DeleteVmRequest.js';
import type { MigrateVmRequest__Output } from '../../proto/gen/secovia/v1/MigrateVmRequest.js';
import type { RebootVmRequest__Output } from '../../proto/gen/secovia/v1/RebootVmRequest.js';
import type { ResizeVmRequest__Output } from '../../proto/gen/secovia/v1/ResizeVmRequest.js';
import type { StartVmRequest__Output } from '../../proto/gen/secovia/v1/StartVmRequest.js';
import type { StopVmRequest__Output } from '../../proto/gen/secovia/v1/StopVmRequest.js';
import type { CommandOf } from '../core/commands.js';
import type { MoveMode, RebootMode, StopMode } from '../core/model.js';
import { operationInSight, vmInSight } from '../render/in-sight.js';
import { sightOf } from './authorization.js';
import { durationMs } from './durations.js';
import { Fields } from './fields.js';
import {
  defaultStopGraceSeconds,
  largestDiskMib,
  leastMemoryMib,
  longestStopGraceSeconds,
  mostMemoryMib,
  mostVcpus,
} from './limits.js';
import { type Answer, mutation } from './methods.js';

const stopModes: Record<string, StopMode> = {
  STOP_MODE_UNSPECIFIED: 'graceful',
  STOP_MODE_GRACEFUL: 'graceful',
  STOP_MODE_FORCE: 'force',
};
const rebootModes: Record<string, RebootMode> = {
  REBOOT_MODE_UNSPECIFIED: 'graceful',
  REBOOT_MODE_GRACEFUL: 'graceful',
  REBOOT_MODE_FORCE: 'force',
};

const migrationModes: Record<string, MoveMode | null> = {
  MIGRATION_MODE_UNSPECIFIED: null,
  MIGRATION_MODE_LIVE: 'live',
  MIGRATION_MODE_COLD: 'cold',
};

/** How long a guest has to power itself off, in whole seconds. */
function graceIn(fields: Fields, gracePeriod: StopVmRequest__Output['gracePeriod']): number {
  const ms = durationMs(fields, 'grace_period', gracePeriod, 1000, longestStopGraceSeconds * 1000);
  return ms === null ? defaultStopGraceSeconds : Math.ceil(ms / 1000);
}

/** What is ordered of a VM that exists. */
type VmOrder = CommandOf<'vm.resize' | 'vm.start' | 'vm.stop' | 'vm.reboot' | 'vm.migrate' | 'vm.delete'>;
type Common = Pick<VmOrder, 'vm' | 'operation' | 'etag'>;

/** An order to the VM that a request names. */
function order<Request extends { name: string; etag: string; requestId: string }>(
  commandOf: (common: Common, request: Request, fields: Fields) => VmOrder,
) {
  return mutation((request: Request, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    const command = commandOf({ vm, operation: randomUUID(), etag: request.etag }, request, fields);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run(command);
    if (outcome.refusal) return outcome;
    const { vm: ordered, operation } = outcome.reply;
    const sight = sightOf(engine, caller);
    const removed = !engine.state.vms.has(ordered.uid);
    return {
      response: {
        vm: vmInSight(engine.state, sight, ordered, removed),
        operation: operationInSight(engine.state, sight, operation),
      },
    };
  });
}

export const vmOrders = {
  ResizeVm: order((common, request: ResizeVmRequest__Output, fields) => {
    const vcpus = fields.whole('vcpus', request.vcpus, 0, mostVcpus);
    const memoryMib = fields.whole('memory_mib', request.memoryMib, 0, mostMemoryMib);
    if (memoryMib > 0) fields.whole('memory_mib', memoryMib, leastMemoryMib, mostMemoryMib);
    const diskMib = fields.whole('disk_mib', request.diskMib, 0, largestDiskMib);
    if (vcpus + memoryMib + diskMib === 0) fields.fault('vcpus', 'name at least one new size');
    return { type: 'vm.resize', ...common, vcpus, memoryMib, diskMib };
  }),

  StartVm: order((common, _: StartVmRequest__Output) => ({ type: 'vm.start', ...common })),

  StopVm: order((common, request: StopVmRequest__Output, fields) => {
    const mode = fields.choice('mode', request.mode, stopModes);
    const graceSeconds = graceIn(fields, request.gracePeriod);
    return { type: 'vm.stop', ...common, mode, graceSeconds };
  }),

  RebootVm: order((common, request: RebootVmRequest__Output, fields) => {
    return { type: 'vm.reboot', ...common, mode: fields.choice('mode', request.mode, rebootModes) };
  }),

  MigrateVm: order((common, request: MigrateVmRequest__Output, fields) => {
    const host = request.host === '' ? null : fields.name('host', 'host', request.host);
    const mode = fields.choice('mode', request.mode, migrationModes);
    const graceSeconds = graceIn(fields, request.gracePeriod);
    if (request.gracePeriod !== null && mode !== 'cold') {
      fields.fault(
        'grace_period',
        'is for a guest that is stopped: choose MIGRATION_MODE_COLD, or leave it out',
      );
    }
    return { type: 'vm.migrate', ...common, host, mode, graceSeconds };
  }),

  DeleteVm: order((common, _: DeleteVmRequest__Output) => ({ type: 'vm.delete', ...common })),
};
