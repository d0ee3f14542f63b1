/** Verifies a file, piece by piece as it is read. */
import type { KeyObject } from 'node:crypto';
import { fileLines, LineTooLong } from './file-lines.js';
import type { Verdict } from './verdict.js';
import { Verifier } from './verifier.js';
import type { Witness } from './witnesses.js';

export async function verifyExport(
  pieces: AsyncIterable<Uint8Array>,
  key: KeyObject,
  witnesses: readonly Witness[] = [],
): Promise<Verdict> {
  const verifier = new Verifier(key, witnesses);
  try {
    for await (const line of fileLines(pieces)) if (!verifier.take(line)) break;
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    const verdict = verifier.verdict();
    verdict.faults.push({ code: 'MALFORMED', sequence: verdict.last, line: 0, message: error.message });
    return verdict;
  }
  return verifier.verdict();
}
