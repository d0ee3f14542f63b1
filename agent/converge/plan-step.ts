/** What a plan is made of: the steps that there are, what is known when one is chosen, and what several plans share. */
import type { Leaving, ObservedDomain, VmMetadata } from '../hypervisor/hypervisor.js';
import type { Permit, VmError } from './ledger.js';
import type { VmMemory } from './memory.js';
import type { VmState } from './observation.js';
import type { LeaseStanding } from './step-context.js';

export type Step =
  /** Nothing to do now; look again at `wakeAt`, or when something happens. */
  | { kind: 'rest'; wakeAt: number | null }
  | { kind: 'create' }
  /** Write down that the domain exists. */
  | { kind: 'adopt' }
  | { kind: 'record'; metadata: VmMetadata }
  | { kind: 'redefine'; domain: ObservedDomain }
  /** Give a running domain of its new size what it can have now, and the rest when it is started next. */
  | { kind: 'resize'; domain: ObservedDomain }
  | { kind: 'start' }
  | { kind: 'pressPower' }
  | { kind: 'destroy' }
  | { kind: 'reboot'; metadata: VmMetadata }
  | { kind: 'reset' }
  /** Look for the disk of a VM that is to arrive. */
  | { kind: 'expect' }
  /** Hand the running VM over to another host. */
  | { kind: 'handOver' }
  /** End the hand-over that an earlier agent began. */
  | { kind: 'abortHandOver' }
  /** Write down that no hand-over is under way any more, and that the VM is still here. */
  | { kind: 'stay' }
  /** Write down that the VM lives on another host now, and take away what is left of its domain. */
  | { kind: 'leave'; domain: ObservedDomain | null }
  /** Take away the domain of an earlier stay, and leave its volume. */
  | { kind: 'discard'; domain: ObservedDomain }
  /** Take the VM off this host, with or without its volumes. */
  | { kind: 'remove'; domain: ObservedDomain | null; trashVolumes: boolean }
  /** Take back what a failed first definition left. */
  | { kind: 'refuse' };

export interface Plan {
  step: Step;
  state: VmState;
  error: VmError | null;
  /** Why nothing is done although something is to be done, for people. */
  waitsFor?: string;
}

export interface Situation {
  permit: Permit;
  /** Whether what is off may be made, changed or started (Ledger.isConfirmed). */
  confirmed: boolean;
  domain: ObservedDomain | null;
  /** Its way to another host, where it is on one; looked at before `domain` was. */
  leaving: Leaving | null;
  memory: VmMemory;
  lease: LeaseStanding;
  now: number;
}

export const rest = (state: VmState, error: VmError | null = null, wakeAt: number | null = null): Plan => ({
  step: { kind: 'rest', wakeAt },
  state,
  error,
});
export const act = (step: Step, state: VmState): Plan => ({ step, state, error: null });

export const confirmation = 'waits for the scheduler to say that it is still to be on this host';

export function stateOf(domain: ObservedDomain): VmState {
  const states = { running: 'running', paused: 'paused', stopping: 'stopping', crashed: 'crashed' } as const;
  return domain.power.kind === 'off' ? 'stopped' : states[domain.power.kind];
}

/**
 * Whether another host has had the VM since this domain was made: its disk may be stale, and what runs of it is a guest that
 * knows nothing of what was written since. The next step is then that of a VM of which nothing is here. Of an orphan an
 * operator has said that it is the newest.
 */
export function isOfEarlierStay(
  { phase, disk, term, desired }: Permit,
  { metadata }: ObservedDomain,
): boolean {
  if (desired.adopts !== undefined) return false;
  return phase === 'permitted' && disk === 'none' && metadata !== null && metadata.term < term - 1;
}

/**
 * Metadata for a domain that carries none, or that of an earlier term. One that is off has reached nothing under
 * its new term, so a new permit to run starts it, whatever made it go off before.
 */
export function adopted(permit: Permit, domain: ObservedDomain): VmMetadata {
  return {
    uid: permit.uid,
    term: permit.term,
    generation: domain.power.kind === 'off' ? 0 : (domain.metadata?.generation ?? 0),
    specHash: domain.metadata?.specHash ?? '',
    rebootCount: domain.metadata?.rebootCount ?? permit.desired.rebootCount,
    diskMib: domain.metadata?.diskMib,
  };
}

/** Metadata that says: the desired generation is reached, and so many reboots; a restored journal may have forgotten some. */
export function reached(permit: Permit, metadata: VmMetadata, rebootCount: number): VmMetadata {
  const { generation } = permit.desired;
  return { ...metadata, generation, rebootCount: Math.max(metadata.rebootCount, rebootCount) };
}
