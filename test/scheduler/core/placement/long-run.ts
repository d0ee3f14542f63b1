/**
 * The comparison with the oracle for as long as one likes:
 * `node dist/test/scheduler/core/placement/long-run.js [OPERATIONS] [SEED]`. It prints its seed, and ends with
 * status 1 at the first answer that differs.
 */
import { randomInt } from 'node:crypto';
import { History } from './history.js';
import { strategies } from './strategies.js';

const operations = Number(process.argv[2] ?? 5_000_000);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));
if (!Number.isInteger(operations) || operations < 1 || !Number.isInteger(seed)) {
  console.error('usage: long-run.js [OPERATIONS] [SEED], both whole numbers');
  process.exit(2);
}
console.log(`seed ${seed}`);
const histories = strategies.map(([scorer, better]) => ({
  scorer,
  history: new History(seed, scorer, better),
}));
try {
  for (let step = 0; step < operations; step += 1) {
    for (const { history } of histories.slice(step % histories.length, (step % histories.length) + 1))
      history.step();
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
for (const { scorer, history } of histories) {
  console.log(
    `${scorer.name}: ${history.decisions} decisions, ${history.placed} placed, ${history.refused} refused`,
  );
}
