/**
 * Places the VMs of some hosts anew, through the same search as everything else, and says of each where it would go or
 * why it can go nowhere. The scheduler itself does not do this yet; here it is only thought.
 */
import type { Host } from '../core/model.js';
import { mostExplanations } from '../core/placement/batch-refusals.js';
import { explain } from '../core/placement/explanation.js';
import { refuseNoHost, refuseUnexplained } from '../core/placement/no-host.js';
import { placeOn } from '../core/placement/placement.js';
import { requestForMove } from '../core/placement/request.js';
import { findHost } from '../core/placement/search.js';
import { byImportance } from '../core/priority.js';
import { placedChange, whereOf } from '../core/vm-changes.js';
import type { Cluster } from './cluster.js';
import { noHost } from './names.js';
import type { Outcome } from './outcome.js';

/** The VMs of the highest priority come first, and of one priority those that were made first. */
export function evacuate(cluster: Cluster, hosts: readonly Host[]): Outcome {
  const { state } = cluster;
  const vms = hosts.flatMap(({ id }) => [...state.vmsOfHost(id)]).sort(byImportance);
  const outcome: Outcome = { kind: 'placed', vms: [], refused: [] };
  for (const vm of vms) {
    const architecture = state.imagesByUid.get(vm.spec.imageUid)?.architecture ?? '';
    // A host that still takes VMs is not left by way of itself.
    const request = requestForMove(state, vm, architecture, vm.host === null ? [] : [vm.host]);
    const row = findHost(state, request);
    const place = row < 0 ? null : placeOn(state, request, row);
    outcome.vms.push({ name: vm.id, host: place?.host.id ?? noHost });
    if (place !== null) {
      cluster.apply(placedChange(cluster.state, vm, whereOf(place), []));
      continue;
    }
    const refusal =
      outcome.refused.length < mostExplanations
        ? refuseNoHost(explain(state, request), vm.spec, vm.id)
        : refuseUnexplained(vm.spec, vm.id, mostExplanations);
    outcome.refused.push({ name: vm.id, message: refusal.message });
  }
  return outcome;
}
