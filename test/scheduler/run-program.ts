/** The scheduler's program, run to its end. */
import { spawnSync } from 'node:child_process';
import { program } from './api/scheduler-process.js';

export function runProgram(args: string[], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...environment },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}
