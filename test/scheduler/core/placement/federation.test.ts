import { test } from 'tap';
import { exclusionCodes } from '../../../../scheduler/core/placement/explanation.js';
import { FederationHistory } from './federation-history.js';

test('with every rule in play, placement and its explanations are those of a plain oracle', async (t) => {
  const seen = new Map<string, number>();
  for (let seed = 5; seed <= 10; seed += 1) {
    const history = new FederationHistory(seed);
    for (let step = 0; step < 5_000; step += 1) history.step();
    for (const [outcome, times] of history.outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + times);
  }
  const outcomes = ['placed', 'placed in a batch', 'refused in a batch', 'placed with extras', 'GPUs spared'];
  outcomes.push('somebody to displace', 'nobody to displace', 'slots kept', 'placed on hugepages');
  outcomes.push('placed on dedicated CPUs', 'placed on 1 cells', 'placed on 2 cells', 'placed on 4 cells');
  outcomes.push('placed under an agreement');
  for (const code of [...outcomes, ...exclusionCodes]) {
    t.ok((seen.get(code) ?? 0) > 20, `${code} came about ${seen.get(code) ?? 0} times`);
  }
});
