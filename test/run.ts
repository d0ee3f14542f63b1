/**
 * `npm test`, once everything is set up: all tests that need nothing but this machine side by side, then those on the
 * laboratory's real hosts one after the other, and beside them the simulator's, which wait for nothing but the processor and
 * take what the laboratory leaves of it. Ends with what failed and one line that a person and a program can
 * read. In CI a skipped test is a failed run.
 *
 *     node dist/test/run.js [--unit | --lab] [PATTERN ...]
 *
 * A PATTERN is a part of a test file's path.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failuresIn } from './failures.js';
import { labCommand, labDirectory } from './lab/place.js';
import { type Counts, type RunOptions, runFiles } from './run-files.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tests = join(root, 'dist', 'test');
const output = join(root, '.tap');

/** More than these are counted and not told: the first ones are mostly the cause of the rest. */
const failuresTold = 12;
const linesSaid = 60;
/** For one file, on a machine that is three times as slow as it should be. */
const fileTimeoutS = 900;

function filesOf(patterns: string[]): Record<'unit' | 'sim' | 'lab', string[]> {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .sort()
    .map((file) => join('dist', 'test', file));
  const isOf = (folder: string) => (file: string) => file.startsWith(join('dist', 'test', folder));
  const [sim, lab] = [files.filter(isOf('sim')), files.filter(isOf('lab'))];
  return { unit: files.filter((file) => !sim.includes(file) && !lab.includes(file)), sim, lab };
}

/** Runs some files, says how each ended, and keeps all that they wrote in `.tap/`. */
async function run(name: string, files: string[], options: Omit<RunOptions, 'timeoutS'>): Promise<Counts> {
  const [record, said] = [join(output, `${name}.tap`), join(output, `${name}.stderr`)];
  for (const file of [record, said]) writeFileSync(file, '');
  const total = { passed: 0, failed: 0, skipped: 0 };
  let saidByFailed = '';
  // Who gives way may get half of the processor.
  const timeoutS = options.yields === true ? 2 * fileTimeoutS : fileTimeoutS;
  await runFiles(files, { ...options, timeoutS }, ({ file, counts, seconds, record: text, stderr }) => {
    appendFileSync(record, text);
    const spoke = stderr.trim() === '' ? '' : `# ${file}\n${stderr.trimEnd()}\n`;
    appendFileSync(said, spoke);
    if (counts.failed > 0) saidByFailed += spoke;
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
    const how = counts.failed === 0 ? 'ok    ' : 'FAILED';
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.stdout.write(
      `${how} ${seconds.toFixed(1).padStart(6)} s  ${file}  ${counts.passed} passed${skipped}\n`,
    );
  });
  keepFailures(name, readFileSync(record, 'utf8'));
  keepSaid(name, saidByFailed);
  return total;
}

const failureLines: string[] = [];

/** Keeps for the end what failed: thousands of lines may follow it. */
function keepFailures(name: string, record: string): void {
  const failures = failuresIn(record);
  for (const { path, details } of failures.slice(0, failuresTold))
    failureLines.push('', `FAILED ${path.join(' > ')}`, ...details.map((line) => `    ${line}`));
  if (failures.length > failuresTold)
    failureLines.push('', `and ${failures.length - failuresTold} failures more, in .tap/${name}.tap`);
}

/** The end of what the files that failed wrote to stderr. */
function keepSaid(name: string, text: string): void {
  if (text === '') return;
  failureLines.push('', `on stderr (the whole is in .tap/${name}.stderr):`);
  failureLines.push(
    ...text
      .trimEnd()
      .split('\n')
      .slice(-linesSaid)
      .map((line) => `    ${line}`),
  );
}

/** Runs tests on a laboratory that is theirs alone, and leaves nothing of it behind. */
async function runOnLaboratory(files: string[]): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const end = () => {
    const environment = { ...process.env, SECOVIA_LAB_DIR: labDirectory };
    spawnSync(labCommand, ['down'], { env: environment, stdio: 'inherit' });
  };
  end();
  try {
    return await run('lab', files, { jobs: 1 });
  } finally {
    end();
  }
}

const args = process.argv.slice(2);
const only = args.find((arg) => arg === '--unit' || arg === '--lab');
const patterns = args.filter((arg) => arg !== only);
if (patterns.some((pattern) => pattern.startsWith('-'))) {
  process.stderr.write('usage: npm test -- [--unit | --lab] [PATTERN ...]\n');
  process.exit(2);
}
mkdirSync(output, { recursive: true });
const { unit, sim, lab } = filesOf(patterns);
const jobs = availableParallelism();
const results: Counts[] = [];
if (only === '--lab') results.push(await runOnLaboratory(lab));
// Alone, the simulator's are begun first: they take longest, and begun last, one of them would go on by itself.
else if (only === '--unit') results.push(await run('unit', [...sim, ...unit], { jobs }));
else {
  results.push(await run('unit', unit, { jobs }));
  results.push(...(await Promise.all([runOnLaboratory(lab), run('sim', sim, { jobs, yields: true })])));
}
const sum = (key: keyof Counts) => results.reduce((total, counts) => total + counts[key], 0);
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
process.stdout.write(failureLines.map((line) => `${line}\n`).join(''));
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
const skippedInCi = skipped > 0 && Boolean(process.env['CI']);
if (skippedInCi) process.stderr.write('in CI nothing may be skipped\n');
process.exit(failed > 0 || passed === 0 || skippedInCi ? 1 : 0);
