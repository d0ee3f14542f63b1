/** Making VMs, one or many, or seeing what would become of it. */
import { randomUUID } from 'node:crypto';
import type { BatchCreateVmsRequest__Output } from '../../proto/gen/secovia/v1/BatchCreateVmsRequest.js';
import type { CreateVmRequest__Output } from '../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Operation } from '../../proto/gen/secovia/v1/Operation.js';
import type { RefusedVm } from '../../proto/gen/secovia/v1/RefusedVm.js';
import type { Vm } from '../../proto/gen/secovia/v1/Vm.js';
import type { NewVm } from '../core/commands.js';
import { notFound } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { Fields } from './fields.js';
import { largestBatch } from './limits.js';
import { type Answer, mutation } from './methods.js';
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
  validateOnly: boolean;
}

interface Made {
  vms: Vm[];
  operation: Operation | null;
  refused: RefusedVm[];
}

function create(engine: Engine, { administration, vms, bestEffort, validateOnly }: Asked): Answer<Made> {
  const command = {
    type: 'vm.create',
    administration,
    vms,
    operation: randomUUID(),
    bestEffort,
  } as const;
  const outcome = validateOnly ? engine.preview(command) : engine.run(command);
  if (outcome.refusal) return outcome;
  const { reply } = outcome;
  // The state does not know VMs that are only looked at.
  const vmOf = (uid: string) => reply.vms.find((vm) => vm.uid === uid);
  return {
    response: {
      vms: reply.vms.map((vm) => vmMessage(engine.state, vm)),
      operation: reply.operation === null ? null : operationMessage(engine.state, reply.operation, vmOf),
      refused: reply.refused.map(({ index, id, refusal }) => ({
        index,
        vmId: id,
        status: statusMessageOf(refusal),
      })),
    },
  };
}

export const vmCreation = {
  CreateVm: mutation((request: CreateVmRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const administration = fields.name('parent', 'administration', request.parent);
    const vm = newVm(fields, request, '');
    if (fields.refusal || vm === null) return { refusal: fields.refusal ?? notFound('VM', '') };
    const { validateOnly } = request;
    const answer = create(engine, { administration, vms: [vm], bestEffort: false, validateOnly });
    if (answer.refusal) return answer;
    const { vms, operation } = answer.response;
    return { response: { vm: vms[0], operation } };
  }),

  BatchCreateVms: mutation((request: BatchCreateVmsRequest__Output, { engine }): Answer<object> => {
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
      const vm = newVm(fields, one, at);
      if (vm !== null) wanted.push(vm);
    }
    const bestEffort = fields.choice('mode', request.mode, batchModes) === 'best_effort';
    if (fields.refusal) return { refusal: fields.refusal };
    const { validateOnly } = request;
    return create(engine, { administration, vms: wanted, bestEffort, validateOnly });
  }),
};
