/**
 * Runs a program of somebody else's for a limited time: no shell, its own process group, its input on stdin, and as much
 * of its output as is good for anybody. When its time is over everything that it has started goes with it.
 */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface ProgramRun {
  /** A path. */
  program: string;
  args: readonly string[];
  stdin: string;
  /** Besides PATH and the language. */
  environment?: Readonly<Record<string, string>>;
  limitMs: number;
}

export interface ProgramOutcome {
  /** The exit status, or why there is none. */
  ended: number | 'killed' | 'timeout' | 'unstartable';
  stdout: string;
  stderr: string;
}

const mostOutput = 64 * 1024;
const leftoverMs = 1_000;
/** fence-agents are there, and not in everybody's PATH. */
const programFolders = ['/usr/sbin', '/usr/bin'];

/** The path of a program: as it is when it is one, else from /usr/sbin or PATH; null when it is nowhere. */
export async function findProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | null> {
  const folders = [...programFolders, ...path.split(delimiter).filter((folder) => folder.startsWith('/'))];
  const candidates = name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  return null;
}

/** A group of its own does not end with the agent by itself. */
const running = new Set<number>();
process.once('exit', () => {
  for (const leader of running) killGroup(leader);
});

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** Never rejects. */
export async function runProgram(run: ProgramRun, start: typeof spawn = spawn): Promise<ProgramOutcome> {
  try {
    return await outcomeOf(run, start);
  } catch (error) {
    // Where there is no memory for a process, `spawn` throws.
    return { ended: 'unstartable', stdout: '', stderr: reason(error as NodeJS.ErrnoException) };
  }
}

const reason = ({ code, message }: NodeJS.ErrnoException): string => code ?? message;

function outcomeOf(run: ProgramRun, start: typeof spawn): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const { PATH } = process.env;
    const environment = { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${PATH ?? ''}`, LANG: 'C', LC_ALL: 'C' };
    const child = start(run.program, [...run.args], {
      detached: true,
      env: { ...environment, ...run.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.on('error', (error) => {
      output.stderr ||= reason(error);
      finish('unstartable');
    });
    let ended: ProgramOutcome['ended'] | null = null;
    let isGone = false;
    const killAll = () => {
      if (child.pid !== undefined && !isGone) killGroup(child.pid);
    };
    if (child.pid !== undefined) running.add(child.pid);
    const finish = (how: ProgramOutcome['ended']) => {
      if (ended !== null) return;
      ended = how;
      clearTimeout(timer);
      killAll();
      running.delete(child.pid ?? 0);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      resolve({ ended, ...output });
    };
    const timer = setTimeout(() => finish('timeout'), run.limitMs);
    // Not started: the error is on its way. Where descriptors are used up it has no pipes either, whatever its type says.
    if (child.pid === undefined) return;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text: string) => {
        output[name] = (output[name] + text).slice(0, mostOutput);
      });
      child[name].on('error', () => undefined);
    }
    child.on('close', (code) => finish(code ?? 'killed'));
    // What it leaves running ends with it, and nobody waits for one that got away and holds its output open.
    child.on('exit', (code) => {
      killAll();
      isGone = true;
      setTimeout(() => finish(code ?? 'killed'), leftoverMs);
    });
    // It may end without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(run.stdin);
  });
}
