/** What the operator's commands have in common: options, how they say what they did, and how they end. */
import { Option } from 'commander';
import { dataDirDefault } from '../data-folder.js';
import { isExplained } from './backup-error.js';
import { Interrupted } from './drive.js';

export interface Common {
  dataDir: string;
  output: 'text' | 'json';
}

export const dataDirOption = () =>
  new Option('--data-dir <folder>', 'where the scheduler keeps what it knows').default(dataDirDefault);
export const outputOption = () => new Option('--output <format>').choices(['text', 'json']).default('text');

export function tell(output: Common['output'], words: () => string, json: () => object): void {
  process.stdout.write(output === 'json' ? `${JSON.stringify(json(), null, 2)}\n` : words());
}

/** Exit status 1, or the shell's for a signal, with a sentence: for whatever can be explained. */
export async function ending(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isExplained(error)) throw error;
    process.stderr.write(`secovia-scheduler: ${error.message}\n`);
    // A store that failed may have left a thread that waits.
    process.exit(error instanceof Interrupted ? error.exitStatus : 1);
  }
}
