/** What placement is asked: how much a VM needs, and what its host has to be like. */
import type { Extras, Resources, Vm, VmPlacement, VmSpec } from '../model.js';
import { heldWithExtras, needsOf, needsOnHost, type State } from '../state.js';
import { growthOf, type Held } from '../tenancy/holdings.js';
import type { TenancyRequest } from '../tenancy/request.js';
import { defaultClass } from '../tenancy/residency.js';
import { type Layout, layoutOf } from './numa/layout.js';

export interface PlacementRequest extends TenancyRequest {
  /** What the host itself must have free, apart from what a layout takes. */
  needs: Resources;
  /** Undefined when it floats, on ordinary memory, as most do. */
  layout?: Layout | undefined;
  /** Undefined when none are asked for, as by most. */
  extras?: Extras | undefined;
  /** A shared pool, or empty. */
  pool: string;
  architecture: string;
  placement: VmPlacement;
  /** Hosts that have refused this VM. */
  refusedBy: readonly string[];
  /** The host that it is counted on now, and will be no more; null for a VM that no host has. */
  leaving: string | null;
  /** Its image fits on no smaller disk. */
  leastDiskMib?: number;
}

/** The request of a VM to be, made from an image of this architecture that needs at least such a disk. */
export function requestForNew(
  administration: string,
  spec: VmSpec,
  architecture: string,
  placement: VmPlacement,
  leastDiskMib = 0,
  dataClass = defaultClass,
): PlacementRequest {
  return {
    holds: holdsOf(spec),
    counted: null,
    dataClass,
    needs: needsOnHost(spec),
    layout: layoutOf(spec),
    extras: spec.extras,
    administration,
    pool: spec.pool,
    architecture,
    placement,
    refusedBy: [],
    leaving: null,
    leastDiskMib,
  };
}

/** What a VM of this specification holds, as quotas count it. */
export function holdsOf(spec: VmSpec): Held {
  return spec.extras === undefined ? needsOf(spec) : { ...needsOf(spec), extras: spec.extras };
}

/** The request of a VM that is to have another host than it has. */
export function requestForMove(
  state: State,
  vm: Vm,
  architecture: string,
  refusedBy: readonly string[],
): PlacementRequest {
  const { administration, spec, placement, dataClass, agreement } = vm;
  const request = requestForNew(administration, spec, architecture, placement, 0, dataClass);
  const host = vm.host === null ? undefined : state.hosts.get(vm.host);
  const growth = growthOf(request.holds, heldWithExtras(vm));
  const counted = host === undefined ? null : { site: host.site, agreement, growth };
  // What is left of it there would be taken for its newest.
  const notThere = vm.leftOn === undefined ? refusedBy : [...refusedBy, ...vm.leftOn];
  return { ...request, refusedBy: notThere, leaving: vm.host, counted };
}
