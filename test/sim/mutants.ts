/**
 * Bugs that the simulator has to find: at least one for each rule of PROTOCOL.md that is built. Each is a few words of the
 * product's compiled text, exchanged as it is loaded (`mutation.ts`); a test holds that they still fit.
 */
import type { Mutant } from './mutation.js';
import { agentMutants } from './mutants-of-the-agent.js';
import { decisionMutants } from './mutants-of-decisions.js';
import { schedulerMutants } from './mutants-of-the-scheduler.js';

export const mutants: readonly Mutant[] = [...agentMutants, ...decisionMutants, ...schedulerMutants];
