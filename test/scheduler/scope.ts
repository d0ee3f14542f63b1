/** How long something of a test lives: as long as the test, or as the whole file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export type Scope = Pick<Test, 'teardown'>;

/** A folder of this run alone: two runs of one test must not meet in it. */
export function temporaryFolder(t: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
