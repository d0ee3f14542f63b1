import { isEachFound } from './finding.js';
import { schedulerMutants } from './mutants-of-the-scheduler.js';

isEachFound(schedulerMutants);
