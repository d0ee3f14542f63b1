/** The options that every command takes, from flags and environment, checked. */
import { join } from 'node:path';
import { usageFailure } from './failure.js';
import { parseServer } from './values/words.js';
import { ValueError } from './values/value-error.js';
import type { World } from './world.js';

export const outputFormats = ['table', 'csv', 'json', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Those of a command that does not say. */
export const usualFormats: readonly OutputFormat[] = ['table', 'json', 'name'];

/** How long a call is tried when --timeout does not say. */
export const callTimeoutMs = 30_000;

/** How long --wait waits when --timeout does not say. */
export const waitTimeoutMs = 600_000;

/** The global options as commander parsed them. */
export interface GlobalOptions {
  server?: string;
  identity?: string;
  insecure?: boolean;
  output: OutputFormat;
  timeout?: number;
  color: boolean;
  requestId?: string;
}

export interface Settings {
  /** `host:port`. */
  server: string;
  /** The folder of the user's credentials; null where the scheduler is to be reached without TLS. */
  identity: string | null;
  output: OutputFormat;
  /** Given by the user; undefined means the defaults above. */
  timeoutMs: number | undefined;
  colour: boolean;
  requestId: string | undefined;
  /** From SECOVIA_ADMINISTRATION. */
  administration: string | undefined;
}

export function settingsOf(options: GlobalOptions, world: World): Settings {
  return {
    ...reachOf(options, world),
    output: options.output,
    timeoutMs: options.timeout,
    colour: options.color && !world.env['NO_COLOR'] && world.env['TERM'] !== 'dumb',
    requestId: options.requestId,
    administration: world.env['SECOVIA_ADMINISTRATION'] || undefined,
  };
}

/** Which scheduler, and with which credentials. */
export function reachOf(
  { server, identity, insecure }: Pick<GlobalOptions, 'server' | 'identity' | 'insecure'>,
  world: World,
): Pick<Settings, 'server' | 'identity'> {
  const variable = world.env['SECOVIA_INSECURE'] ?? '';
  if (!['', '0', '1'].includes(variable))
    throw usageFailure(`SECOVIA_INSECURE is ${JSON.stringify(variable)}. Write 1, or leave it out.`);
  if (insecure === true && identity !== undefined)
    throw usageFailure('--identity and --insecure exclude one another: leave one of them out.');
  // Who says --identity means it, whatever the environment has.
  const withoutTls = insecure === true || (variable === '1' && identity === undefined);
  const folder = identity ?? (world.env['SECOVIA_IDENTITY'] || usualIdentity(world));
  return {
    server: server ?? serverOf(world.env['SECOVIA_SERVER']),
    identity: withoutTls ? null : folder,
  };
}

function usualIdentity({ env }: World): string {
  return join(env['HOME'] || '/', '.config', 'secovia');
}

function serverOf(variable: string | undefined): string {
  if (!variable) return '127.0.0.1:7443';
  try {
    return parseServer(variable);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw usageFailure(`SECOVIA_SERVER is ${JSON.stringify(variable)}. ${error.message}`);
  }
}
