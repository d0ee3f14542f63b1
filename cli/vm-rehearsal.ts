/**
 * `vm create --dry-run`: the scheduler decides as if, and keeps nothing. Whoever reads the answer, in whatever format,
 * is told that nothing was made.
 */
import type { BatchMode } from '../proto/gen/secovia/v1/BatchMode.js';
import type { CreateVmRequest } from '../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Vm } from '../proto/gen/secovia/v1/Vm.js';
import { firstVms, refusalFailure } from './batch-outcome.js';
import type { Context } from './context.js';
import { present } from './output/present.js';
import { shortName, shortVmName } from './values/names.js';
import { plannedVmColumns } from './views/vm.js';

const nothingMade = 'this was a dry run: nothing was made.';

/** Nothing is kept under a request id, so none is sent. */
export async function rehearseOne(
  context: Context,
  request: CreateVmRequest & { parent: string; vmId: string },
): Promise<void> {
  const { parent, vmId } = request;
  const connection = await context.connection();
  const response = await connection.call('VmService', 'CreateVm', { ...request, validateOnly: true });
  const name = response.vm?.name || `${parent}/vms/${vmId}`;
  const host = shortName(response.vm?.host ?? '');
  await present(context, {
    service: 'VmService',
    method: 'CreateVm',
    response,
    names: [name],
    text: () => `${shortVmName(name)} would go to ${host === '' ? 'a host' : host}; ${nothingMade}\n`,
  });
  sayBeside(context);
}

export async function rehearseBatch(
  context: Context,
  parent: string,
  vmIds: readonly string[],
  vm: Vm,
  mode: BatchMode,
): Promise<void> {
  const connection = await context.connection();
  const requests = vmIds.map((vmId) => ({ vmId, vm }));
  const response = await connection.call('VmService', 'BatchCreateVms', {
    parent,
    requests,
    mode,
    validateOnly: true,
  });
  const { vms } = response;
  await present(context, {
    service: 'VmService',
    method: 'BatchCreateVms',
    response,
    names: vms.map(({ name }) => name),
    text: async () =>
      (await firstVms(context, vms, plannedVmColumns())) +
      `${vms.length} VMs would go there; ${nothingMade}\n`,
  });
  sayBeside(context);
  const failure = await refusalFailure(response);
  if (failure !== undefined) throw failure;
}

/** JSON and names look as if it had been done. */
function sayBeside(context: Context): void {
  if (context.format !== 'table') context.say(nothingMade);
}
