/**
 * One VM's converging, from the first look to rest: wait until the permit is on disk, look at the domain, plan one
 * step, carry it out, look again. Only the power of what stops with the lease is taken without waiting for the disk (L2).
 * Failures are classified here: what is tried again, what becomes a refusal, and what says nothing at all (a time-out, a
 * hypervisor that is away: PROTOCOL.md O6).
 */
import type { ObservedDomain } from '../hypervisor/hypervisor.js';
import { EffectFailed, type Fault, type FaultKind, type Program, perform, statusOf } from './effects.js';
import type { Permit, VmError } from './ledger.js';
import { failed, notice, patienceMs } from './memory.js';
import type { VmState } from './observation.js';
import { oneLine } from './one-line.js';
import { plan } from './plan.js';
import { moveLookMs } from './plan-move.js';
import type { Plan, Step } from './plan-step.js';
import { longestMessage, Overtaken, persisted, type StepContext } from './step-context.js';
import { carryOut } from './steps.js';

export interface ProgramContext extends StepContext {
  /** Tells the scheduler and the status what is seen now. */
  observe(state: VmState, domain: ObservedDomain | null, error: VmError | null, remarks?: Remarks): void;
}

export interface Remarks {
  /** The generation that an error is about, where it is not the newest. */
  toldGeneration?: number;
  /** The newest word may not be on disk, so it is not said that it was heard. */
  unwritten?: boolean;
  /** What it waits for, for people. */
  progress?: string | undefined;
}

/** How a program ended: look again at this time, or when something happens. */
export interface Rest {
  wakeAt: number | null;
}

/** A VM whose steps never come to rest is looked at again later, so that it cannot keep the agent busy. */
const maxRounds = 30;
const restlessPauseMs = 1_000;

/** Steps of which the first thing is that the domain is off. */
const takesPower: ReadonlySet<Step['kind']> = new Set<Step['kind']>(['destroy', 'remove', 'discard']);

const final: ReadonlySet<FaultKind> = new Set<FaultKind>(['invalid', 'denied', 'noSpace']);

export function* converge(context: ProgramContext): Program<Rest> {
  for (let round = 0; round < maxRounds; round++) {
    const permit = context.ledger.permit(context.uid);
    if (permit === undefined) return { wakeAt: null };
    const isOverdue = permit.desired.stopsOnLeaseLoss && context.lease() === 'ended';
    const stopped = isOverdue ? yield* oneRound(context, permit, 'stop') : 'nothing';
    const next = stopped === 'nothing' ? yield* oneRound(context, permit) : stopped;
    if (next === 'again' || next === 'nothing') continue;
    return next;
  }
  return { wakeAt: context.now() + restlessPauseMs };
}

/**
 * With `stop` it takes the power of a VM whose lease has ended, without waiting for a disk that may be full or hang, and says
 * `nothing` when there is nothing to take.
 */
function* oneRound(
  context: ProgramContext,
  before: Permit,
  only: 'stop' | null = null,
): Program<Rest | 'again' | 'nothing'> {
  let doing = 'persist';
  let domain: ObservedDomain | null = null;
  let current: Plan | null = null;
  try {
    if (only === null) yield* persisted(context.ledger);
    doing = 'inspect';
    // First, and then the domain: what was on its way when this was asked may have left by now, and not the reverse.
    const mayLeave = before.handover !== null;
    const leaving = mayLeave ? yield* perform({ kind: 'leaving', uid: context.uid }) : null;
    domain = yield* perform({ kind: 'inspect', uid: context.uid });
    // Only what is on disk is acted on, or said to be reached: a newer word may have come since it was written.
    const permit = before;
    if (context.ledger.permit(context.uid) !== permit) return 'again';
    context.memory = notice(context.memory, permit, domain, context.now());
    const { memory } = context;
    const confirmed = context.ledger.isConfirmed(permit);
    const lease = context.lease();
    current = plan({ permit, confirmed, domain, leaving, memory, lease, now: context.now() });
    let { step } = current;
    if (only === 'stop') {
      const isOn = domain !== null && domain.power.kind !== 'off';
      if (!isOn || !takesPower.has(step.kind)) return 'nothing';
      step = { kind: 'destroy' };
    }
    doing = step.kind;
    if (step.kind === 'rest') {
      context.memory = { ...memory, failure: null };
      context.observe(current.state, domain, current.error, { progress: current.waitsFor });
      return { wakeAt: leaving === null ? step.wakeAt : context.now() + moveLookMs };
    }
    const failure = memory.failure?.step === step.kind ? memory.failure : null;
    if (only === null) context.observe(current.state, domain, failure?.error ?? current.error);
    if (failure !== null && failure.retryAt > context.now()) return { wakeAt: failure.retryAt };
    yield* carryOut(context, permit, step);
    if (context.memory.failure?.step === step.kind) context.memory = { ...context.memory, failure: null };
    // What is aborted needs a moment.
    return step.kind === 'abortHandOver' ? { wakeAt: context.now() + moveLookMs } : 'again';
  } catch (error) {
    if (error instanceof Overtaken) return 'again';
    if (!(error instanceof EffectFailed)) throw error;
    const remarks =
      only === 'stop' || doing === 'persist'
        ? { unwritten: true }
        : { toldGeneration: before.desired.generation };
    return afterFailure(context, before, doing, error.fault, { domain, current, remarks });
  }
}

function afterFailure(
  context: ProgramContext,
  before: Permit,
  doing: string,
  fault: Fault,
  seen: { domain: ObservedDomain | null; current: Plan | null; remarks: Remarks },
): Rest | 'again' {
  if (fault.kind === 'cancelled') return 'again';
  // The hypervisor says when it is back, and then every VM is looked at again.
  if (fault.kind === 'unavailable') return { wakeAt: context.now() + restlessPauseMs };
  const error = { code: statusOf[fault.kind], message: oneLine(fault.message, longestMessage) };
  context.memory = failed(context.memory, doing, fault.kind, error, context.now());
  if (mayRefuse(context, before, doing, fault)) {
    context.ledger.advance(context.uid, { phase: 'refusing', error });
    return 'again';
  }
  const state =
    doing === 'inspect' && fault.kind === 'timeout' ? 'unknown' : (seen.current?.state ?? 'unknown');
  context.observe(state, seen.domain, error, seen.remarks);
  return { wakeAt: context.memory.failure?.retryAt ?? null };
}

/**
 * Only a first definition under the term may be refused, only while no guest can have run, and never because
 * of a time-out (O6). What may be transient is tried for a while first.
 */
function mayRefuse(context: ProgramContext, before: Permit, doing: string, fault: Fault): boolean {
  const permit = context.ledger.permit(context.uid);
  const { failure, untouchedTerm } = context.memory;
  if (permit === undefined || permit.term !== before.term || failure === null) return false;
  if (!['run', 'stopped', 'receive'].includes(permit.desired.role)) return false;
  const creating = (doing === 'create' || doing === 'expect') && permit.phase !== 'defined';
  const firstStart = doing === 'start' && permit.phase === 'defined' && untouchedTerm === permit.term;
  if (!creating && !firstStart) return false;
  if (fault.kind === 'timeout' || fault.kind === 'absent') return false;
  if (final.has(fault.kind)) return true;
  return context.now() - failure.firstAt >= patienceMs;
}
