/** VmService: the virtual machines. Making them is in `vm-creation.ts`, watching them in `vm-watch.ts`. */
import { randomUUID } from 'node:crypto';
import type { DeleteVmRequest__Output } from '../../proto/gen/secovia/v1/DeleteVmRequest.js';
import type { GetVmRequest__Output } from '../../proto/gen/secovia/v1/GetVmRequest.js';
import type { ListVmsRequest__Output } from '../../proto/gen/secovia/v1/ListVmsRequest.js';
import type { RebootVmRequest__Output } from '../../proto/gen/secovia/v1/RebootVmRequest.js';
import type { ResizeVmRequest__Output } from '../../proto/gen/secovia/v1/ResizeVmRequest.js';
import type { StartVmRequest__Output } from '../../proto/gen/secovia/v1/StartVmRequest.js';
import type { StopVmRequest__Output } from '../../proto/gen/secovia/v1/StopVmRequest.js';
import type { UpdateVmRequest__Output } from '../../proto/gen/secovia/v1/UpdateVmRequest.js';
import type { Caller } from '../core/access/caller.js';
import { lookUp } from '../core/decide-vm.js';
import type { Operation, RebootMode, StopMode, Vm } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import type { Engine, Outcome } from '../engine.js';
import { sightOf } from './authorization.js';
import { durationMs } from './durations.js';
import { Fields, titleLimit } from './fields.js';
import { filterOf } from './filters.js';
import {
  defaultStopGraceSeconds,
  largestDiskMib,
  leastMemoryMib,
  longestStopGraceSeconds,
  mostMemoryMib,
  mostVcpus,
} from './limits.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { PageFill, pageOf } from './pages.js';
import { vmInSight } from '../render/in-sight.js';
import { operationMessage } from '../render/vm.js';
import { placementBytes } from '../render/vm-placement.js';
import { vmFilterSchema } from './vm-filter.js';
import { vmCreation } from './vm-creation.js';
import { defaultClass } from '../core/tenancy/residency.js';
import { classIn, policyIn, priorityIn } from './vm-requests.js';

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

/** How long one page of a listing may look for VMs, so that a filter that matches little does not hold the loop. */
const pageTimeMs = 10;
/** Rows between two looks at the clock. */
const rowsBetweenLooks = 256;

/** At most what the texts of a VM take on the wire: three bytes a UTF-16 unit. */
function textBytes({ title, labels, spec, placement }: Vm): number {
  let units = title.length;
  for (const key in labels) units += key.length + (labels[key] as string).length;
  for (const name in spec.extras) units += name.length;
  return 3 * units + placementBytes(placement);
}

function vmAndOperation(
  engine: Engine,
  caller: Caller,
  outcome: Outcome<{ vm: Vm; operation: Operation }>,
): Answer<object> {
  if (outcome.refusal) return outcome;
  const { vm, operation } = outcome.reply;
  const removed = !engine.state.vms.has(vm.uid);
  return {
    response: {
      vm: vmInSight(engine.state, sightOf(engine, caller), vm, removed),
      operation: operationMessage(engine.state, operation),
    },
  };
}

export const vmService = {
  ...vmCreation,

  GetVm: query((request: GetVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const ref = fields.vmName('name', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const vm = lookUp(engine.state, ref);
    if (vm === undefined) return { refusal: notFound('VM', request.name) };
    return { response: { vm: vmInSight(engine.state, sightOf(engine, caller), vm) } };
  }),

  ListVms: query((request: ListVmsRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const { state } = engine;
    const administration = fields.name('parent', 'administration', request.parent || 'administrations/-');
    const sight = sightOf(engine, caller);
    const matches = filterOf(fields, request.filter, vmFilterSchema(state, sight));
    const page = pageOf(fields, request, `vms ${request.parent} ${request.filter}`);
    const after = page.after === null ? 0 : Number(page.after);
    if (!Number.isSafeInteger(after)) fields.fault('page_token', 'is not a token of this listing');
    if (fields.refusal) return { refusal: fields.refusal };
    if (administration !== '-' && !state.administrations.has(administration)) {
      return { refusal: notFound('administration', request.parent) };
    }
    const vms: object[] = [];
    const fill = new PageFill(page.size);
    let rows = 0;
    const untilMs = performance.now() + pageTimeMs;
    const isLate = () => rows % rowsBetweenLooks === 0 && rows > 0 && performance.now() > untilMs;
    let last = after;
    let nextPageToken = '';
    for (const vm of state.vmOrder.after(after)) {
      if (fill.isFull || isLate()) {
        nextPageToken = page.token(String(last));
        break;
      }
      rows += 1;
      last = vm.createdSequence;
      if (administration !== '-' && vm.administration !== administration) continue;
      if (!sight.vm(vm) || !matches(vm)) continue;
      vms.push(vmInSight(state, sight, vm));
      fill.add(textBytes(vm));
    }
    return { response: { vms, nextPageToken } };
  }),

  UpdateVm: mutation((request: UpdateVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const sent = request.vm;
    if (!fields.present('vm', sent)) return { refusal: fields.refusal ?? notFound('VM', '') };
    const vm = fields.vmName('vm.name', sent.name);
    const masked = maskedFields(fields, request.updateMask, {
      title: sent.title !== '',
      labels: Object.keys(sent.labels).length > 0,
      policy: sent.policy !== null,
      deletion_protection: sent.deletionProtection,
      priority: sent.priority !== 'VM_PRIORITY_UNSPECIFIED',
      data_class: sent.dataClass !== '',
    });
    const title = masked.has('title') ? fields.text('vm.title', sent.title, titleLimit) : undefined;
    const labels = masked.has('labels') ? fields.labels('vm.labels', sent.labels) : undefined;
    const policy = masked.has('policy') ? policyIn(fields, 'vm.policy', sent.policy) : undefined;
    const deletionProtection = masked.has('deletion_protection') ? sent.deletionProtection : undefined;
    const priority = masked.has('priority') ? priorityIn(fields, 'vm.priority', sent.priority) : undefined;
    const dataClass = masked.has('data_class')
      ? (classIn(fields, 'vm.data_class', sent.dataClass).dataClass ?? defaultClass)
      : undefined;
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({
      type: 'vm.update',
      vm,
      title,
      labels,
      policy,
      deletionProtection,
      priority,
      dataClass,
      etag: sent.etag,
    });
    if (outcome.refusal) return outcome;
    return { response: { vm: vmInSight(engine.state, sightOf(engine, caller), outcome.reply) } };
  }),

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
    const graceMs = durationMs(
      fields,
      'grace_period',
      request.gracePeriod,
      1000,
      longestStopGraceSeconds * 1000,
    );
    if (fields.refusal) return { refusal: fields.refusal };
    const graceSeconds = graceMs === null ? defaultStopGraceSeconds : Math.ceil(graceMs / 1000);
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
