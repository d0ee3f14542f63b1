/** What placement is asked: how much a VM needs, and what its host has to be like. */
import type { Extras, Resources, Vm, VmPlacement, VmSpec } from '../model.js';
import { needsOnHost } from '../state.js';
import { type Layout, layoutOf } from './numa/layout.js';

export interface PlacementRequest {
  /** What the host itself must have free, apart from what a layout takes. */
  needs: Resources;
  /** Undefined when it floats, on ordinary memory, as most do. */
  layout?: Layout | undefined;
  /** Undefined when none are asked for, as by most. */
  extras?: Extras | undefined;
  administration: string;
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
): PlacementRequest {
  return {
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

/** The request of a VM that is to have another host than it has. */
export function requestForMove(vm: Vm, architecture: string, refusedBy: readonly string[]): PlacementRequest {
  const request = requestForNew(vm.administration, vm.spec, architecture, vm.placement);
  return { ...request, refusedBy, leaving: vm.host };
}
