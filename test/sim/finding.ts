/**
 * The simulator's teeth: each planted bug is found. A mutant needs a process of its own, since the product's modules are
 * changed as they are loaded.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import tap, { test } from 'tap';
import type { Mutant } from './mutation.js';

const run = promisify(execFile);
const dist = fileURLToPath(new URL('../../', import.meta.url));
const seeds = 1000;

/** What `npm run sim` says with a mutant. */
async function found({ name, seed = 1, inSmall = false }: Mutant): Promise<string> {
  const main = `${dist}test/sim/main.js`;
  const size = inSmall ? ['--hosts=12', '--vms=40', '--hours=0.25'] : ['--hosts=20', '--vms=80'];
  const search = ['--mutant', name, '--seed', `${seed}`, '--seeds', `${seeds}`];
  const { stdout } = await run(process.execPath, [main, '--quiet', ...search, ...size]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

/** A test for each of these mutants that does not take too many seeds. */
export function isEachFound(mutants: readonly Mutant[]): void {
  tap.jobs = availableParallelism();
  for (const mutant of mutants) {
    if (mutant.late) continue;
    test(`within ${seeds} seeds it is found that ${mutant.bug}`, { buffered: true }, async (t) => {
      t.match(await found(mutant), /^seed \d+, event \d+/m);
    });
  }
}
