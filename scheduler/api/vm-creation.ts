/** Making VMs, one or many, or seeing what would become of it. */
import { randomUUID } from 'node:crypto';
import type { BatchCreateVmsRequest__Output } from '../../proto/gen/secovia/v1/BatchCreateVmsRequest.js';
import type { CreateVmRequest__Output } from '../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Operation } from '../../proto/gen/secovia/v1/Operation.js';
import type { RefusedVm } from '../../proto/gen/secovia/v1/RefusedVm.js';
import type { Vm } from '../../proto/gen/secovia/v1/Vm.js';
import type { Caller } from '../core/access/caller.js';
import type { CommandOf, NewVm } from '../core/commands.js';
import { mostDisplaced } from '../core/placement/displacement.js';
import { notFound } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { sightOf, toldTo } from './authorization.js';
import { Fields } from './fields.js';
import { largestBatch } from './limits.js';
import { type Answer, mutation } from './methods.js';
import { rehearsedVm, siteNameOf } from '../render/in-sight.js';
import { operationMessage, vmMessage } from '../render/vm.js';
import { statusMessageOf } from './status.js';
import { newVm } from './vm-requests.js';

const batchModes: Record<string, 'all_or_nothing' | 'best_effort'> = {
  BATCH_MODE_UNSPECIFIED: 'all_or_nothing',
  BATCH_MODE_ALL_OR_NOTHING: 'all_or_nothing',
  BATCH_MODE_BEST_EFFORT: 'best_effort',
};

interface Asked {
  administration: string;
  vms: NewVm[];
  bestEffort: boolean;
  preemption?: CommandOf<'vm.create'>['preemption'];
  validateOnly: boolean;
}

interface Made {
  vms: Vm[];
  operation: Operation | null;
  refused: RefusedVm[];
}

function create(engine: Engine, caller: Caller, { validateOnly, ...asked }: Asked): Answer<Made> {
  const command = { type: 'vm.create', operation: randomUUID(), ...asked } as const;
  const outcome = validateOnly ? engine.preview(command) : engine.run(command);
  if (outcome.refusal) return outcome;
  const { operation, refused } = outcome.reply;
  const { state } = engine;
  const sight = validateOnly ? sightOf(engine, caller) : null;
  const vms =
    sight === null ? outcome.reply.vms : outcome.reply.vms.map((vm) => rehearsedVm(state, sight, vm));
  // The state does not know VMs that are only looked at.
  const byUid = new Map(vms.map((vm) => [vm.uid, vm]));
  return {
    response: {
      vms: vms.map((vm, index) => {
        const message = vmMessage(state, vm);
        // Of one that is only looked at the host may be hidden; its site is told.
        if (sight !== null) message.site = siteNameOf(state, outcome.reply.vms[index] ?? vm);
        return message;
      }),
      operation: operation === null ? null : operationMessage(state, operation, (uid) => byUid.get(uid)),
      refused: refused.map(({ index, id, refusal }) => ({
        index,
        vmId: id,
        status: statusMessageOf(toldTo(engine, caller, refusal)),
      })),
    },
  };
}

const preemptions: Record<string, 'none' | 'report' | 'confirm'> = {
  PREEMPTION_UNSPECIFIED: 'none',
  PREEMPTION_REPORT: 'report',
  PREEMPTION_CONFIRM: 'confirm',
};

/** What is asked of VMs of lower priorities; undefined when nothing is. */
function preemptionIn(fields: Fields, request: CreateVmRequest__Output): Asked['preemption'] {
  const preemption = fields.choice('preemption', request.preemption, preemptions);
  const listed = fields.list('displaced', request.displaced, mostDisplaced);
  if (preemption !== 'confirm') {
    if (listed.length > 0) fields.fault('displaced', 'is of PREEMPTION_CONFIRM alone; leave it out');
    return preemption === 'none' ? undefined : preemption;
  }
  if (request.displaced.length === 0)
    fields.fault('displaced', 'is empty; name what PREEMPTION_REPORT has told');
  const seen = new Set<string>();
  return listed.map(({ vm, etag }, index) => {
    const ref = fields.vmName(`displaced[${index}].vm`, vm);
    const uid = 'uid' in ref ? ref.uid : '';
    if (!('uid' in ref)) fields.fault(`displaced[${index}].vm`, 'must look like vms/UID');
    if (etag === '') fields.fault(`displaced[${index}].etag`, 'is missing; say which version you have seen');
    if (seen.has(uid)) fields.fault(`displaced[${index}].vm`, 'is named twice');
    seen.add(uid);
    return { uid, etag };
  });
}

export const vmCreation = {
  CreateVm: mutation((request: CreateVmRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const administration = fields.name('parent', 'administration', request.parent);
    const vm = newVm(fields, request, '');
    const preemption = preemptionIn(fields, request);
    if (fields.refusal || vm === null) return { refusal: fields.refusal ?? notFound('VM', '') };
    const { validateOnly } = request;
    const asked = { administration, vms: [vm], bestEffort: false, validateOnly };
    const answer = create(engine, caller, preemption === undefined ? asked : { ...asked, preemption });
    if (answer.refusal) return answer;
    const { vms, operation } = answer.response;
    return { response: { vm: vms[0], operation } };
  }),

  BatchCreateVms: mutation((request: BatchCreateVmsRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const administration = fields.name('parent', 'administration', request.parent);
    if (request.requests.length === 0) fields.fault('requests', 'is empty; name at least one VM');
    const wanted: NewVm[] = [];
    for (const [index, one] of fields.list('requests', request.requests, largestBatch).entries()) {
      const at = `requests[${index}].`;
      if (one.parent !== '' && one.parent !== request.parent) {
        fields.fault(`${at}parent`, 'must be empty, or the same as of the batch');
      }
      if (one.requestId !== '') fields.fault(`${at}request_id`, 'must be empty; the batch has one');
      if (one.validateOnly) fields.fault(`${at}validate_only`, 'must be false; ask it of the whole batch');
      if (one.preemption !== 'PREEMPTION_UNSPECIFIED' || one.displaced.length > 0) {
        fields.fault(`${at}preemption`, 'must be left out; VMs are displaced for one at a time');
      }
      const vm = newVm(fields, one, at);
      if (vm !== null) wanted.push(vm);
    }
    const bestEffort = fields.choice('mode', request.mode, batchModes) === 'best_effort';
    if (fields.refusal) return { refusal: fields.refusal };
    const { validateOnly } = request;
    return create(engine, caller, { administration, vms: wanted, bestEffort, validateOnly });
  }),
};
