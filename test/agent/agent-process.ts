/** The agent as a process of its own, for tests: started, watched through its log lines, killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const agentProgram = fileURLToPath(new URL('../../agent/main.js', import.meta.url));

export interface LogLine {
  event?: string;
  uid?: string;
  term?: number;
  msg?: string;
}

export class AgentProcess {
  readonly folder: string;
  readonly configFile: string;
  /** All lines of all its lives. */
  readonly log: LogLine[] = [];
  stderr = '';
  #child: ChildProcess | null = null;
  readonly #settings: Record<string, unknown>;

  constructor(settings: Record<string, unknown>) {
    this.folder = mkdtempSync(join(tmpdir(), 'secovia-agent-'));
    this.configFile = join(this.folder, 'agent.yaml');
    mkdirSync(join(this.folder, 'images'));
    this.#settings = {
      host: 'h1',
      site: 's1',
      insecure: true,
      libvirtUri: `fake://${join(this.folder, 'host')}`,
      dataDir: join(this.folder, 'data'),
      runDir: join(this.folder, 'run'),
      imageDirectories: [join(this.folder, 'images')],
      ...settings,
    };
    this.configure({});
  }

  configure(change: Record<string, unknown>): void {
    Object.assign(this.#settings, change);
    writeFileSync(this.configFile, JSON.stringify(this.#settings));
  }

  get imageFolder(): string {
    return join(this.folder, 'images');
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(...flags: string[]): void {
    const args = [agentProgram, 'run', '--config', this.configFile, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    let rest = '';
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => {
      this.stderr += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Waits for the end of the process; null when it was killed. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited();
  }

  /** Ends it and takes its folder away. */
  async dispose(): Promise<void> {
    if (this.running) {
      this.signal('SIGCONT');
      await this.kill();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  status(...flags: string[]): { code: number | null; stdout: string; ms: number } {
    const begun = Date.now();
    const args = [agentProgram, 'status', '--config', this.configFile, ...flags];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 45_000 });
    return { code: status, stdout, ms: Date.now() - begun };
  }
}
