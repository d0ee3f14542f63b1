/** What `secovia-agent join` was told: read, checked before anybody is called, and handed on. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { identityFolder, loadPartialConfig, requireLoopback } from './config.js';
import { configPath, configVariable } from './config-path.js';
import { IdentityFolder } from './enrolment/identity-folder.js';
import { JoinError, join, joinInsecurely } from './join.js';
import { SettingsDocument } from './settings-document.js';

export interface JoinWords {
  config?: string;
  scheduler?: string;
  site?: string;
  host?: string;
  rack: string;
  newKey: boolean;
  insecure: boolean;
}

/** Returns the sentence to print. @throws OperatorError */
export async function runJoin(
  token: string | undefined,
  words: JoinWords,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const { rack, scheduler, site, insecure, newKey, host = hostname().toLowerCase() } = words;
  const { path } = configPath({ file: words.config, environment });
  // Says what is wrong with the flags before anybody is called.
  loadPartialConfig({ file: undefined, environment: {}, flags: { scheduler, site, host, rack } });
  const settings = new SettingsDocument(path);
  if (insecure) {
    if (token !== undefined) throw new JoinError('a token is for a scheduler with TLS: leave out --insecure');
    if (scheduler === undefined || site === undefined)
      throw new JoinError('--insecure needs --scheduler HOST:PORT and --site SITE');
    requireLoopback(scheduler);
    return joinInsecurely({ scheduler, site, host, rack }, settings);
  }
  if (token === undefined) {
    throw new JoinError(
      'a join token is needed: an operator makes one with secovia token create --site SITE, and it is the word after secovia-agent join',
    );
  }
  if (site !== undefined) throw new JoinError('the token says which site this host is in: leave out --site');
  // The environment and the file say where the identity is kept, as they do for the agent itself.
  const { [configVariable]: _named, ...rest } = environment;
  const file = existsSync(path) ? path : undefined;
  const config = loadPartialConfig({ file, environment: rest, flags: {} });
  const folder = new IdentityFolder(identityFolder(config));
  return join({ token, host, rack, scheduler, newKey }, folder, settings, Date.now());
}
