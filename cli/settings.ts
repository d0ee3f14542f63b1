/** The options that every command takes, from flags and environment, checked. */
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
  output: OutputFormat;
  timeout?: number;
  color: boolean;
  requestId?: string;
}

export interface Settings {
  /** `host:port`. */
  server: string;
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
    server: options.server ?? serverOf(world.env['SECOVIA_SERVER']),
    output: options.output,
    timeoutMs: options.timeout,
    colour: options.color && !world.env['NO_COLOR'] && world.env['TERM'] !== 'dumb',
    requestId: options.requestId,
    administration: world.env['SECOVIA_ADMINISTRATION'] || undefined,
  };
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
