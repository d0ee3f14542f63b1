/** Runs the CLI for tests: inside this process with a made-up terminal, or as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../cli/run.js';

/** The compiled executable. */
export const cliPath = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** 2026-11-23T07:00:00Z, the moment at which tests look. */
export const nowMs = Date.UTC(2026, 10, 23, 7, 0, 0);

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

export interface CliOptions {
  server?: string;
  env?: Record<string, string>;
  /** Which streams are a terminal. */
  terminal?: 'stdin' | 'stdout' | 'stderr' | 'all';
  columns?: number;
  /** What stands on standard input. */
  input?: string;
  interrupted?: AbortSignal;
  /** Left out means the moment at which tests look. */
  nowMs?: number;
  /** Sees output as it comes. */
  watch?: (soFar: CliResult) => void;
}

/** `secovia ARGS` inside this process. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result: CliResult = { code: -1, out: '', err: '' };
  const isTerminal = (name: string) => options.terminal === name || options.terminal === 'all';
  const collect = (key: 'out' | 'err', isTTY: boolean) => {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: options.columns ?? 80 });
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      result[key] += text;
      options.watch?.(result);
    });
    return stream;
  };
  const stdin = Object.assign(new PassThrough(), { isTTY: isTerminal('stdin') });
  stdin.end(options.input ?? '');
  const stdout = collect('out', isTerminal('stdout'));
  const stderr = collect('err', isTerminal('stderr'));
  result.code = await runCli(args, {
    stdin,
    stdout,
    stderr,
    env: { SECOVIA_SERVER: options.server ?? '127.0.0.1:1', SECOVIA_INSECURE: '1', ...options.env },
    interrupted: options.interrupted ?? new AbortController().signal,
    now: () => options.nowMs ?? nowMs,
  });
  for (const stream of [stdout, stderr]) {
    stream.end();
    if (!stream.readableEnded) await new Promise((resolve) => stream.once('end', resolve));
  }
  return result;
}

export interface RunningCli {
  child: ChildProcess;
  /** What it has written so far. */
  soFar: { out: string; err: string };
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>;
  /** Resolves when the condition holds; fails after 20 seconds, with what was written. */
  until(condition: (soFar: { out: string; err: string }) => boolean): Promise<void>;
}

/** `secovia ARGS` as a process of its own, with pipes for its streams. */
export function spawnCli(args: readonly string[], env: Record<string, string>): RunningCli {
  const child = spawn(process.execPath, [cliPath, ...args], {
    env: { PATH: process.env['PATH'] ?? '', SECOVIA_INSECURE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const soFar = { out: '', err: '' };
  const changed = new Set<() => void>();
  const take = (key: 'out' | 'err') => (chunk: Buffer) => {
    soFar[key] += chunk.toString();
    for (const each of changed) each();
  };
  child.stdout?.on('data', take('out'));
  child.stderr?.on('data', take('err'));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    soFar,
    ended,
    until: (condition) =>
      new Promise<void>((resolve, reject) => {
        const check = () => {
          if (!condition(soFar)) return;
          clearTimeout(timer);
          changed.delete(check);
          resolve();
        };
        const timer = setTimeout(
          () => reject(new Error(`not seen in time; so far: ${JSON.stringify(soFar)}`)),
          60_000,
        );
        changed.add(check);
        check();
      }),
  };
}

/** Waits on a condition with a deadline. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
