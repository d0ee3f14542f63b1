/**
 * The storm of `tenancy-storm.test.ts` for as long as one likes:
 * `node dist/test/scheduler/api/tenancy-storm-long.js OPERATIONS [SEED]`. It prints its seed, how far it has come after
 * every crash, and how the calls ended, and ends with status 1 at the first violation. The seed repeats what the clients
 * draw; in which order the scheduler hears them is another matter in each run.
 */
import { randomInt } from 'node:crypto';
import { Storm } from './storm/storm.js';

const operations = Number(process.argv[2]);
const seed = Number(process.argv[3] ?? randomInt(2 ** 31));
if (!Number.isInteger(operations) || operations < 1 || !Number.isInteger(seed)) {
  console.error('usage: tenancy-storm-long.js OPERATIONS [SEED], both whole numbers');
  process.exit(2);
}
console.log(`seed ${seed}`);
// Every refusal is an error with a stack that nobody reads, and making these takes much of the time.
Error.stackTraceLimit = 3;
/** So many calls lie between two crashes. */
const between = 10_000;
const began = Date.now();
const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
const endings: (() => unknown)[] = [];
const plan = {
  operations,
  crashes: Math.max(3, Math.round(operations / between)),
  clients: 12,
  callsAtOnce: 8,
  seed,
  progress: ({ books, crashes, decisions }: Storm) =>
    console.log(
      `${seconds()}: ${books.answered} calls, ${crashes} crashes, ${decisions} decisions, ${books.vms.size} VMs, ${books.lost} answers lost`,
    ),
};
try {
  const storm = await Storm.run({ teardown: (ending) => endings.unshift(ending as () => unknown) }, plan);
  plan.progress(storm);
  console.log(`${storm.books.repeated} calls were made again and answered alike`);
  const outcomes = [...storm.books.outcomes, ...storm.witness.outcomes].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [outcome, count] of outcomes) console.log(`${String(count).padStart(9)} ${outcome}`);
  console.log(
    'no limit was exceeded but by lowering it, no sum has drifted, and nothing acknowledged is missing',
  );
} catch (error) {
  console.error((error as Error).stack);
  process.exitCode = 1;
} finally {
  for (const end of endings) await end();
}
