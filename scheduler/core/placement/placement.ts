/**
 * Where a VM goes. A request and what hosts have free go in; a host, or an explanation of why there is none, comes
 * out. Hard rules are asked in a fixed order, so that every host is excluded by one rule that can be named.
 *
 * The search is an exact best fit by a plain scan: the host with the least memory left over, then the fewest vCPUs,
 * then the lowest id, which is the same after a restart as before.
 */
import type { FreeColumns } from '../host-table.js';
import type { Host, Resources, VmPlacement, VmSpec } from '../model.js';
import { needsOf, onHost, type State } from '../state.js';
import { rules, type RuleCode } from './rules/index.js';

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

/** The host for a request, where `free` says what each has; nothing is claimed. */
export function place(state: State, free: FreeColumns, request: PlacementRequest): Placed {
  const { hosts, count } = state.hostTable;
  const { needs } = request;
  let best = -1;
  let bestMemory = 0;
  let bestVcpus = 0;
  for (let row = 0; row < count; row += 1) {
    const memory = (free.freeMemoryMib[row] as number) - needs.memoryMib;
    const vcpus = (free.freeVcpus[row] as number) - needs.vcpus;
    if (memory < 0 || vcpus < 0) continue;
    if ((free.freeDiskMib[row] as number) < needs.diskMib || (free.freeVms[row] as number) < needs.vms)
      continue;
    const host = hosts[row] as Host;
    if (best >= 0) {
      if (memory > bestMemory || (memory === bestMemory && vcpus > bestVcpus)) continue;
      const tie = memory === bestMemory && vcpus === bestVcpus;
      if (tie && host.id > (hosts[best] as Host).id) continue;
    }
    if (excludedByRule(state, host, request) !== null) continue;
    best = row;
    bestMemory = memory;
    bestVcpus = vcpus;
  }
  if (best >= 0) return { row: best, host: hosts[best] as Host };
  return { noHost: explain(state, free, request) };
}

/** Takes what a VM needs from a fork of the free columns. */
export function claimOnFork(free: FreeColumns, row: number, needs: Resources): void {
  free.freeVcpus[row] = (free.freeVcpus[row] as number) - needs.vcpus;
  free.freeMemoryMib[row] = (free.freeMemoryMib[row] as number) - needs.memoryMib;
  free.freeDiskMib[row] = (free.freeDiskMib[row] as number) - needs.diskMib;
  free.freeVms[row] = (free.freeVms[row] as number) - needs.vms;
}

function excludedByRule(state: State, host: Host, request: PlacementRequest): RuleCode | null {
  for (const rule of rules) if (rule.excludes(state, host, request)) return rule.code;
  return null;
}

function lacking(free: FreeColumns, row: number, needs: Resources): ResourceCode | null {
  if ((free.freeMemoryMib[row] as number) < needs.memoryMib) return 'LACKS_MEMORY';
  if ((free.freeVcpus[row] as number) < needs.vcpus) return 'LACKS_VCPUS';
  if ((free.freeDiskMib[row] as number) < needs.diskMib) return 'LACKS_DISK';
  if ((free.freeVms[row] as number) < needs.vms) return 'LACKS_VM_SLOTS';
  return null;
}

function explain(state: State, free: FreeColumns, request: PlacementRequest): NoHost {
  const excluded = new Map<ExclusionCode, number>();
  let hosts = 0;
  let temporary = false;
  for (let row = 0; row < state.hostTable.count; row += 1) {
    const host = state.hostTable.hosts[row] as Host;
    if (host.state === 'retired') continue;
    hosts += 1;
    const first = excludedByRule(state, host, request);
    const lacks = lacking(free, row, request.needs);
    const code = first ?? lacks;
    if (code !== null) excluded.set(code, (excluded.get(code) ?? 0) + 1);
    if (first === 'HOST_NOT_CONNECTED' && lacks === null) {
      const others = rules.some(
        (rule) => rule.code !== 'HOST_NOT_CONNECTED' && rule.excludes(state, host, request),
      );
      if (!others) temporary = true;
    }
  }
  return { hosts, excluded, temporary };
}
