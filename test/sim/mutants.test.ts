/**
 * The simulator's teeth: each planted bug is found. A mutant needs a process of its own, since the product's modules are
 * changed as they are loaded.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import tap, { test } from 'tap';
import { mutants } from './mutants.js';
import type { Mutant } from './mutation.js';

const run = promisify(execFile);
const dist = fileURLToPath(new URL('../../', import.meta.url));
const seeds = 1000;

tap.jobs = availableParallelism();

/** What `npm run sim` says with a mutant. */
async function found({ name, seed = 1 }: Mutant): Promise<string> {
  const main = `${dist}test/sim/main.js`;
  const size = ['--hosts', '20', '--vms', '80', '--quiet'];
  const search = ['--mutant', name, '--seed', `${seed}`, '--seeds', `${seeds}`];
  const { stdout } = await run(process.execPath, [main, ...search, ...size]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

test('every rule that is built has a mutant, and each has a name of its own', async (t) => {
  const rules = new Set(mutants.map(({ rule }) => rule));
  const built = 'O1 O2 O3 O4 O5 O6 O7 F1 F2 F3 F4 L1 L2 L3 L4 E1 E2 E3 E4 S1 S2 S3 S4'.split(' ');
  t.same(
    built.filter((rule) => !rules.has(rule)),
    [],
  );
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});

for (const mutant of mutants) {
  if (mutant.late) continue;
  test(`within ${seeds} seeds it is found that ${mutant.bug}`, { buffered: true }, async (t) => {
    t.match(await found(mutant), /^seed \d+, event \d+/m);
  });
}
