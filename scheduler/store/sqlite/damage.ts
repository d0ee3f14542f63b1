/** What is said of a file that is not as it was written: what, where, and what to do. */
import { dirname } from 'node:path';
import { StoreError } from '../store.js';

export function damaged(file: string, what: string): StoreError {
  return new StoreError(`${file} is damaged: ${what}; ${remedy(file)}`);
}

/** What helps against damage. */
export function remedy(file: string): string {
  const folder = dirname(file);
  return `move ${folder} away and restore a backup: secovia-scheduler restore FILE --data-dir ${folder}`;
}
