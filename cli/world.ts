/**
 * What the CLI touches of the machine it runs on. `main.ts` hands in the real one; tests hand in their own and run
 * commands inside their process, terminal or not.
 */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export interface World {
  stdin: Readable & Terminal;
  stdout: Writable & Terminal;
  stderr: Writable & Terminal;
  env: Record<string, string | undefined>;
  /** Aborts on Ctrl-C. */
  interrupted: AbortSignal;
  /** Milliseconds since 1970. */
  now(): number;
}
