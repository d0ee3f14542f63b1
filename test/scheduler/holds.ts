/**
 * Runs a property and reports it as one assertion. The seed is fresh each time and is printed; set PROPERTY_SEED to
 * see a failure again, and PROPERTY_RUNS to look for longer than a test run may take.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import type { Test } from 'tap';

const runsFactor = Number(process.env['PROPERTY_RUNS'] ?? 1);

function parameters(runs: number): { seed: number; numRuns: number } {
  const given = process.env['PROPERTY_SEED'];
  return {
    seed: given === undefined ? randomInt(2 ** 31) : Number(given),
    numRuns: Math.ceil(runs * runsFactor),
  };
}

export function holds<T>(t: Test, property: fc.IProperty<T>, runs: number): void {
  const options = parameters(runs);
  t.comment(`${options.numRuns} runs, PROPERTY_SEED=${options.seed}`);
  const result = fc.check(property, options);
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'the property holds');
}

/** `endOnFailure` leaves out the search for a smaller example, where one run takes long. */
export async function holdsAsync<T>(
  t: Test,
  property: fc.IAsyncProperty<T>,
  runs: number,
  { endOnFailure = false } = {},
): Promise<void> {
  const options = parameters(runs);
  t.comment(`${options.numRuns} runs, PROPERTY_SEED=${options.seed}`);
  const result = await fc.check(property, { ...options, endOnFailure });
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'the property holds');
}
