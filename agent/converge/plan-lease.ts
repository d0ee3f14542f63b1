/**
 * VMs that stop with the host's lease (PROTOCOL.md L2): without one their power is taken, and what would run them waits. Where
 * the host has a watchdog they start, and their orders count as reached, only once it is armed.
 */
import { takesAway } from './ledger.js';
import { act, type Plan, rest } from './plan-step.js';
import type { Situation, Step } from './plan-step.js';

/** What makes a VM run here, or is a step on the way. */
const begins: ReadonlySet<Step['kind']> = new Set<Step['kind']>(['create', 'start', 'expect']);

const waitsFor = {
  ended: 'waits for a lease of the scheduler, with which it has stopped',
  unguarded: "waits for the host's watchdog to be armed",
};

/**
 * Whether the power of a domain that runs under a newer term than its permit's is to be taken all the same. It has come here by a
 * word that this agent does not know of, from a hand-over to a host that shares its identity, say (E4). It was last said to stop
 * with the lease, and left alone it would have the watchdog reset the whole host.
 */
export function endsWithLease({ permit, domain, lease }: Situation): boolean {
  if (domain?.metadata == null || domain.metadata.term <= permit.term) return false;
  return permit.desired.stopsOnLeaseLoss && lease === 'ended' && domain.power.kind !== 'off';
}

/** `next` is what would be done under a lease. */
export function planUnderLease({ permit, domain, lease }: Situation, next: Plan): Plan {
  const { role, stopsOnLeaseLoss } = permit.desired;
  if (!stopsOnLeaseLoss || lease === 'held' || takesAway(role)) return next;
  const isOn = domain !== null && domain.power.kind !== 'off';
  if (lease === 'ended' && isOn) return act({ kind: 'destroy' }, 'stopping');
  if (role === 'stopped') return next;
  const { step, state } = next;
  // One whose power was taken looks like one that has crashed.
  const waits = begins.has(step.kind) || (step.kind === 'rest' && state === 'crashed');
  const acknowledges = lease === 'unguarded' && isOn && step.kind === 'record';
  if (!waits && !acknowledges) return next;
  const isOff = domain === null ? 'preparing' : 'stopped';
  return { ...rest(isOn ? state : isOff), waitsFor: waitsFor[lease] };
}
