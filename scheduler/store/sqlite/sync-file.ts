import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Has what was written into a file on disk, by whomever. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
