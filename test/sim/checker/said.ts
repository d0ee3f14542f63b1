/** O6: what an agent says of a VM, with what is on its machine in the moment in which it says so. */
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { Observation__Output } from '../../../proto/gen/secovia/v1/Observation.js';
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
  { name }: Machine,
  { hello, observation }: LinkRequest__Output,
  isActive: (uid: string) => boolean,
  violate: Violate,
): void {
  const observations = hello?.observations ?? (observation ? [observation] : []);
  for (const { uid, state } of observations)
    if (gone.has(state) && isActive(uid))
      violate('O6', `${name} says ${state} of VM ${uid}, which runs there`);
}
