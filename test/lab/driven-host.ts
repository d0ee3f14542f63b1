/**
 * A host of the laboratory whose agent obeys a test: a real agent, with the settings of the host and a memory of its own,
 * linked to a double of the scheduler. The laboratory's agent is down meanwhile, and is itself again afterwards.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import type { HostInventory__Output } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import { lab, until } from './laboratory.js';
import { labCommand, labDirectory } from './place.js';

const compiled = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const agentProgram = compiled('../../agent/main.js');

interface Line {
  port?: number;
  observation?: Observation__Output;
  inventory?: HostInventory__Output;
}

export class DrivenHost {
  readonly observed: Observation__Output[] = [];
  inventory: HostInventory__Output | undefined;
  readonly #folder: string;
  readonly #state: string;
  #double: ChildProcess | null = null;
  #port = 0;

  constructor(readonly name: string) {
    this.#folder = join(labDirectory, 'hosts', name);
    this.#state = join(this.#folder, 'secovia', 'agent-state.json');
  }

  async begin(): Promise<void> {
    await lab('host', this.name, 'kill-agent', '--stay-down');
    if (existsSync(this.#state)) renameSync(this.#state, `${this.#state}.kept`);
    this.#double = this.#exec(process.execPath, compiled('./double-process.js'));
    createInterface({ input: this.#double.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if (line.port !== undefined) this.#port = line.port;
      if (line.observation) this.observed.push(line.observation);
      if (line.inventory) this.inventory = line.inventory;
    });
    await until('the double listens', async () => this.#port > 0);
    this.#configure({});
    await this.startAgent('--begin-anew');
  }

  /** The host's own agent is back, with what it knew. */
  async end(): Promise<void> {
    await this.endAgent('KILL');
    this.#double?.stdin?.end();
    rmSync(this.#state, { force: true });
    if (existsSync(`${this.#state}.kept`)) renameSync(`${this.#state}.kept`, this.#state);
    await lab('host', this.name, 'start-agent');
  }

  #configure(change: Record<string, unknown>): void {
    const own = parse(readFileSync(join(this.#folder, 'agent.yaml'), 'utf8')) as Record<string, unknown>;
    const scheduler = `127.0.0.1:${this.#port}`;
    const settings = { ...own, scheduler, insecure: true, identityDir: '', checkpointKey: '', ...change };
    writeFileSync(this.#configFile, stringify(settings));
  }

  get #configFile(): string {
    return join(this.#folder, 'driven.yaml');
  }

  async startAgent(...flags: string[]): Promise<void> {
    const log = join(labDirectory, 'logs', this.name, 'driven-agent.log');
    const command = `echo $$ >"$0.pid"; exec "$@" 2>>"${log}"`;
    const run = [process.execPath, agentProgram, 'run', '--config', this.#configFile, ...flags];
    const child = this.#exec('sh', '-c', command, this.#configFile, ...run);
    child.stdout?.resume();
    await until('the agent runs', async () => existsSync(`${this.#configFile}.pid`));
  }

  async endAgent(signal: 'KILL' | 'TERM'): Promise<void> {
    const file = `${this.#configFile}.pid`;
    if (!existsSync(file)) return;
    const pid = readFileSync(file, 'utf8').trim();
    rmSync(file);
    await lab('host', this.name, 'exec', 'kill', `-${signal}`, pid);
    await until('the agent is gone', async () =>
      lab('host', this.name, 'exec', 'kill', '-0', pid).then(
        () => false,
        () => true,
      ),
    );
  }

  want(desired: Desired): void {
    this.#double?.stdin?.write(`${JSON.stringify({ want: desired })}\n`);
  }

  newest(uid: string): Observation__Output | undefined {
    return this.observed.findLast((observation) => observation.uid === uid);
  }

  /** Waits until the newest word of the agent about the VM is such. */
  says(
    what: string,
    uid: string,
    is: (observation: Observation__Output) => boolean,
  ): Promise<Observation__Output> {
    return until(`${this.name} says ${what}`, async () => {
      const newest = this.newest(uid);
      if (newest !== undefined && is(newest)) return newest;
      throw new Error(JSON.stringify(newest));
    });
  }

  status(): Promise<string> {
    return lab(
      'host',
      this.name,
      'exec',
      process.execPath,
      agentProgram,
      'status',
      '--config',
      this.#configFile,
    ).catch(({ stdout }: { stdout: string }) => stdout);
  }

  virsh(...args: string[]): Promise<string> {
    return lab('host', this.name, 'virsh', '-q', ...args);
  }

  #exec(...command: string[]): ChildProcess {
    const environment = { ...process.env, SECOVIA_LAB_DIR: labDirectory };
    const args = ['host', this.name, 'exec', ...command];
    return spawn(labCommand, args, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  }
}
