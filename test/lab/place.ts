/** Where the tests' laboratory lives: not where a person's does. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const labDirectory = process.env['SECOVIA_TEST_LAB_DIR'] ?? join(tmpdir(), 'secovia-test-lab');

/** The command that makes, breaks and ends it. */
export const labCommand = fileURLToPath(new URL('../../../deploy/lab/lab', import.meta.url));
