/** How few hosts of one shape would do: a bound that no strategy can beat, and what a strategy needs. */
import type { Scorer } from '../core/placement/scorers/scorer.js';
import { type HostShape, replay } from './replay.js';
import type { Trace } from './trace.js';

/** The trace without the VMs that no host of this shape can take, and how many those are. */
export function fitting(trace: Trace, shape: HostShape): { trace: Trace; oversized: number } {
  const fits = (vm: number) =>
    (trace.vcpus[vm] as number) <= shape.vcpus && (trace.memoryMib[vm] as number) <= shape.memoryMib;
  const keep = Array.from({ length: trace.vms }, (_, vm) => vm).filter(fits);
  if (keep.length === trace.vms) return { trace, oversized: 0 };
  return {
    trace: {
      vms: keep.length,
      arrivals: Float64Array.from(keep, (vm) => trace.arrivals[vm] as number),
      departures: Float64Array.from(keep, (vm) => trace.departures[vm] as number),
      vcpus: Int32Array.from(keep, (vm) => trace.vcpus[vm] as number),
      memoryMib: Int32Array.from(keep, (vm) => trace.memoryMib[vm] as number),
    },
    oversized: trace.vms - keep.length,
  };
}

/** The peak of what is wanted at one time, in hosts: of vCPUs or of memory, whichever needs more. */
export function lowerBound(trace: Trace, leaving: Int32Array, shape: HostShape): number {
  let [vcpus, memoryMib, peakVcpus, peakMemoryMib] = [0, 0, 0, 0];
  let next = 0;
  for (let vm = 0; vm < trace.vms; vm += 1) {
    for (; next < leaving.length; next += 1) {
      const gone = leaving[next] as number;
      if ((trace.departures[gone] as number) > (trace.arrivals[vm] as number)) break;
      vcpus -= trace.vcpus[gone] as number;
      memoryMib -= trace.memoryMib[gone] as number;
    }
    vcpus += trace.vcpus[vm] as number;
    memoryMib += trace.memoryMib[vm] as number;
    peakVcpus = Math.max(peakVcpus, vcpus);
    peakMemoryMib = Math.max(peakMemoryMib, memoryMib);
  }
  return Math.max(Math.ceil(peakVcpus / shape.vcpus), Math.ceil(peakMemoryMib / shape.memoryMib));
}

/**
 * The fewest hosts that refuse nothing, found by halving from the bound up. More hosts do not always refuse fewer VMs,
 * so this is a number that refuses nothing while one less refuses something; rarely a smaller such number exists.
 */
export function fewestHosts(
  trace: Trace,
  leaving: Int32Array,
  shape: HostShape,
  scorer: Scorer,
  bound: number,
  onTry: (hosts: number) => void = () => undefined,
): number {
  const enough = (hosts: number) => {
    onTry(hosts);
    return replay(trace, leaving, shape, hosts, scorer, { stopAtRefusal: true }).refused === 0;
  };
  let tooFew = bound - 1;
  let step = Math.max(1, Math.ceil(bound / 32));
  let many = bound;
  while (!enough(many)) {
    tooFew = many;
    many += step;
    step *= 2;
  }
  while (many - tooFew > 1) {
    const middle = Math.floor((tooFew + many) / 2);
    if (enough(middle)) many = middle;
    else tooFew = middle;
  }
  return many;
}
