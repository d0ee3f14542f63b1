/**
 * The agent's settings: a YAML file, then SECOVIA_AGENT_* of the environment, then flags, later ones winning. What
 * is wrong is told in one sentence that names the place it came from.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml, stringify } from 'yaml';
import { z } from 'zod';
import { configPath, configVariable, defaultRunDir, environmentPrefix } from './config-path.js';
import { endpointOf, isLoopback } from '../proto/loopback.js';
import { commandSetting, fencingSetting } from './fencing/settings.js';
import { extraName } from './hypervisor/hypervisor.js';
import { pciAddress } from './inventory/extras.js';
import { migrationSetting } from './migration-settings.js';
import { OperatorError } from './operator-error.js';
import { watchdogSetting } from './watchdog/settings.js';

export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError';
}

const hostName = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const resourceId = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/;

const folder = z.string().startsWith('/', 'must be an absolute path');
const amount = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const amounts = z.strictObject({
  vcpus: amount.optional(),
  memoryMib: amount.optional(),
  diskMib: amount.optional(),
});

const mostOfStock = 1_000_000;
const stockWords = 'must be a number above 0, or a list of PCI addresses such as 0000:3b:00.0';
const distinct = (values: string[]): boolean => new Set(values).size === values.length;

const schema = z.strictObject({
  scheduler: z.string().regex(address, 'must be HOST:PORT'),
  host: z.string().regex(hostName, 'must be lower-case letters, digits, dots and hyphens, at most 63'),
  site: z
    .string()
    .regex(resourceId, 'must be lower-case letters, digits and hyphens, starting with a letter'),
  rack: z.string().max(63).default(''),
  federation: z.string().default(''),
  /** The federation's Ed25519 key, SPKI DER, base64: checkpoints are verified with it. */
  checkpointKey: z.base64('must be base64').default(''),
  /** Credentials of the host; empty means `identity` in `dataDir`. */
  identityDir: z.union([z.literal(''), folder], 'must be an absolute path').default(''),
  /** Without TLS: to a scheduler on this machine alone. */
  insecure: z.boolean('must be true or false').default(false),
  libvirtUri: z.string().min(1).default('qemu:///system'),
  dataDir: folder.default('/var/lib/secovia'),
  runDir: folder.default(defaultRunDir),
  accelerator: z.enum(['auto', 'kvm', 'tcg'], 'must be auto, kvm or tcg').default('auto'),
  imageDirectories: z.array(folder).default([]),
  /** Shared pools may be mounted in these folders, or be one of them. */
  poolDirectories: z.array(folder).default([]),
  /** What may be given to guests, by name: the addresses of PCI devices, or how many there are of what has none. */
  extras: z
    .record(
      z.string(),
      z.union(
        [
          z.int(stockWords).min(1, stockWords).max(mostOfStock, stockWords),
          z.array(z.string().regex(pciAddress, stockWords)).min(1, stockWords),
        ],
        stockWords,
      ),
    )
    .refine(
      (extras) => Object.keys(extras).every((name) => extraName.test(name)),
      'must be named like gpu:a30',
    )
    .refine(
      (extras) => distinct(Object.values(extras).flatMap((what) => (typeof what === 'number' ? [] : what))),
      'names a PCI address twice',
    )
    .default({}),
  /** Whom this host can power off by their management controllers, when they are lost. */
  fencing: fencingSetting.default({}),
  /** Prints the GUID of this machine's own management controller, where `ipmitool mc guid` cannot; empty where it can. */
  controllerGuidCommand: commandSetting.default([]),
  /** Resets this machine when VMs that stop with its lease outlive it; null for none. */
  watchdog: watchdogSetting,
  /** How running VMs come to this host and leave it. */
  migration: migrationSetting,
  reserved: amounts.default({}),
  capacity: amounts.default({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'is not a log level').default('info'),
  /** Where /metrics, /healthz and /readyz are served over plain HTTP; empty for nowhere. */
  metricsListen: z
    .union([
      z.literal(''),
      z.string().regex(address, 'must be ADDRESS:PORT, for example 127.0.0.1:7445, or empty'),
    ])
    .default(''),
  trashRetentionHours: z.number().min(0).max(8_760).default(24),
});

export type AgentConfig = z.infer<typeof schema>;

export const identityFolder = (config: { identityDir: string; dataDir: string }): string =>
  config.identityDir || join(config.dataDir, 'identity');

type Raw = Record<string, unknown>;

/** Settings that `status` and `join` need before anybody joined anything. */
const lenient = schema.extend({
  scheduler: schema.shape.scheduler.optional(),
  host: schema.shape.host.optional(),
  site: schema.shape.site.optional(),
});
export type PartialConfig = z.infer<typeof lenient>;

