/**
 * What failed, out of tap's record: for the last lines of a long run, which are all that is left of it in many a CI's
 * log.
 */

export interface Failure {
  /** From the file to the assertion. */
  path: string[];
  /** What tap noted of it (difference, place, stack), without the source around it. */
  details: string[];
}

const detailLines = 20;
/** Blocks of a diagnosis that say nothing which the path and the place do not. */
const noise = new Set([
  'source',
  'args',
  'cwd',
  'stdio',
  'externalID',
  'command',
  'compare',
  'typeName',
  'tapCaught',
]);

/** What comes last, so that a long stack never hides what was said. */
const places = new Set(['at', 'stack']);

const indentOf = (line: string) => line.length - line.trimStart().length;

/** The lines of a `---` block that starts at `from`, less the noise: first what it says, then where. */
function detailsAt(lines: string[], from: number): string[] {
  if (lines[from]?.trim() !== '---') return [];
  const indent = indentOf(lines[from]);
  const [words, place]: [string[], string[]] = [[], []];
  let block: string[] | null = words;
  for (let index = from + 1; index < lines.length; index += 1) {
    const line = lines[index] as string;
    if (line.trim() === '...' && indentOf(line) === indent) break;
    const key = indentOf(line) === indent ? /^\s*(\w+):/.exec(line)?.[1] : undefined;
    if (key !== undefined) block = noise.has(key) ? null : places.has(key) ? place : words;
    if (line.trim() !== '') block?.push(line.slice(indent));
  }
  const details = [...words, ...place];
  const cut = details.length > detailLines ? [`(${details.length - detailLines} lines more)`] : [];
  return [...details.slice(0, detailLines), ...cut];
}

/**
 * The failed assertions of a TAP record, in its order. A test that failed without a failed assertion of its own (it
 * timed out, say, or its process died) stands for itself.
 */
export function failuresIn(record: string): Failure[] {
  const lines = record.split('\n');
  const failures: Failure[] = [];
  /** Names of the tests around the current line, by their depth, and how many failures there were when each began. */
  const around: { name: string; failuresBefore: number }[] = [];
  lines.forEach((line, index) => {
    const depth = indentOf(line) / 4;
    if (!Number.isInteger(depth)) return;
    const subtest = /^\s*# Subtest: (.*)$/.exec(line)?.[1];
    if (subtest !== undefined) {
      around.length = Math.min(around.length, depth);
      around[depth] = { name: subtest, failuresBefore: failures.length };
      return;
    }
    const failed = /^\s*not ok \d+ - (.*?)(?: # (.*))?$/.exec(line);
    if (failed === null || /^(?:SKIP|TODO)\b/i.test(failed[2] ?? '')) return;
    const name = failed[1] ?? '';
    const ended = around[depth];
    const isOfTest = ended?.name === name;
    if (isOfTest && failures.length > ended.failuresBefore) return;
    const path = [...around.slice(0, depth).map((test) => test?.name ?? '?'), name];
    failures.push({ path, details: detailsAt(lines, index + 1) });
  });
  return failures;
}
