/** What a scenario asks for and cannot be: not an outcome that could be expected, but a scenario that makes no sense. */
import type { Path } from './source.js';

export class Impossible extends Error {}

/** The same, with where it is asked for. */
export class ImpossibleAt extends Error {
  constructor(
    readonly path: Path,
    message: string,
  ) {
    super(message);
  }
}

/** @throws ImpossibleAt when the action is impossible. */
export function at<T>(path: Path, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Impossible) throw new ImpossibleAt(path, error.message);
    throw error;
  }
}
