/**
 * Where the status socket is, found without loading the whole configuration: `status` has to start at once, and to
 * work for somebody who only knows the folder.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { configPath, defaultRunDir } from '../config-path.js';
import { OperatorError } from '../operator-error.js';

export interface SocketFlags {
  socket?: string;
  runDir?: string;
  config?: string;
}

export function findSocket(flags: SocketFlags, environment: NodeJS.ProcessEnv): string {
  if (flags.socket !== undefined) return flags.socket;
  return join(
    flags.runDir ?? environment.SECOVIA_AGENT_RUN_DIR ?? configuredRunDir(flags, environment),
    'agent.sock',
  );
}

function configuredRunDir({ config }: SocketFlags, environment: NodeJS.ProcessEnv): string {
  const { path, named } = configPath({ file: config, environment });
  let settings: unknown;
  try {
    settings = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !named) return defaultRunDir;
    throw new OperatorError(`the configuration cannot be read: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof settings !== 'object' || settings === null || !('runDir' in settings)) return defaultRunDir;
  return typeof settings.runDir === 'string' ? settings.runDir : defaultRunDir;
}
