/** S4: what a change could alter, as one text. A change that leaves it as it was tells nothing new. */
import type { Change } from '../../../scheduler/core/changes.js';
import type { Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';

/** Null for changes that are written whatever they say. */
export function alteredBy(state: State, change: Change): string | null {
  switch (change.type) {
    case 'vm.observed': {
      const vm = state.vms.get(change.uid);
      return vm === undefined ? null : seenOf(vm);
    }
    case 'vm.waits':
      return JSON.stringify(state.vms.get(change.uid)?.fault);
    case 'host.state':
    case 'host.reported':
    case 'host.inventory':
    case 'host.cordoned':
    case 'host.drain':
    case 'host.leftover': {
      const host = state.hosts.get(change.id);
      if (host === undefined) return null;
      if (change.type === 'host.state') return JSON.stringify([host.state, host.stateReason]);
      if (change.type === 'host.inventory') return JSON.stringify([host.inventory, host.capacity]);
      if (change.type === 'host.cordoned') return `${host.cordoned}`;
      if (change.type === 'host.drain') return JSON.stringify(host.drain);
      if (change.type === 'host.leftover') return JSON.stringify(host.leftovers);
      return JSON.stringify([
        [host.libvirtAvailable, host.foreignDomains, host.watchdog],
        [host.orphans, host.orphanVms],
      ]);
    }
    default:
      return null;
  }
}

/** What an observation can change. */
function seenOf({
  state,
  observedGeneration,
  observedRebootCount,
  fault,
  sizeBefore,
  desired,
  parked,
}: Vm): string {
  return JSON.stringify([state, observedGeneration, observedRebootCount, fault, sizeBefore, desired, parked]);
}
