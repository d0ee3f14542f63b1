/** What Linux says that a process has used. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Seconds of processors that all its threads have had since it began, in the kernel or not. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, which stands in brackets, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Megabytes (of a million bytes) of memory that are its own or shared, and not swapped out. */
export function residentMb(pid: number): number {
  return statusMb(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/** The most that `residentMb` ever was. */
export function peakMb(pid: number): number {
  return statusMb(pid, /^VmHWM:\s+(\d+) kB$/m);
}

function statusMb(pid: number, line: RegExp): number {
  const kib = line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

/** Files and connections that a process started from here may have open; Node.js takes all that it is allowed. */
export function openFilesLimit(): number {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
