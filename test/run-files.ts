/**
 * Runs test files, some at a time, each by a plain Node. tap's own runner does the same with its hooks in every process
 * that a test starts; with the hundreds of programs that are started here, the hooks take longer than the tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { Parser } from 'tap-parser';

export interface Counts {
  passed: number;
  failed: number;
  /** Those that are still to do as well. */
  skipped: number;
}

export interface FileResult {
  file: string;
  counts: Counts;
  seconds: number;
  /** What it wrote, indented as a subtest that bears the file's name. */
  record: string;
  stderr: string;
}

export interface RunOptions {
  /** Files at a time. */
  jobs: number;
  /** What a file may take, in seconds. */
  timeoutS: number;
  /** They take only the processor time that nobody else wants. */
  yields?: boolean;
}

/** How long a file that is out of time may take to say in which test. */
const lastWordsMs = 5000;

/** Counts assertions, not the tests around them; of a test that failed by itself (no time left, say) the test. */
export function countsIn(tap: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const count = (parser: Parser) => {
    let failedBefore = 0;
    parser.on('child', (child: Parser) => {
      failedBefore = counts.failed;
      count(child);
    });
    parser.on('assert', ({ ok, skip, todo, closingTestPoint }) => {
      if (closingTestPoint) {
        if (!ok && counts.failed === failedBefore) counts.failed += 1;
      } else if (skip || todo) counts.skipped += 1;
      else counts[ok ? 'passed' : 'failed'] += 1;
    });
  };
  const parser = new Parser();
  count(parser);
  parser.end(tap);
  const silent = counts.passed + counts.failed + counts.skipped === 0;
  if ((silent || !parser.ok) && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Runs a file to its end. */
async function runFile(file: string, { timeoutS, yields = false }: RunOptions): Promise<FileResult> {
  const began = performance.now();
  const command = [process.execPath, '--enable-source-maps', file];
  const [program = '', ...args] = yields ? ['nice', '-n', '19', ...command] : command;
  const child = spawn(program, args, {
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(timeoutS) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [tap, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    tap += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  // tap ends a file that is out of time by itself, unless the file never lets it.
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutS * 1000 + lastWordsMs);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(deadline);
  // A program that a test has left running may hold the pipes open for ever.
  await Promise.race([closed, setTimeoutPromise(lastWordsMs, undefined, { ref: false })]);
  const counts = countsIn(tap);
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const seconds = (performance.now() - began) / 1000;
  const lines = tap.trimEnd().split('\n');
  const record = [
    `# Subtest: ${file}`,
    ...lines.map((line) => (line === '' ? '' : `    ${line}`)),
    `${counts.failed === 0 ? 'ok' : 'not ok'} 1 - ${file} # time=${(seconds * 1000).toFixed(0)}ms`,
    ...(code === 0 ? [] : ['  ---', `  ${signal === null ? `exit: ${code}` : `signal: ${signal}`}`, '  ...']),
  ];
  return { file, counts, seconds, record: `${record.join('\n')}\n`, stderr };
}

/** Runs files, begun in their order. `ended` hears of each as it ends. */
export async function runFiles(
  files: readonly string[],
  options: RunOptions,
  ended: (result: FileResult) => void,
): Promise<void> {
  const left = files.values();
  const worker = async () => {
    for (const file of left) ended(await runFile(file, options));
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
}
