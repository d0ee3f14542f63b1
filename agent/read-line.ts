import { readFileSync } from 'node:fs';

/** What stands in a file of one line, as those of the kernel; empty when it cannot be read. */
export function readLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
