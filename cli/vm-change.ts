/**
 * Changing VMs, as start, stop, reboot, resize, migrate and delete do: order it for each, wait if asked to, and tell each
 * outcome. One VM's refusal does not keep the others from their turn; the first failure decides the exit code.
 */
import type { Operation__Output } from '../proto/gen/secovia/v1/Operation.js';
import type { Vm__Output } from '../proto/gen/secovia/v1/Vm.js';
import type { Connection } from './client/connection.js';
import type { Context } from './context.js';
import { exitCodes, Failure, usageFailure } from './failure.js';
import { present } from './output/present.js';
import { mustHaveOwnIds, sayNotTried } from './several.js';
import { shortName, shortVmName } from './values/names.js';
import { took } from './views/operation.js';
import { vmState } from './views/vm.js';
import { type ChangeOptions, namedVms } from './vm-options.js';
import { WaitingFailure, waitForOperations } from './waiting.js';

type ChangeMethod = 'StartVm' | 'StopVm' | 'RebootVm' | 'ResizeVm' | 'MigrateVm' | 'DeleteVm';

/** What each of these methods answers. */
export interface Changed {
  vm: Vm__Output | null;
  operation: Operation__Output | null;
}

export interface Change {
  /** As the operation has it: `start`. */
  verb: string;
  /** While it goes on: `starting`. */
  doing: string;
  method: ChangeMethod;
  order: (connection: Connection, name: string, etag: string) => Promise<Changed>;
  /** What is to be told of the VM beyond its state, when the operation has succeeded. */
  outcome?: (vm: Vm__Output) => string;
}

interface Ordered {
  label: string;
  answer: Changed;
}

export async function changeVms(
  context: Context,
  change: Change,
  words: readonly string[],
  options: ChangeOptions,
): Promise<void> {
  const names = namedVms(context, words, options);
  if (names.length > 1 && options.etag !== undefined) throw usageFailure('--etag goes with one VM only.');
  mustHaveOwnIds(context, names, 'VM');
  const failures: Failure[] = [];
  const note = (failure: Failure) => {
    if (names.length > 1) for (const line of [failure.message, ...failure.lines]) context.say(line);
    failures.push(failure);
  };
  const { ordered, broken } = await orderAll(context, change, names, options.etag ?? '', note);
  if (broken !== null) {
    // What was ordered happens, and whoever has ordered it should know.
    for (const each of ordered) await tell(context, change, each, note);
    sayNotTried(context, broken.untried.map(shortVmName));
    throw broken.failure;
  }
  const tellEnd = (each: Ordered) => tell(context, change, each, note);
  const answers = options.wait ? await awaitAll(context, ordered, tellEnd) : ordered;
  for (const each of answers) await tell(context, change, each, note);
  const [first] = failures;
  if (first === undefined) return;
  throw names.length === 1
    ? first
    : new Failure(`${failures.length} of ${names.length} VMs: not done, see above.`, first.exitCode);
}

async function orderAll(
  context: Context,
  change: Change,
  names: readonly string[],
  etag: string,
  note: (failure: Failure) => void,
): Promise<{ ordered: Ordered[]; broken: { failure: Failure; untried: string[] } | null }> {
  const connection = await context.connection();
  const ordered: Ordered[] = [];
  for (const [index, name] of names.entries()) {
    try {
      const answer = await change.order(connection, name, etag);
      ordered.push({ label: shortVmName(answer.vm?.name ?? name), answer });
    } catch (error) {
      if (!(error instanceof Failure) || names.length === 1) throw error;
      // These concern all of them; the rest would only fail in the same way, slowly.
      if (error.exitCode === exitCodes.unreachable || error.exitCode === exitCodes.interrupted) {
        const untried = names.slice(index + 1);
        if (ordered.length + untried.length === 0) throw error;
        return { ordered, broken: { failure: named(name, error), untried } };
      }
      note(named(name, error));
    }
  }
  return { ordered, broken: null };
}

function named(name: string, { message, exitCode, lines }: Failure): Failure {
  return new Failure(`${shortVmName(name)}: ${message}`, exitCode, lines);
}

async function awaitAll(
  context: Context,
  ordered: readonly Ordered[],
  tellEnd: (each: Ordered) => Promise<void>,
): Promise<Ordered[]> {
  const { operationFailure } = await import('./client/operation-failure.js');
  const running = ordered.flatMap(({ label, answer }) =>
    answer.operation === null
      ? []
      : [{ label: `${answer.operation.verb} ${label}`, operation: answer.operation }],
  );
  const ended = await waitForOperations(context, running).catch(async (error: unknown) => {
    if (!(error instanceof WaitingFailure)) throw error;
    // What has ended by then is told, with the reason where it has failed.
    const byName = new Map(error.ended.map((operation) => [operation.name, operation]));
    for (const each of ordered) {
      const operation = byName.get(each.answer.operation?.name ?? '');
      if (operation !== undefined)
        await tellEnd({ label: each.label, answer: { ...each.answer, operation } });
    }
    throw error;
  });
  const byName = new Map(ended.map((operation) => [operation.name, operation]));
  const fresh: Ordered[] = [];
  for (const { label, answer } of ordered) {
    const operation = byName.get(answer.operation?.name ?? '') ?? answer.operation;
    const succeeded = operation !== null && operationFailure('', operation) === undefined;
    const gone = operation?.verb === 'delete' && succeeded;
    const vm = answer.vm === null || gone ? answer.vm : await refreshed(context, answer.vm);
    fresh.push({ label, answer: { vm, operation } });
  }
  return fresh;
}

/** The VM as it is now, or as it was when it cannot be had. */
export async function refreshed(context: Context, vm: Vm__Output): Promise<Vm__Output> {
  const connection = await context.connection();
  try {
    return (await connection.call('VmService', 'GetVm', { name: `vms/${vm.uid}` })).vm ?? vm;
  } catch (error) {
    if (error instanceof Failure && error.exitCode === exitCodes.notFound) return vm;
    throw error;
  }
}

async function tell(
  context: Context,
  change: Change,
  { label, answer }: Ordered,
  note: (failure: Failure) => void,
): Promise<void> {
  const { vm, operation } = answer;
  const failure =
    operation?.done === true
      ? (await import('./client/operation-failure.js')).operationFailure(`${change.verb} ${label}`, operation)
      : undefined;
  if (failure !== undefined) note(failure);
  // A person reads the failure instead; a program gets the whole answer as well.
  if (failure !== undefined && context.format === 'table') return;
  await present(context, {
    service: 'VmService',
    method: change.method,
    response: { vm, operation },
    names: [vm?.name ?? ''],
    text: () => `${changeSentence(context, change, label, answer)}\n`,
  });
}

function changeSentence(context: Context, change: Change, label: string, { vm, operation }: Changed): string {
  if (operation === null) return `${change.doing} ${label}`;
  if (!operation.done) return `${change.doing} ${label} (operation ${shortName(operation.name)})`;
  const time = took(operation, context.nowMs);
  if (change.method === 'DeleteVm') return `deleted ${label} in ${time}`;
  const state = vm === null ? 'done' : `${vmState(vm)}${vm.host === '' ? '' : ` on ${shortName(vm.host)}`}`;
  const outcome = vm === null ? '' : (change.outcome?.(vm) ?? '');
  return [`${label} is ${state}, ${change.verb} took ${time}`, outcome].filter(Boolean).join('; ');
}
