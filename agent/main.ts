#!/usr/bin/env node
/**
 * `secovia-agent`: run, join, status, fence-check, accept-pool. Only reads the command line; each command loads what it needs itself, so that
 * `status` starts at once and works on a machine without libvirt.
 */
import { inspect } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AgentConfig, ConfigSources } from './config.js';
import { OperatorError } from './operator-error.js';

interface CommonFlags {
  config?: string;
}

interface RunFlags extends CommonFlags {
  printConfig?: boolean;
  beginAnew?: boolean;
  imageDirectory?: string[];
  poolDirectory?: string[];
  [setting: string]: unknown;
}

interface JoinFlags extends CommonFlags {
  scheduler?: string;
  site?: string;
  host?: string;
  rack: string;
  newKey: boolean;
  insecure: boolean;
}

interface StatusFlags extends CommonFlags {
  socket?: string;
  runDir?: string;
  json: boolean;
  watch: boolean;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

const hours = (text: string): number => {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new InvalidArgumentError('must be a number of hours.');
  return value;
};

const configOption = () => new Option('--config <file>', 'settings (default: /etc/secovia/agent.yaml)');

const program = new Command('secovia-agent')
  .description('Runs the virtual machines of this host for a Secovia scheduler.')
  .showHelpAfterError('(see secovia-agent --help)')
  .showSuggestionAfterError();

program
  .command('run')
  .description('run the agent in the foreground; logs are JSON lines on stderr')
  .addOption(configOption())
  .option('--scheduler <address>', 'HOST:PORT of the scheduler')
  .option('--host <name>', "this host's name in the federation")
  .option('--site <site>', 'the site that the host is in')
  .option('--rack <rack>', 'failure domain inside the site')
  .option('--identity-dir <folder>', "the host's credentials (default: identity in the data folder)")
  .option('--insecure', 'without TLS, to a scheduler on this machine that runs so')
  .option('--libvirt-uri <uri>', 'which hypervisor (default: qemu:///system)')
  .option('--data-dir <folder>', 'disks, images and state (default: /var/lib/secovia)')
  .option('--run-dir <folder>', 'the status socket (default: /run/secovia)')
  .option('--accelerator <name>', 'auto, kvm or tcg; auto tries whether KVM really works (default: auto)')
  .option('--image-directory <folder>', 'file:// images may come from here; may be repeated', collect)
  .option('--pool-directory <folder>', 'shared pools may be here; may be repeated', collect)
  .option('--trash-retention-hours <hours>', "how long deleted VMs' disks are kept (default: 24)", hours)
  .option('--metrics-listen <address>', 'serve /metrics, /healthz and /readyz there (default: nowhere)')
  .option('--log-level <level>', 'trace, debug, info, warn or error (default: info)')
  .option('--begin-anew', 'start although the state file is lost, and learn all from the scheduler')
  .option('--print-config', 'print the settings as they are after file, environment and flags, and exit')
  .action(async (flags: RunFlags) => {
    const { config: file, printConfig: print, beginAnew, imageDirectory, poolDirectory, ...settings } = flags;
    const { loadConfig, printConfig } = await import('./config.js');
    const sources: ConfigSources = {
      file,
      environment: process.env,
      flags: { ...settings, imageDirectories: imageDirectory, poolDirectories: poolDirectory },
    };
    const config: AgentConfig = loadConfig(sources);
    if (print === true) {
      process.stdout.write(printConfig(config));
      return;
    }
    const { runAgent } = await import('./daemon.js');
    await runAgent({ config, beginAnew: beginAnew === true });
    // Calls that hang, in libvirt or in a pool, must not keep a stopped agent alive.
    const { endProcess } = await import('./ending.js');
    await endProcess();
  });

program
  .command('join')
  .description('make this host known to a federation with a token, and write certificate and settings')
  .argument('[token]', 'what secovia token create has printed')
  .option('--host <name>', "the name that the host shall have (default: the machine's)")
  .option('--rack <rack>', 'failure domain inside the site', '')
  .option('--scheduler <address>', 'HOST:PORT of the scheduler (default: as the token says)')
  .option(
    '--new-key',
    'with another key than this host has: after a revocation, or when the key was lost',
    false,
  )
  .option(
    '--insecure',
    'without token and TLS, to a scheduler on this machine; needs --scheduler and --site',
    false,
  )
  .option('--site <site>', 'the site that the host is in; of a token it is known')
  .addOption(configOption())
  .action(async (token: string | undefined, flags: JoinFlags) => {
    const { runJoin } = await import('./join-command.js');
    process.stdout.write(`${await runJoin(token, flags, process.env)}\n`);
  });

program
  .command('status')
  .description('what the running agent sees; exit status 0 healthy, 1 degraded, 2 down')
  .option('--json', 'one JSON document', false)
  .option('--watch', 'again every second, until Ctrl-C', false)
  .addOption(configOption())
  .option('--run-dir <folder>', 'the folder of the status socket (default: from the settings)')
  .option('--socket <path>', 'the status socket itself')
  .action(async (flags: StatusFlags) => {
    const { runStatus } = await import('./status/command.js');
    const { findSocket } = await import('./status/socket.js');
    const socket = findSocket(flags, process.env);
    process.exitCode = await runStatus({ socket, json: flags.json, watch: flags.watch });
  });

program
  .command('fence-check')
  .description(
    'ask the management controllers of the settings for their GUID and power, changing nothing; exit status 0 when all of them answer',
  )
  .argument('[host]', 'that one alone (default: all)')
  .addOption(configOption())
  .action(async (host: string | undefined, flags: CommonFlags) => {
    const { loadPartialConfig } = await import('./config.js');
    const { checkFencing } = await import('./fencing/check-command.js');
    const config = loadPartialConfig({ file: flags.config, environment: process.env, flags: {} });
    const { text, good } = await checkFencing({
      host: config.host ?? '',
      fencing: config.fencing,
      only: host,
    });
    process.stdout.write(text);
    process.exitCode = good ? 0 : 1;
  });

program
  .command('accept-pool')
  .description(
    'use a shared pool where it is now, although it was on another file system before; the running agent goes on with it by itself',
  )
  .argument('<folder>', "the pool's folder, as in secovia pool list")
  .addOption(configOption())
  .action(async (folder: string, flags: CommonFlags) => {
    const { loadPartialConfig } = await import('./config.js');
    const { acceptPool } = await import('./accept-pool.js');
    const config = loadPartialConfig({ file: flags.config, environment: process.env, flags: {} });
    process.stdout.write(`${await acceptPool(folder, config)}\n`);
  });

program.parseAsync().catch((error: unknown) => {
  const text = error instanceof OperatorError ? error.message : inspect(error);
  process.stderr.write(`secovia-agent: ${text}\n`);
  process.exit(1);
});
