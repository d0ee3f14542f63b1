/**
 * `npm test`, once everything is set up: all tests that need nothing but this machine side by side, then those on the
 * laboratory's real hosts one after the other. Ends with what failed and one line that a person and a program can
 * read. In CI a skipped test is a failed run.
 *
 *     node dist/test/run.js [--unit | --lab] [PATTERN ...]
 *
 * A PATTERN is a part of a test file's path.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failuresIn } from './failures.js';
import { labCommand, labDirectory } from './lab/place.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tests = join(root, 'dist', 'test');
const output = join(root, '.tap');

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** More than these are counted and not told: the first ones are mostly the cause of the rest. */
const failuresTold = 12;
const linesSaid = 60;

function filesOf(patterns: string[]): { unit: string[]; lab: string[] } {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .sort()
    .map((file) => join('dist', 'test', file));
  const isLab = (file: string) => file.startsWith(join('dist', 'test', 'lab'));
  return { unit: files.filter((file) => !isLab(file)), lab: files.filter(isLab) };
}

/** Runs some files under tap, and counts from what tap itself has written down. */
function run(name: string, files: string[], jobs: number, fileTimeoutS: number): Counts {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const record = join(output, `${name}.tap`);
  rmSync(record, { force: true });
  const watched = process.stdout.isTTY;
  // What a test that ends early throws is on its stderr alone, which only this reporter passes on.
  const said = watched ? null : openSync(join(output, `${name}.stderr`), 'w+');
  const args = [
    'run',
    `--jobs=${jobs}`,
    `--timeout=${fileTimeoutS}`,
    `--reporter=${watched ? 'base' : 'tap'}`,
    `--output-file=${relative(root, record)}`,
    ...files,
  ];
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'tap'), args, {
    cwd: root,
    stdio: said === null ? 'inherit' : ['inherit', 'ignore', said],
  });
  const text = readFileSync(record, 'utf8');
  keepFailures(name, text);
  const counts = countsIn(text);
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  if (said !== null) {
    closeSync(said);
    if (counts.failed > 0) keepSaid(name);
  }
  return counts;
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

/** The end of what the tests wrote to stderr. */
function keepSaid(name: string): void {
  const lines = readFileSync(join(output, `${name}.stderr`), 'utf8')
    .trimEnd()
    .split('\n');
  if (lines.join('') === '') return;
  failureLines.push('', `on stderr (the whole is in .tap/${name}.stderr):`);
  failureLines.push(...lines.slice(-linesSaid).map((line) => `    ${line}`));
}

/** tap ends its record with `# { total: 714, pass: 712, fail: 1, skip: 1 }`, and leaves out what is zero. */
function countsIn(record: string): Counts {
  const summary = [...record.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1];
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const count = (word: string) => Number(new RegExp(`\\b${word}: (\\d+)`).exec(summary)?.[1] ?? 0);
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') };
}

/** Runs tests on a laboratory that is theirs alone, and leaves nothing of it behind. */
function runOnLaboratory(files: string[]): Counts {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const end = () => {
    const environment = { ...process.env, SECOVIA_LAB_DIR: labDirectory };
    spawnSync(labCommand, ['down'], { env: environment, stdio: 'inherit' });
  };
  end();
  try {
    return run('lab', files, 1, 900);
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
const { unit, lab } = filesOf(patterns);
const results = [
  only === '--lab' ? null : run('unit', unit, availableParallelism(), 600),
  only === '--unit' ? null : runOnLaboratory(lab),
].filter((counts) => counts !== null);
const sum = (key: keyof Counts) => results.reduce((total, counts) => total + counts[key], 0);
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
process.stdout.write(failureLines.map((line) => `${line}\n`).join(''));
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
const skippedInCi = skipped > 0 && Boolean(process.env['CI']);
if (skippedInCi) process.stderr.write('in CI nothing may be skipped\n');
process.exit(failed > 0 || passed === 0 || skippedInCi ? 1 : 0);
