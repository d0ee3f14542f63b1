/**
 * Where a VM goes. A request and what hosts have free go in; a host, or an explanation of why there is none, comes
 * out. The index finds the host; the explanation looks at all of them, and asks the same rules in a fixed order, so
 * that every host is excluded by one rule that can be named.
 */
import type { FreeColumns } from '../host-table.js';
import type { Host, Resources, VmPlacement, VmSpec } from '../model.js';
import { needsOf, onHost, type State } from '../state.js';
import { type Rule, type RuleCode, rules } from './rules/index.js';

export interface PlacementRequest {
  /** What the host itself must have free. */
  needs: Resources;
  /** A shared pool, or empty. */
  pool: string;
  architecture: string;
  placement: VmPlacement;
  /** Hosts that have refused this VM. */
  refusedBy: readonly string[];
}

/** The request of a VM of this specification, made from an image of this architecture. */
export function requestFor(
  spec: VmSpec,
  architecture: string,
  placement: VmPlacement,
  refusedBy: readonly string[],
): PlacementRequest {
  return { needs: onHost(needsOf(spec), spec.pool), pool: spec.pool, architecture, placement, refusedBy };
}

export type ResourceCode = 'LACKS_VCPUS' | 'LACKS_MEMORY' | 'LACKS_DISK' | 'LACKS_VM_SLOTS';
export type ExclusionCode = RuleCode | ResourceCode;

/** Why no host was found. */
export interface NoHost {
  hosts: number;
  /** Hosts by the first rule that excludes them. */
  excluded: Map<ExclusionCode, number>;
  /** Some host is only not connected now: asking again may help. */
  temporary: boolean;
}

export type Placed = { row: number; host: Host; noHost?: undefined } | { noHost: NoHost };

/** The host for a request; nothing is claimed. */
export function place(state: State, request: PlacementRequest): Placed {
  const row = state.offers.find(request);
  if (row >= 0) return { row, host: state.hostTable.hosts[row] as Host };
  return { noHost: explain(state, request) };
}

/** Whether one rule excludes a host. */
function excludes(state: State, rule: Rule, host: Host, request: PlacementRequest): boolean {
  if (rule.reads === 'profile') return rule.excludes(state, state.offers.profile(host), request);
  return rule.excludes(state, host, request);
}

function lacking(free: FreeColumns, row: number, needs: Resources): ResourceCode | null {
  if ((free.freeMemoryMib[row] as number) < needs.memoryMib) return 'LACKS_MEMORY';
  if ((free.freeVcpus[row] as number) < needs.vcpus) return 'LACKS_VCPUS';
  if ((free.freeDiskMib[row] as number) < needs.diskMib) return 'LACKS_DISK';
  if ((free.freeVms[row] as number) < needs.vms) return 'LACKS_VM_SLOTS';
  return null;
}

function explain(state: State, request: PlacementRequest): NoHost {
  const excluded = new Map<ExclusionCode, number>();
  let hosts = 0;
  let temporary = false;
  for (let row = 0; row < state.hostTable.count; row += 1) {
    const host = state.hostTable.hosts[row] as Host;
    if (host.state === 'retired') continue;
    hosts += 1;
    const first = rules.find((rule) => excludes(state, rule, host, request))?.code ?? null;
    const lacks = lacking(state.hostTable, row, request.needs);
    const code = first ?? lacks;
    if (code !== null) excluded.set(code, (excluded.get(code) ?? 0) + 1);
    if (first === 'HOST_NOT_CONNECTED' && lacks === null) {
      const others = rules.some(
        (rule) => rule.code !== 'HOST_NOT_CONNECTED' && excludes(state, rule, host, request),
      );
      if (!others) temporary = true;
    }
  }
  return { hosts, excluded, temporary };
}
