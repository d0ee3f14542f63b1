/** O6, E2: what an agent says of a VM, with what is on its machine, and what it was told, in the moment in which it says so. */
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { Observation__Output } from '../../../proto/gen/secovia/v1/Observation.js';
import type { Permit } from '../../../agent/converge/ledger.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

/** Words that let another host have the VM. */
const gone: ReadonlySet<Observation__Output['state']> = new Set<Observation__Output['state']>([
  'DOMAIN_STATE_ABSENT',
  'DOMAIN_STATE_MISSING',
  'DOMAIN_STATE_REFUSED',
]);

/** `isActive`: whether the VM is not off there. */
export function judgeSaid(
  { name, agent }: Machine,
  { hello, observation }: LinkRequest__Output,
  isActive: (uid: string) => boolean,
  violate: Violate,
): void {
  const observations = hello?.observations ?? (observation ? [observation] : []);
  for (const { uid, state } of observations)
    if (gone.has(state) && isActive(uid))
      violate('O6', `${name} says ${state} of VM ${uid}, which runs there`);
  for (const { uid, term, state, released } of observations)
    if (!released && state !== 'DOMAIN_STATE_ABSENT' && isToLetGo(agent?.core.ledger.permit(uid), term))
      violate('E2', `${name} is to let go of VM ${uid}, is not done with it, and does not say so`);
}

/** Whoever is not told takes this host for the owner of what it has under this term. */
function isToLetGo(permit: Permit | undefined, term: number): boolean {
  return permit?.desired.role === 'released' && permit.phase !== 'gone' && term <= permit.term;
}
