/** The strategies that an operator can choose. */
import { balance } from './balance.js';
import { firstFit } from './first-fit.js';
import { pack } from './pack.js';
import type { Scorer } from './scorer.js';
import { spread } from './spread.js';

export const strategies = { pack, spread, balance, 'first-fit': firstFit } satisfies Record<string, Scorer>;

export type Strategy = keyof typeof strategies;

export const strategyNames = Object.keys(strategies) as [Strategy, ...Strategy[]];