export const socketPath = (config: { runDir: string }): string => join(config.runDir, 'agent.sock');

const screaming = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Each variable with the path of its setting, and how its text is read. */
const variables = new Map<string, { path: string[]; read: (text: string) => unknown }>();
const asNumber = (text: string): unknown => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
/** As in the file; what cannot be read stays text, and is refused as such. */
const asYaml = (text: string): unknown => {
  try {
    return parseYaml(text);
  } catch {
    return text;
  }
};
const asYamlKeys = new Set([
  'extras',
  'insecure',
  'fencing',
  'controllerGuidCommand',
  'migration',
  'watchdog',
]);
for (const key of Object.keys(schema.shape)) {
  const nested = key === 'reserved' || key === 'capacity';
  const paths = nested ? Object.keys(amounts.shape).map((inner) => [key, inner]) : [[key]];
  for (const path of paths) {
    const read = (text: string): unknown => {
      if (key === 'imageDirectories' || key === 'poolDirectories')
        return text.split(':').filter((part) => part !== '');
      if (asYamlKeys.has(key)) return asYaml(text);
      return nested || key === 'trashRetentionHours' ? asNumber(text) : text;
    };
    variables.set(environmentPrefix + path.map(screaming).join('_'), { path, read });
  }
}

export interface ConfigSources {
  /** From --config; else SECOVIA_AGENT_CONFIG, else the default path, which may be missing. */
  file: string | undefined;
  environment: NodeJS.ProcessEnv;
  /** Settings by their names; undefined ones are not given. */
  flags: Raw;
}

export function loadConfig(sources: ConfigSources): AgentConfig {
  const config = check(schema, merged(sources));
  if (config.insecure) requireLoopback(config.scheduler);
  return config;
}

/** @throws ConfigError for an address that others could listen on. */
export function requireLoopback(scheduler: string): void {
  if (isLoopback(endpointOf(scheduler).host)) return;
  throw new ConfigError(
    `without TLS an agent speaks to a scheduler on its own machine only, and ${scheduler} is elsewhere: join it with a token`,
  );
}

/** Like `loadConfig`, for commands that run before the host has joined. */
export function loadPartialConfig(sources: ConfigSources): PartialConfig {
  return check(lenient, merged(sources));
}

export function printConfig(config: AgentConfig): string {
  return stringify(config);
}

function merged(sources: ConfigSources): { values: Raw; origins: Map<string, string> } {
  const values: Raw = {};
  const origins = new Map<string, string>();
  const put = (path: string[], value: unknown, origin: string) => {
    origins.set(path.join('.'), origin);
    const [outer = '', inner] = path;
    if (inner === undefined) values[outer] = value;
    else values[outer] = { ...((values[outer] as Raw | undefined) ?? {}), [inner]: value };
  };
  const { path, named } = configPath(sources);
  for (const [key, value] of Object.entries(readFile(path, named))) put([key], value, path);
  for (const [name, text] of Object.entries(sources.environment)) {
    if (!name.startsWith(environmentPrefix) || name === configVariable || text === undefined) continue;
    const variable = variables.get(name);
    if (variable === undefined)
      throw new ConfigError(`${name} in the environment is not a setting of the agent`);
    put(variable.path, variable.read(text), name);
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined)
      put([key], value, `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  }
  return { values, origins };
}

function readFile(path: string, named: boolean): Raw {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !named) return {};
    throw new ConfigError(`the configuration cannot be read: ${message}`);
  }
  let content: unknown;
  try {
    content = parseYaml(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${path} is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError(`${path} does not hold settings: write lines like "host: h1"`);
  }
  return content as Raw;
}

function check<S extends z.ZodType>(
  shape: S,
  { values, origins }: { values: Raw; origins: Map<string, string> },
): z.infer<S> {
  const result = shape.safeParse(values);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map(String);
  const origin = origins.get(path.join('.')) ?? origins.get(path[0] ?? '');
  if (issue?.code === 'unrecognized_keys') {
    const key = [...path, issue.keys[0] ?? ''].join('.');
    const from = origins.get(key) ?? origins.get(path[0] ?? '') ?? 'the configuration';
    throw new ConfigError(`${key} in ${from} is not a setting of the agent`);
  }
  if (origin === undefined && path.length > 0) {
    throw new ConfigError(
      `${path.join('.')} is not set: run secovia-agent join first, or set it in the configuration`,
    );
  }
  throw new ConfigError(
    `${path.join('.')} in ${origin ?? 'the configuration'}: ${issue?.message ?? 'is wrong'}`,
  );
}
