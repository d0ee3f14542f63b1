/** PlacementService: questions about placement, answered by the same rules, and with the same words, as a creation. */
import type { EstimateCapacityRequest__Output } from '../../proto/gen/secovia/v1/EstimateCapacityRequest.js';
import type { ExplainPlacementRequest__Output } from '../../proto/gen/secovia/v1/ExplainPlacementRequest.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { estimateCapacity, explainPlacement } from '../core/ask-placement.js';
import type { VmShape } from '../core/commands.js';
import { refuseNoHost } from '../core/placement/no-host.js';
import { notFound } from '../core/refusal.js';
import { sightOf, toldTo } from './authorization.js';
import { Fields } from './fields.js';
import { mostCountedVms } from './limits.js';
import { type Answer, query } from './methods.js';
import { capacityMessage, placementAnswerMessage } from '../render/placement-answer.js';
import { sentenceOf } from './status.js';
import { classIn, priorityIn, shapeIn } from './vm-requests.js';

/** How long one question may count: it holds the loop, and with it the agents' leases. */
const countTimeMs = 100;
/** VMs between two looks at the clock. */
const vmsBetweenLooks = 32;

interface Question {
  administration: string;
  shape: VmShape;
}

/** What is asked about; null when it is not even there. */
function questionIn(fields: Fields, parent: string, vm: Vm__Output | null): Question | null {
  const administration = fields.name('parent', 'administration', parent);
  if (!fields.present('vm', vm) || !fields.present('vm.spec', vm.spec)) return null;
  const priority = priorityIn(fields, 'vm.priority', vm.priority);
  const shape = shapeIn(fields, 'vm', vm.spec, vm.placement);
  return { administration, shape: { ...shape, priority, ...classIn(fields, 'vm.data_class', vm.dataClass) } };
}

/** How the VM would be called; null when that is not said. */
function vmIdIn(fields: Fields, parent: string, name: string): string | null {
  if (name === '') return null;
  const prefix = `${parent}/vms/`;
  if (name.startsWith(prefix)) return fields.id('vm.name', name.slice(prefix.length));
  fields.fault('vm.name', 'must be empty, or the name of a VM of this parent, as in PARENT/vms/VM');
  return '';
}

export const placementService = {
  ExplainPlacement: query((request: ExplainPlacementRequest__Output, { engine }, caller): Answer<object> => {
    const { state } = engine;
    const fields = new Fields();
    const question = questionIn(fields, request.parent, request.vm);
    const vmId = vmIdIn(fields, request.parent, request.vm?.name ?? '');
    if (fields.refusal || question === null) return { refusal: fields.refusal ?? notFound('VM', '') };
    const asked = explainPlacement(state, question.administration, question.shape);
    if (asked.refusal) return asked;
    const { spec, answer } = asked;
    const { chosen, explanation, suggestion } = answer;
    const sight = sightOf(engine, caller);
    const noHost = chosen === null ? refuseNoHost(explanation, spec, vmId, suggestion) : null;
    const refusal = noHost === null ? '' : sentenceOf(toldTo(engine, caller, noHost));
    return { response: { ...placementAnswerMessage(state, sight, answer), refusal } };
  }),

  EstimateCapacity: query((request: EstimateCapacityRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const question = questionIn(fields, request.parent, request.vm);
    const limit = fields.whole('limit', request.limit, 0, mostCountedVms) || mostCountedVms;
    if (fields.refusal || question === null) return { refusal: fields.refusal ?? notFound('VM', '') };
    const { administration, shape } = question;
    const untilMs = performance.now() + countTimeMs;
    const goesOn = (counted: number) => counted % vmsBetweenLooks !== 0 || performance.now() < untilMs;
    const asked = estimateCapacity(engine.state, administration, shape, limit, goesOn);
    if (asked.refusal) return asked;
    return { response: capacityMessage(engine.state, sightOf(engine, caller), asked) };
  }),
};
