/**
 * Waiting for operations to end, with live progress. The outcome comes from WaitOperation in a loop; what happens to
 * each VM meanwhile comes from a watch and is decoration: when it fails, the waiting goes on without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation__Output } from '../proto/gen/secovia/v1/Operation.js';
import type { Vm__Output } from '../proto/gen/secovia/v1/Vm.js';
import type { CallOptions, Connection } from './client/connection.js';
import type { Context } from './context.js';
import { exitCodes, Failure } from './failure.js';
import { type Progress, type ProgressLine, startProgress } from './output/progress.js';
import { waitTimeoutMs } from './settings.js';
import { durationMessage } from './values/durations.js';
import { shortName, shortVmName } from './values/names.js';
import { stateWord } from './views/enums.js';
import { operationNote, progressCount, took } from './views/operation.js';
import { vmNote, vmState } from './views/vm.js';

/** How often progress is asked for; an end is heard of at once. */
const pollMs = 1000;

/** With more VMs than this only numbers are shown. */
const mostVmsInDetail = 10;

/** Against a server that answers a wait at once without an end. */
const shortestPauseMs = 200;

export interface Awaited {
  operation: Operation__Output;
  /** What the user calls it, e.g. `create city/web`. */
  label: string;
}

/** The waiting has ended before all operations have. */
export class WaitingFailure extends Failure {
  constructor(
    failure: Failure,
    message: string,
    /** Those that have. */
    readonly ended: readonly Operation__Output[],
  ) {
    super(message, failure.exitCode, failure.lines);
  }
}

/**
 * Waits until every operation has ended, or the time is up.
 *
 * @returns the operations as they ended, in the same order.
 * @throws WaitingFailure when the time is up (the operations go on), or on Ctrl-C.
 */
export async function waitForOperations(
  context: Context,
  awaited: readonly Awaited[],
): Promise<Operation__Output[]> {
  const waiting = new Waiting(context, awaited);
  return await waiting.run();
}

/** What is still on its way when the time is up. */
const answerMs = 1000;

/**
 * A call of somebody who waits: it is tried for as long as the waiting may take. `isOpen` says what is not done yet.
 *
 * @throws Failure also when the time is up while the scheduler is away.
 */
export async function whileTime<T>(
  deadline: number,
  isOpen: string,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const timeIsUp = new Failure(`the time is up: ${isOpen}.`, exitCodes.operation);
  const leftMs = deadline - Date.now();
  if (leftMs <= 0) throw timeIsUp;
  try {
    return await call({ timeoutMs: leftMs + answerMs });
  } catch (error) {
    const isAway = error instanceof Failure && error.exitCode === exitCodes.unreachable;
    throw isAway && Date.now() + answerMs >= deadline ? timeIsUp : error;
  }
}

class Waiting {
  readonly #context: Context;
  readonly #awaited: Awaited[];
  readonly #deadline: number;
  readonly #progress: Progress;
  readonly #vms = new Map<string, Vm__Output>();
  readonly #ended = new AbortController();

  constructor(context: Context, awaited: readonly Awaited[]) {
    this.#context = context;
    this.#awaited = awaited.map((each) => ({ ...each }));
    this.#deadline = Date.now() + (context.settings.timeoutMs ?? waitTimeoutMs);
    this.#progress = startProgress(context);
  }

  async run(): Promise<Operation__Output[]> {
    const connection = await this.#context.connection();
    const details = this.#follow(connection);
    try {
      await this.#show();
      await Promise.all(this.#awaited.map((each) => this.#wait(connection, each)));
    } catch (error) {
      throw this.#afterwards(error);
    } finally {
      this.#ended.abort();
      await details;
      await this.#progress.end();
    }
    return this.#awaited.map(({ operation }) => operation);
  }

  async #wait(connection: Connection, each: Awaited): Promise<void> {
    // When another one's waiting has failed, this one is over as well.
    while (!each.operation.done && !this.#ended.signal.aborted) {
      const begunMs = Date.now();
      const waitMs = Math.min(pollMs, this.#deadline - begunMs);
      const isOpen = `${each.label} has not ended`;
      const { operation } = await whileTime(this.#deadline, isOpen, (options) => {
        const request = { name: each.operation.name, timeout: durationMessage(waitMs) };
        return connection.call('OperationService', 'WaitOperation', request, options);
      });
      if (operation === null) throw new Failure('the scheduler gave no operation.', exitCodes.unexpected);
      each.operation = operation;
      await this.#show();
      const earlyMs = begunMs + Math.min(waitMs, shortestPauseMs) - Date.now();
      if (!operation.done && earlyMs > 0) await sleep(earlyMs);
    }
  }

  /** Keeps `#vms` up to date while it can. */
  async #follow(connection: Connection): Promise<void> {
    const uids = this.#awaited.flatMap(({ operation }) => operation.targets.map(shortName));
    if (uids.length === 0 || uids.length > mostVmsInDetail) return;
    const filter = uids.map((uid) => `uid = "${uid}"`).join(' OR ');
    const request = { parent: 'administrations/-', filter };
    try {
      for await (const event of connection.stream('VmService', 'WatchVms', request, this.#ended.signal)) {
        if (event.vm === null) continue;
        this.#vms.set(event.vm.uid, event.vm);
        await this.#show();
      }
    } catch {
      // Without details, then.
    }
  }

  async #show(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    await this.#progress.update(this.#awaited.flatMap((each) => this.#lines(each)));
  }

  #lines({ operation, label }: Awaited): ProgressLine[] {
    const elapsed = took(operation, this.#context.nowMs);
    if (operation.done) {
      return [{ key: operation.name, text: `${label}  ${stateWord(operation.state)}`, elapsed }];
    }
    const vms = operation.targets.flatMap((target) => this.#vms.get(shortName(target)) ?? []);
    const [only] = vms;
    if (operation.targetCount === 1 && only !== undefined) {
      return [{ key: operation.name, text: `${label}  ${vmLine(only)}`, elapsed }];
    }
    const counts = operation.targetCount === 1 ? '' : progressCount(operation);
    // What the scheduler says of one VM is said below of each, when they are all there.
    const note = vms.length === operation.targetCount ? '' : operationNote(operation);
    const text = [label, counts, note].filter(Boolean).join('  ');
    return [
      { key: operation.name, text, elapsed },
      ...vms.map((vm) => ({ key: vm.uid, text: `  ${shortVmName(vm.name)}  ${vmLine(vm)}` })),
    ];
  }

  /** The failure that ended the waiting, with what becomes of the operations. */
  #afterwards(error: unknown): unknown {
    const open = this.#awaited.filter(({ operation }) => !operation.done);
    if (!(error instanceof Failure) || open.length === 0) return error;
    const names = open.map(({ operation }) => shortName(operation.name)).join(' ');
    const many = open.length > 1;
    const goesOn = many ? `The operations go on.` : 'The operation goes on.';
    const sentence = error.exitCode === exitCodes.interrupted ? 'interrupted.' : error.message;
    const lookAgain = `Look again with: secovia operation wait ${names}`;
    const ended = this.#awaited.flatMap(({ operation }) => (operation.done ? [operation] : []));
    return new WaitingFailure(error, `${sentence} ${goesOn} ${lookAgain}`, ended);
  }
}

/** `STARTING on sofia-a1`, with what is the matter. */
function vmLine(vm: Vm__Output): string {
  const host = vm.host === '' ? '' : ` on ${shortName(vm.host)}`;
  return [`${vmState(vm)}${host}`, vmNote(vm)].filter(Boolean).join('  ');
}
