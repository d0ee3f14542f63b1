/** The scheduler's configuration: a YAML file, then the environment, then flags; each may leave things out. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parse } from 'yaml';
import { z } from 'zod';
import { endpointOf, isLoopback, isTrustworthyUrl } from '../proto/loopback.js';
import { usualOperationLimitMs } from './core/decide-operation.js';
import { strategyNames } from './core/placement/scorers/index.js';

const endpoint = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;

function isEndpoint(text: string): boolean {
  const port = endpoint.exec(text)?.[1];
  return port !== undefined && Number(port) < 65_536;
}

/** The form of a federation's name. */
export const federationName = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const configSchema = z.strictObject({
  listen: z
    .string()
    .refine(isEndpoint, 'must be ADDRESS:PORT, for example 127.0.0.1:7443')
    .default('127.0.0.1:7443')
    .describe('where the gRPC interface listens'),
  advertise: z
    .array(
      z
        .string()
        .refine(
          isEndpoint,
          'must be ADDRESS:PORT, for example scheduler.example.org:7443; commas between several',
        ),
    )
    .max(8, 'must be at most 8')
    .default([])
    .describe(
      'addresses under which hosts reach it, for join tokens, separated by commas; default as listen',
    ),
  insecure: z
    .boolean()
    .default(false)
    .describe('without TLS, and whoever reaches it may do everything: on a loopback address only'),
  metricsListen: z
    .string()
    .refine((text) => text === '' || isEndpoint(text), 'must be ADDRESS:PORT, for example 127.0.0.1:7444')
    .default('')
    .describe(
      'where /metrics, /healthz and /readyz are served over plain HTTP, for example 127.0.0.1:7444; empty for nowhere',
    ),
  dataDir: z.string().min(1).default('/var/lib/secovia-scheduler').describe('where the journal is kept'),
  federation: z
    .string()
    .regex(federationName, 'must be lower-case letters, digits and hyphens')
    .optional()
    .describe('the federation’s name; left out it is as it was, and at first secovia'),
  leaseMs: z
    .number()
    .int()
    .min(1000, 'must be at least 1000')
    .max(600_000, 'must be at most 600000')
    .default(10_000)
    .describe('how long a host may act on its own without a word from the scheduler, in milliseconds'),
  operationLimitMs: z
    .number()
    .int()
    .min(60_000, 'must be at least 60000')
    .max(30 * 24 * 3600_000, 'must be at most 2592000000')
    .default(usualOperationLimitMs)
    .describe(
      'how long an operation may take before it ends as failed, in milliseconds; the order itself stands, and is carried out when the host can',
    ),
  callsPerSecond: z
    .number()
    .int()
    .min(1, 'must be at least 1')
    .max(1_000_000, 'must be at most 1000000')
    .default(5000)
    .describe('calls a second that one caller may make; each 4 KiB of a message count as one more'),
  hostCertificateMs: z
    .number()
    .int()
    .min(10_000, 'must be at least 10000')
    .max(366 * 24 * 3600_000, 'must be at most 31622400000')
    .default(7 * 24 * 3600_000)
    .describe(
      'how long certificates of hosts are good, which renew them at two thirds of it, in milliseconds',
    ),
  oidcIssuer: z
    .string()
    .refine((text) => text === '' || isTrustworthyUrl(text), 'must be an https URL')
    .default('')
    .describe('the OpenID Connect issuer of the tokens that portals bring for their users; empty for none'),
  oidcAudience: z.string().min(1).default('secovia').describe('the audience that those tokens must be for'),
  oidcKeys: z
    .string()
    .refine(
      (text) => text === '' || text.startsWith('/') || isTrustworthyUrl(text),
      'must be an absolute path or an https URL',
    )
    .default('')
    .describe('where the issuer’s keys (JWKS) are, a file or an https URL; default: the issuer is asked'),
  oidcClaim: z
    .string()
    .min(1)
    .default('secovia_administrations')
    .describe('the claim that lists in which administrations a user may act, each ID or ID:administrator'),
  oidcClockSkewS: z
    .number()
    .int()
    .min(0, 'must be at least 0')
    .max(600, 'must be at most 600')
    .default(60)
    .describe('by how much the issuer’s clock may differ, in seconds'),
  strategy: z
    .enum(strategyNames)
    .default('pack')
    .describe('how placement chooses: pack fills hosts up, spread and balance keep them even'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
});

export type Config = z.infer<typeof configSchema>;
export type ConfigKey = keyof Config;

export class ConfigError extends Error {}

/** Where hosts are told to look for the scheduler; an address that means every address is no address to go to. */
export function advertised({ advertise, listen }: Config): readonly string[] {
  if (advertise.length > 0) return advertise;
  const { host, port } = endpointOf(listen);
  return ['0.0.0.0', '::'].includes(host) ? [`${hostname()}:${port}`] : [listen];
}

/** `SECOVIA_SCHEDULER_DATA_DIR` for `dataDir`, and so on. */
export function environmentName(key: string): string {
  return `SECOVIA_SCHEDULER_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * @throws ConfigError with one sentence for each fault, and where it came from.
 */
export function loadConfig(
  file: string | undefined,
  environment: Record<string, string | undefined>,
  flags: Partial<Record<ConfigKey, string | boolean>>,
): Config {
  const merged: Record<string, unknown> = file === undefined ? {} : readYaml(file);
  const origin = new Map<string, string>(Object.keys(merged).map((key) => [key, `${file}: ${key}`]));
  const set = (key: string, value: string | boolean, from: string) => {
    merged[key] = typeof value === 'string' ? valueIn(key, value) : value;
    origin.set(key, from);
  };
  for (const key of Object.keys(configSchema.shape)) {
    const written = merged[key];
    if (typeof written === 'string') merged[key] = valueIn(key, written);
    const name = environmentName(key);
    const value = environment[name];
    if (value !== undefined && value !== '') set(key, value, name);
    const flag = flags[key as ConfigKey];
    if (flag !== undefined)
      set(key, flag, `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  }
  const result = configSchema.safeParse(merged);
  if (result.success) {
    const { insecure, listen } = result.data;
    if (!insecure || isLoopback(endpointOf(listen).host)) return result.data;
    throw new ConfigError(
      `${origin.get('insecure')}: works on a loopback address only, and listen is ${listen}; listen on 127.0.0.1, or leave it out and found a federation with secovia-scheduler init`,
    );
  }
  const sentences = result.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(configSchema.shape).join(', ');
      return `${file ?? 'the configuration'}: ${issue.keys.join(', ')} is not known; known are ${known}`;
    }
    const key = String(issue.path[0] ?? '');
    return `${origin.get(key) ?? key}: ${issue.message}`;
  });
  throw new ConfigError(sentences.join('\n'));
}

/** What a word of the environment or of the command line stands for; one that cannot be right stays as it is. */
function valueIn(key: string, text: string): unknown {
  const isNumber = [
    'leaseMs',
    'operationLimitMs',
    'hostCertificateMs',
    'callsPerSecond',
    'oidcClockSkewS',
  ].includes(key);
  if (isNumber) return /^\d+$/.test(text) ? Number(text) : text;
  if (key === 'advertise') return text.split(',').map((part) => part.trim());
  if (key === 'insecure') return { '1': true, true: true, '0': false, false: false }[text] ?? text;
  return text;
}

function readYaml(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`cannot read ${file}: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ConfigError(`${file} is not YAML: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(`${file} must hold keys and values`);
  return value as Record<string, unknown>;
}
