/** The processes of simulated agents, as the benchmark sees them: what they say is added up. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { start, stop } from './processes.js';
import type { AgentsTally } from './simulated-agent.js';

const askAgainMs = 50;

export class AgentHosts {
  readonly #processes: ChildProcess[] = [];
  readonly #tallies: AgentsTally[] = [];

  private constructor() {}

  /** A process for each file of identities. */
  static async start(port: number, identities: readonly string[]): Promise<AgentHosts> {
    const hosts = new AgentHosts();
    await Promise.all(
      identities.map(async (file, index) => {
        const { process, line } = await start(
          'test/bench/agent-hosts.js',
          [String(port), file],
          'stdout',
          () => true,
        );
        hosts.#processes.push(process);
        hosts.#tallies[index] = JSON.parse(line) as AgentsTally;
        let rest = '';
        process.stdout?.on('data', (bytes: Buffer) => {
          const lines = `${rest}${bytes}`.split('\n');
          rest = lines.pop() ?? '';
          const last = lines.at(-1);
          if (last !== undefined) hosts.#tallies[index] = JSON.parse(last) as AgentsTally;
        });
      }),
    );
    return hosts;
  }

  /** Of all processes together. */
  get tally(): AgentsTally {
    return this.#tallies.reduce(together);
  }

  /** Waits until the agents are so far. */
  async until(what: string, deadlineMs: number, isSo: (tally: AgentsTally) => boolean): Promise<AgentsTally> {
    const endMs = performance.now() + deadlineMs;
    for (;;) {
      const { tally } = this;
      if (isSo(tally)) return tally;
      if (performance.now() > endMs)
        throw new Error(`not in ${deadlineMs / 1000} s: ${what}; ${JSON.stringify(tally)}`);
      await pause(askAgainMs);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(stop));
  }
}

function together(one: AgentsTally, other: AgentsTally): AgentsTally {
  const problems = { ...one.problems };
  for (const [problem, count] of Object.entries(other.problems))
    problems[problem] = (problems[problem] ?? 0) + count;
  return {
    linked: one.linked + other.linked,
    leased: one.leased + other.leased,
    leasedMs: Math.max(one.leasedMs, other.leasedMs),
    lapsed: one.lapsed + other.lapsed,
    longestLapseMs: Math.max(one.longestLapseMs, other.longestLapseMs),
    running: one.running + other.running,
    problems,
  };
}
