import { isEachFound } from './finding.js';
import { agentMutants } from './mutants-of-the-agent.js';

isEachFound(agentMutants);
