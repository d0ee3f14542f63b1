/** A machine that is to become a host of a real scheduler, over TLS. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import type { Test } from 'tap';
import { parse } from 'yaml';
import { type JoinWords, runJoin as join } from '../../agent/join-command.js';
import { OperatorError } from '../../agent/operator-error.js';
import type { Api } from '../scheduler/api/client.js';
import { AgentProcess, agentProgram } from './agent-process.js';
import { until } from './until.js';

/** Not joined yet: it knows nothing of the scheduler, and where its own folders are. */
export function newHost(t: Test): AgentProcess {
  const agent = new AgentProcess({});
  const settings = parse(readFileSync(agent.configFile, 'utf8'));
  for (const key of ['host', 'site', 'insecure']) delete settings[key];
  writeFileSync(agent.configFile, JSON.stringify(settings));
  t.teardown(() => agent.dispose());
  return agent;
}

export const identityOf = (agent: AgentProcess): string => joinPath(agent.folder, 'data', 'identity');

/** `secovia-agent join`, without a process of its own: what it prints, or the sentence that it ends with. */
export async function runJoin(agent: AgentProcess, token: string, words: Partial<JoinWords> = {}) {
  try {
    const told = { rack: '', newKey: false, insecure: false, config: agent.configFile, ...words };
    return { out: await join(token, told, {}), err: '' };
  } catch (error) {
    if (error instanceof OperatorError) return { out: '', err: error.message };
    throw error;
  }
}

/** The same as a command. */
export function runCommand(agent: AgentProcess, ...args: string[]) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const words = ['join', ...args, '--config', agent.configFile];
    const child = spawn(process.execPath, [agentProgram, ...words], { env: { PATH: process.env.PATH } });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      err += text;
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

export async function newToken(api: Api, site = 'zagreb'): Promise<string> {
  return (await api.call('CreateJoinToken', { site: `sites/${site}`, ttlSeconds: 600 })).token;
}

export const hostOf = async (api: Api, host: string) =>
  (await api.call('GetHost', { name: `hosts/${host}` })).host;

export const becomes = (api: Api, host: string, state: string) =>
  until(
    `${host} is ${state}`,
    async () => (await hostOf(api, host))?.state === `HOST_STATE_${state}`,
    60_000,
  );
