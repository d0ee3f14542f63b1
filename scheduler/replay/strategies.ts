/** The strategies that a trace can be replayed with: those that a scheduler offers, and the usual others. */
import { memoryBestFit, vcpuBestFit } from '../core/placement/scorers/best-fit.js';
import { dominant } from '../core/placement/scorers/dominant.js';
import { strategies as offered } from '../core/placement/scorers/index.js';
import { linear } from '../core/placement/scorers/linear.js';
import type { Scorer } from '../core/placement/scorers/scorer.js';
import type { HostShape } from './replay.js';

const makers: Record<string, (shape: HostShape) => Scorer> = {
  ...Object.fromEntries(Object.entries(offered).map(([name, scorer]) => [name, () => scorer])),
  'memory-best-fit': () => memoryBestFit,
  'vcpu-best-fit': () => vcpuBestFit,
  linear,
  dominant,
};

export const replayStrategies = Object.keys(makers);

export function scorerFor(strategy: string, shape: HostShape): Scorer {
  const make = makers[strategy];
  if (make === undefined) throw new Error(`no strategy ${strategy}`);
  return make(shape);
}
