/** The scheduler's program beside the test, which goes on meanwhile, and files large enough to be met in the middle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { program } from '../api/scheduler-process.js';
import { batch, contentOf, put } from '../store/batches.js';
import { within } from '../within.js';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const deadlineMs = 90_000;

export class Running {
  readonly #child;
  readonly ended: Promise<Ended>;

  constructor(args: string[]) {
    const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'] } });
    process.once('exit', () => child.kill('SIGKILL'));
    this.#child = child;
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const closed = once(child, 'close').then(([status, signal]) => ({ status, signal, stdout, stderr }));
    this.ended = within(deadlineMs, `${args[0]} ends`, closed);
  }

  /** Sends a signal as soon as there is something to be seen of its work, if it has not ended by then. */
  async signalWhen(seen: () => boolean, signal: NodeJS.Signals): Promise<Ended> {
    while (this.#child.exitCode === null && !seen()) await pause(1);
    this.signal(signal);
    return this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Runs to the end. */
export function run(args: string[]): Promise<Ended> {
  return new Running(args).ended;
}

/** What a backup has of a file that is not whole yet. */
export function halfMade(file: string): string[] {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.startsWith(`${basename(file)}.`) && name.endsWith('.new'));
}

/** A data folder with a long journal: so many megabytes. */
export async function longStore(dataDir: string, megabytes: number): Promise<void> {
  const store = new SqliteStore(join(dataDir, 'secovia.db'));
  await contentOf(store);
  const filler = 'x'.repeat(2 ** 20);
  for (let sequence = 1; sequence <= megabytes; sequence += 1) {
    const journal = [JSON.stringify([1000 + sequence, [], { filler }])];
    await store.commit(batch(sequence, { journal, puts: [put('vm', `vm-${sequence}`, sequence)] }));
  }
  await store.close();
}
