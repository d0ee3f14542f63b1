/** Each scorer, and what it means in plain words: which of two hosts is better by what they have free. */
import { balance } from '../../../../scheduler/core/placement/scorers/balance.js';
import { firstFit } from '../../../../scheduler/core/placement/scorers/first-fit.js';
import { pack } from '../../../../scheduler/core/placement/scorers/pack.js';
import type { Scorer } from '../../../../scheduler/core/placement/scorers/scorer.js';
import { spread } from '../../../../scheduler/core/placement/scorers/spread.js';

type Free = readonly number[];
type Better = (a: Free, b: Free) => number;

const leastMemory: Better = ([av = 0, am = 0], [bv = 0, bm = 0]) => am - bm || av - bv;
const gib = ([, memoryMib = 0]: Free) => Math.floor(memoryMib / 1024);
const oldestOfEqualGib: Better = (a, b) =>
  gib(a) - gib(b) || (a[4] ?? 0) - (b[4] ?? 0) || (a[0] ?? 0) - (b[0] ?? 0);
const uneven = ([vcpus = 0, memoryMib = 0]: Free) => Math.abs(memoryMib - vcpus * 2048);

export const strategies: [Scorer, Better][] = [
  [pack, oldestOfEqualGib],
  [spread, (a, b) => leastMemory(b, a)],
  [firstFit, () => 0],
  [balance, (a, b) => uneven(a) - uneven(b) || (a[1] ?? 0) - (b[1] ?? 0)],
];
