/**
 * `vm create --preempt confirm`: a VM for which others have to give up their room. Whoever asks is shown who they are;
 * they are stopped in the version that was shown, and the VM is made when they are. What fails after that leaves them
 * stopped, and says so.
 */
import type { CreateVmRequest } from '../proto/gen/secovia/v1/CreateVmRequest.js';
import type { CreateVmResponse__Output } from '../proto/gen/secovia/v1/CreateVmResponse.js';
import type { Vm__Output } from '../proto/gen/secovia/v1/Vm.js';
import { CallFailure } from './client/call-failure.js';
import type { Connection } from './client/connection.js';
import type { Context } from './context.js';
import { exitCodes, Failure } from './failure.js';
import { confirm } from './prompt.js';
import { shortVmName } from './values/names.js';
import { waitForOperations } from './waiting.js';

export async function createDisplacing(
  context: Context,
  request: CreateVmRequest,
  yes: boolean,
): Promise<CreateVmResponse__Output> {
  const connection = await context.connection();
  const reported = await createOrReport(connection, request);
  if (!(reported instanceof CallFailure)) return reported;
  const shown = await theDisplaced(connection, reported);
  if (shown.length === 0) throw reported;
  const names = shown.map(({ name }) => shortVmName(name)).join(', ');
  if (!yes) {
    const nothing = 'nothing was stopped or made';
    await confirm(context.world, `Stop ${names}, and give up the room?`, { doing: 'stops others', nothing });
  }
  try {
    await stopAll(context, connection, shown);
    const displaced = await asTheyAre(connection, shown);
    const confirmed = { ...request, preemption: 'PREEMPTION_CONFIRM' as const, displaced };
    return await connection.mutate('VmService', 'CreateVm', confirmed);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const again = `Those that were stopped stay so; look with: secovia vm list --all. They were to be: ${names}`;
    throw new Failure(error.message, error.exitCode, [...error.lines, `  ${again}`]);
  }
}

async function createOrReport(
  connection: Connection,
  request: CreateVmRequest,
): Promise<CreateVmResponse__Output | CallFailure> {
  try {
    const asked = { ...request, preemption: 'PREEMPTION_REPORT' as const };
    return await connection.mutate('VmService', 'CreateVm', asked);
  } catch (error) {
    if (error instanceof CallFailure && error.reason === 'NO_HOST') return error;
    throw error;
  }
}

/** The VMs that a report names, in the very version that it names; none if it names none. */
async function theDisplaced(connection: Connection, { metadata }: CallFailure): Promise<Vm__Output[]> {
  const vms: Vm__Output[] = [];
  for (let number = 1; number <= Number(metadata['displace_count'] ?? 0); number += 1) {
    const [name = '', etag = ''] = (metadata[`displace_${number}`] ?? '').split(' ');
    const { vm } = await connection.call('VmService', 'GetVm', { name });
    if (vm === null) throw new Failure('the scheduler gave no VM.', exitCodes.unexpected);
    vms.push({ ...vm, etag });
  }
  return vms;
}

async function stopAll(context: Context, connection: Connection, vms: readonly Vm__Output[]): Promise<void> {
  const { operationFailure } = await import('./client/operation-failure.js');
  const running = [];
  for (const { uid, name, etag } of vms) {
    const { operation } = await connection.mutate('VmService', 'StopVm', { name: `vms/${uid}`, etag });
    if (operation !== null) running.push({ operation, label: `stop ${shortVmName(name)}` });
  }
  const ended = await waitForOperations(context, running);
  for (const [index, operation] of ended.entries()) {
    const failure = operationFailure(running[index]?.label ?? 'stop', operation);
    if (failure !== undefined) throw failure;
  }
}

async function asTheyAre(connection: Connection, vms: readonly Vm__Output[]) {
  const displaced = [];
  for (const { uid } of vms) {
    const { vm } = await connection.call('VmService', 'GetVm', { name: `vms/${uid}` });
    displaced.push({ vm: `vms/${uid}`, etag: vm?.etag ?? '' });
  }
  return displaced;
}
