/**
 * The process of some of the simulated agents: `agent-hosts.js PORT IDENTITIES`. It starts a few at a time, and says five times a
 * second on a line of JSON (an `AgentsTally`) what has become of them.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentTransport } from './agent-transport.js';
import type { Identities } from './agents-federation.js';
import { type AgentsTally, SimulatedAgent } from './simulated-agent.js';

const tellEveryMs = 200;
/** Agents that have no lease yet. Their first connections are not what is measured. */
const startingAtATime = 32;

const port = Number(process.argv[2]);
const { authority, servername, agents } = JSON.parse(
  readFileSync(process.argv[3] ?? '', 'utf8'),
) as Identities;
const tally: AgentsTally = {
  ...{ linked: 0, leased: 0, leasedMs: 0, lapsed: 0, longestLapseMs: 0, running: 0 },
  problems: {},
};
setInterval(() => process.stdout.write(`${JSON.stringify(tally)}\n`), tellEveryMs);

for (const [index, { chain, key, ...identity }] of agents.entries()) {
  while (index - tally.leased >= startingAtATime) await pause(10);
  const context = createSecureContext({ ca: authority, cert: chain, key, minVersion: 'TLSv1.3' });
  new SimulatedAgent(identity, new AgentTransport(port, context, servername), tally).start();
}
