/** Reads a scenario's text. Each fault is told with its line and its path in the file, and all of them at once. */
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { faultsIn, plainWords } from './fields.js';
import { type Scenario, scenarioSchema } from './format.js';
import { misnamed } from './references.js';

export type Path = readonly PropertyKey[];

export interface Fault {
  path: Path;
  message: string;
}

/** A scenario that cannot be run as it is written. */
export class ScenarioError extends Error {
  constructor(readonly lines: { line: number; sentence: string }[]) {
    super(lines.map(({ line, sentence }) => `line ${line}: ${sentence}`).join('\n'));
  }
}

export interface Source {
  scenario: Scenario;
  /** The steps as they are written. */
  steps: Record<string, unknown>[];
  /** The error for faults that are found later. */
  error(...faults: Fault[]): ScenarioError;
}

/** @throws ScenarioError */
export function read(text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ScenarioError(
      document.errors.map(({ pos, message }) => ({ line: lines.linePos(pos[0]).line, sentence: message })),
    );
  }
  const error = (...faults: Fault[]) =>
    new ScenarioError(
      faults.map(({ path, message }) => ({
        line: lineOf(document, lines, path),
        sentence: path.length === 0 ? message : `${pathText(path)} ${message}`,
      })),
    );
  const value: unknown = document.toJS() ?? {};
  const result = scenarioSchema.safeParse(value, { error: plainWords });
  if (!result.success) throw error(...result.error.issues.flatMap(faultsIn));
  const faults = misnamed(result.data);
  if (faults.length > 0) throw error(...faults);
  const { steps = [] } = value as { steps?: Record<string, unknown>[] };
  return { scenario: result.data, steps, error };
}

/** `steps[4].place.memory`: counted from 1, as steps are when they are printed. */
function pathText(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part + 1}]` : `.${String(part)}`));
  return parts.join('').slice(1);
}

/** Where it stands in the file, or what it would belong to if it is missing. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
