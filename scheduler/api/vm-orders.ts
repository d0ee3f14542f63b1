/** VmService: orders to VMs that exist, each with an operation that ends when it is carried out. */
import { randomUUID } from 'node:crypto';
import type { DeleteVmRequest__Output } from '../../proto/gen/secovia/v1/DeleteVmRequest.js';
import type { MigrateVmRequest__Output } from '../../proto/gen/secovia/v1/MigrateVmRequest.js';
import type { RebootVmRequest__Output } from '../../proto/gen/secovia/v1/RebootVmRequest.js';
import type { ResizeVmRequest__Output } from '../../proto/gen/secovia/v1/ResizeVmRequest.js';
import type { StartVmRequest__Output } from '../../proto/gen/secovia/v1/StartVmRequest.js';
import type { StopVmRequest__Output } from '../../proto/gen/secovia/v1/StopVmRequest.js';
import type { Caller } from '../core/access/caller.js';
import type { MoveMode, Operation, RebootMode, StopMode, Vm } from '../core/model.js';
import type { Engine, Outcome } from '../engine.js';
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

function vmAndOperation(
  engine: Engine,
  caller: Caller,
  outcome: Outcome<{ vm: Vm; operation: Operation }>,
): Answer<object> {
  if (outcome.refusal) return outcome;
  const { vm, operation } = outcome.reply;
  const sight = sightOf(engine, caller);
  const removed = !engine.state.vms.has(vm.uid);
  return {
    response: {
      vm: vmInSight(engine.state, sight, vm, removed),
      operation: operationInSight(engine.state, sight, operation),
    },
  };
}

/** How long a guest has to power itself off, in whole seconds. */
function graceIn(fields: Fields, gracePeriod: StopVmRequest__Output['gracePeriod']): number {
  const ms = durationMs(fields, 'grace_period', gracePeriod, 1000, longestStopGraceSeconds * 1000);
  return ms === null ? defaultStopGraceSeconds : Math.ceil(ms / 1000);
}

export const vmOrders = {
  ResizeVm: mutation((request: ResizeVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    const vcpus = fields.whole('vcpus', request.vcpus, 0, mostVcpus);
    const memoryMib = fields.whole('memory_mib', request.memoryMib, 0, mostMemoryMib);
    if (memoryMib > 0) fields.whole('memory_mib', memoryMib, leastMemoryMib, mostMemoryMib);
    const diskMib = fields.whole('disk_mib', request.diskMib, 0, largestDiskMib);
    if (vcpus + memoryMib + diskMib === 0) fields.fault('vcpus', 'name at least one new size');
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    const operation = randomUUID();
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.resize', vm, vcpus, memoryMib, diskMib, operation, etag }),
    );
  }),

  StartVm: mutation((request: StartVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.start', vm, operation: randomUUID(), etag }),
    );
  }),

  StopVm: mutation((request: StopVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    const mode = fields.choice('mode', request.mode, stopModes);
    const graceSeconds = graceIn(fields, request.gracePeriod);
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    const operation = randomUUID();
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.stop', vm, mode, graceSeconds, operation, etag }),
    );
  }),

  RebootVm: mutation((request: RebootVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    const mode = fields.choice('mode', request.mode, rebootModes);
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.reboot', vm, mode, operation: randomUUID(), etag }),
    );
  }),

  MigrateVm: mutation((request: MigrateVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    const host = request.host === '' ? null : fields.name('host', 'host', request.host);
    const mode = fields.choice('mode', request.mode, migrationModes);
    const graceSeconds = graceIn(fields, request.gracePeriod);
    if (request.gracePeriod !== null && mode !== 'cold') {
      fields.fault(
        'grace_period',
        'is for a guest that is stopped: choose MIGRATION_MODE_COLD, or leave it out',
      );
    }
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    const operation = randomUUID();
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.migrate', vm, host, mode, graceSeconds, operation, etag }),
    );
  }),

  DeleteVm: mutation((request: DeleteVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const vm = fields.vmName('name', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const { etag } = request;
    return vmAndOperation(
      engine,
      caller,
      engine.run({ type: 'vm.delete', vm, operation: randomUUID(), etag }),
    );
  }),
};
