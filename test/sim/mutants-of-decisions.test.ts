import { isEachFound } from './finding.js';
import { decisionMutants } from './mutants-of-decisions.js';

isEachFound(decisionMutants);
