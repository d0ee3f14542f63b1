/**
 * The real program on a real socket: started on a free port with a folder of its own, waited for until it serves,
 * killed or stopped, and started again on what it left.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Scope, temporaryFolder } from '../scope.js';
import { within } from '../within.js';

export const program = new URL('../../../scheduler/main.js', import.meta.url).pathname;

export interface LogLine {
  level: number;
  msg: string;
  err?: { message: string; stack: string };
  [field: string]: unknown;
}

const errorLevel = 50;

export class SchedulerProcess {
  readonly log: LogLine[] = [];
  #child: ChildProcessWithoutNullStreams | null = null;
  #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }> = Promise.resolve({
    code: null,
    signal: null,
  });
  #heard: (() => void)[] = [];

  private constructor(
    readonly address: string,
    readonly dataDir: string,
    private readonly flags: string[],
  ) {}

  /**
   * Starts a scheduler, which ends with the test. It speaks plain text unless it is to be `secure`, for which its folder has
   * to have an authority (`secure-scheduler.ts`). It must not have logged an error by then.
   */
  static async start(
    t: Scope,
    { flags = [] as string[], dataDir = temporaryFolder(t), secure = false } = {},
  ): Promise<SchedulerProcess> {
    const address = `127.0.0.1:${await freePort()}`;
    const scheduler = new SchedulerProcess(address, dataDir, secure ? flags : ['--insecure', ...flags]);
    t.teardown(async () => {
      await scheduler.kill();
      const errors = scheduler.errors();
      if (errors.length > 0) throw new Error(`the scheduler logged errors: ${JSON.stringify(errors)}`);
    });
    await scheduler.start();
    return scheduler;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it logged as an error: a bug, in these tests. */
  errors(): LogLine[] {
    return this.log.filter(({ level }) => level >= errorLevel);
  }

  /** Waits so long until it serves: many tests start one at a time, and some on a machine that has other work. */
  async start(deadlineMs = 60_000): Promise<void> {
    const args = [program, 'run', '--listen', this.address, '--data-dir', this.dataDir, ...this.flags];
    const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'] } });
    this.#child = child;
    // A test that ends early, for whatever reason, leaves no scheduler behind.
    process.once('exit', () => child.kill('SIGKILL'));
    this.#exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
    const from = this.log.length;
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (data: string) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) this.log.push(parsed(line));
      for (const hear of this.#heard.splice(0)) hear();
    });
    const ended = this.#exited.then(({ code }) => {
      throw new Error(`it ended with ${code}: ${JSON.stringify(this.log.slice(from))}`);
    });
    ended.catch(() => {});
    await within(deadlineMs, 'the scheduler serves', Promise.race([this.logged('serving', from), ended]));
  }

  /** Waits for a line of the log. */
  async logged(msg: string, from = 0): Promise<LogLine> {
    for (;;) {
      const line = this.log.slice(from).find((entry) => entry.msg === msg);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Resolves when the process that runs now has ended. */
  async gone(): Promise<void> {
    await this.#exited;
  }

  /** As the power goes. */
  async kill(): Promise<void> {
    if (this.#child === null) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
    this.#child = null;
  }

  /** As an operator does it; gives the exit status. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    const { code } = await within(45_000, 'the scheduler stops', this.#exited);
    this.#child = null;
    return code;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 100, msg: line };
  }
}

/**
 * A port that was free a moment ago. It is below those that the kernel gives to outgoing connections, or one of another
 * test could take it before it is listened on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
