/**
 * VmService: the virtual machines. Making them is in `vm-creation.ts`, adopting them in `vm-adoption.ts`, ordering them
 * about in `vm-orders.ts`, watching them in `vm-watch.ts`.
 */
import type { GetVmRequest__Output } from '../../proto/gen/secovia/v1/GetVmRequest.js';
import type { ListVmsRequest__Output } from '../../proto/gen/secovia/v1/ListVmsRequest.js';
import type { UpdateVmRequest__Output } from '../../proto/gen/secovia/v1/UpdateVmRequest.js';
import { lookUp } from '../core/decide-vm.js';
import type { Vm } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import { sightOf } from './authorization.js';
import { Fields, titleLimit } from './fields.js';
import { filterOf } from './filters.js';
import { maskedFields } from './masks.js';
import { type Answer, mutation, query } from './methods.js';
import { PageFill, pageOf, PageTime } from './pages.js';
import { vmInSight } from '../render/in-sight.js';
import { placementBytes } from '../render/vm-placement.js';
import { vmAdoption } from './vm-adoption.js';
import { vmFilterSchema } from './vm-filter.js';
import { vmCreation } from './vm-creation.js';
import { vmOrders } from './vm-orders.js';
import { defaultClass } from '../core/tenancy/residency.js';
import { classIn, policyIn, priorityIn } from './vm-requests.js';

/** At most what the texts of a VM take on the wire: three bytes a UTF-16 unit. */
function textBytes({ title, labels, spec, placement }: Vm): number {
  let units = title.length;
  for (const key in labels) units += key.length + (labels[key] as string).length;
  for (const name in spec.extras) units += name.length;
  return 3 * units + placementBytes(placement);
}

export const vmService = {
  ...vmCreation,
  ...vmOrders,
  ...vmAdoption,

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
    const time = new PageTime();
    let last = after;
    let nextPageToken = '';
    for (const vm of state.vmOrder.after(after)) {
      if (fill.isFull || time.isOver()) {
        nextPageToken = page.token(String(last));
        break;
      }
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
};
