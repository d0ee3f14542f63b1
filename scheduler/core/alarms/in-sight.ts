/** Whether an alarm is in somebody's sight: that what it is about is, and more than that it is there. */
import type { Sight } from '../access/sight.js';
import type { State } from '../state.js';
import type { Alarm } from './alarm.js';

export function seesAlarm(state: State, sight: Sight, { about, ownersOnly }: Alarm): boolean {
  if (ownersOnly === true && sight.top === null) return false;
  if (sight.isWhole) return true;
  switch (about.kind) {
    case 'federation':
      return false;
    case 'site':
      return sight.ownsSite(state.sites.get(about.id));
    case 'host': {
      const host = state.hosts.get(about.id);
      return host !== undefined && sight.ownsSite(state.sites.get(host.site));
    }
    case 'VM': {
      const vm = state.vms.get(about.uid);
      return vm !== undefined && sight.vm(vm);
    }
    case 'administration':
      return (
        sight.isInSubtree(about.id) || (about.site !== null && sight.ownsSite(state.sites.get(about.site)))
      );
    case 'quota':
      return sight.isInSubtree(about.administration);
    case 'loan': {
      const loan = state.tenancy.loans.get(about.id);
      return loan !== undefined && !isUser(sight) && sight.loan(loan);
    }
    case 'agreement': {
      const agreement = state.tenancy.agreements.get(about.id);
      return agreement !== undefined && !isUser(sight) && sight.agreement(agreement);
    }
  }
}

/** Loans and agreements are not for an administration's users. */
function isUser({ standing }: Sight): boolean {
  return standing.role === 'administration_user';
}
