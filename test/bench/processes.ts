/** Starting the processes of a benchmark, and ending them with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const started = new Set<ChildProcess>();

/**
 * How `deploy/bin/secovia-scheduler` has Node.js run: a peer that is compared with the scheduler gets the same.
 */
export const schedulerFlags: readonly string[] =
  readFileSync(
    fileURLToPath(new URL('../../../deploy/bin/secovia-scheduler', import.meta.url)),
    'utf8',
  ).match(/--[a-z-]+-size=\d+/g) ?? [];

/** A compiled file of this tree, by its path from dist/. */
export function compiled(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a script and waits for the first line on the given output that `ready` accepts. */
export async function start(
  path: string,
  args: string[],
  output: 'stdout' | 'stderr',
  ready: (line: string) => boolean,
  flags: readonly string[] = [],
): Promise<{ process: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [...flags, compiled(path), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  child[output === 'stdout' ? 'stderr' : 'stdout'].pipe(process.stderr);
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`${path} ended with ${code}: ${text}`)));
    const read = (bytes: Buffer) => {
      text += bytes.toString();
      const found = text.split('\n').find((line) => line !== '' && ready(line));
      if (found === undefined) return;
      // What it says later is of no interest, and must not fill a pipe.
      child[output].off('data', read).resume();
      resolve(found);
    };
    child[output].on('data', read);
  });
  return { process: child, line };
}

const program = fileURLToPath(new URL('../../../deploy/bin/secovia-scheduler', import.meta.url));

/** Starts `secovia-scheduler` as operators do; it may tell its parent something. */
export function secoviaScheduler(args: string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...environment },
  });
  started.add(child);
  return child;
}

/** Waits for its end, and gives its output. */
export async function outputOf(child: ChildProcess, what: string): Promise<string> {
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  started.delete(child);
  if (code !== 0) throw new Error(`${what} ended with ${code}`);
  return output;
}

export async function stop(child: ChildProcess): Promise<void> {
  started.delete(child);
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** Runs a script to its end and gives its output. */
export async function run(path: string, args: string[]): Promise<string> {
  const child = spawn(process.execPath, [compiled(path), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.add(child);
  return outputOf(child, path);
}

process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});
