/**
 * The comparison with the oracles for as long as one likes:
 * `node dist/test/scheduler/core/placement/long-run.js [OPERATIONS] [SEED]`. It prints its seed, and ends with
 * status 1 at the first answer that differs. One operation in four happens to a whole federation with every rule in
 * play, the others to the index alone, one strategy after the other. Now and then a batch is decided in a federation of
 * its own.
 */
import { randomInt } from 'node:crypto';
import { batchAgainstSingles } from './batch-history.js';
import { FederationHistory } from './federation-history.js';
import { History } from './history.js';
import { strategies } from './strategies.js';

const operations = Number(process.argv[2] ?? 5_000_000);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));
if (!Number.isInteger(operations) || operations < 1 || !Number.isInteger(seed)) {
  console.error('usage: long-run.js [OPERATIONS] [SEED], both whole numbers');
  process.exit(2);
}
console.log(`seed ${seed}`);
const indexes = strategies.map(([scorer, better]) => ({
  scorer,
  history: new History(seed, scorer, better),
}));
let federation = new FederationHistory(seed);
let decisions = 0;
let batched = 0;
try {
  for (let step = 0; step < operations; step += 1) {
    if (step % 5000 === 0) {
      const { placed, refused } = batchAgainstSingles(seed + step);
      batched += placed + refused;
    }
    if (step % 4 !== 0) indexes[Math.floor(step / 4) % indexes.length]?.history.step();
    else {
      federation.step();
      // Another federation now and then: its sites, racks and hosts are drawn anew.
      if (step % 20_000 === 0) {
        decisions += federation.decisions;
        federation = new FederationHistory(seed + step);
      }
    }
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
for (const { scorer, history } of indexes) {
  console.log(`index, ${scorer.name}: ${history.decisions} decisions, ${history.refused} of them refusals`);
}
console.log(`federations: ${decisions + federation.decisions} decisions`);
console.log(`batches: ${batched} VMs`);
