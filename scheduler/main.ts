#!/usr/bin/env node
/** `secovia-scheduler`: puts the parts together and runs them until it is told to stop. */
import { Command } from 'commander';
import { stringify } from 'yaml';
import { addBackupCommands } from './backup/command.js';
import { addAdministratorCommand, addInitCommand } from './founding/command.js';
import { addReplayCommand } from './replay/command.js';
import { addSimulateCommand } from './simulate/command.js';
import { packageVersion } from './version.js';
import { ConfigError, type ConfigKey, configSchema, environmentName, loadConfig } from './config.js';

/** Errors whose message is all that an operator needs. */
const explained = new Set(['StoreError', 'AuthorityError']);

const program = new Command('secovia-scheduler')
  .description('The central scheduler of a Secovia federation.')
  .version(packageVersion())
  .showHelpAfterError()
  .showSuggestionAfterError()
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  });

const run = program
  .command('run')
  .description('run the scheduler until SIGTERM or SIGINT')
  .option('--config <file>', 'YAML file with the settings below')
  .option('--print-config', 'print the settings as they would be used, and exit');

for (const [key, schema] of Object.entries(configSchema.shape)) {
  const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const initial = configSchema.parse({})[key as ConfigKey];
  const facts = [environmentName(key)];
  if (typeof initial === 'string' || typeof initial === 'number') facts.push(`default ${initial}`);
  run.option(
    initial === false ? `--${flag}` : `--${flag} <value>`,
    `${schema.description ?? ''} (${facts.join('; ')})`.trim(),
  );
}

run.addHelpText(
  'after',
  `
A flag wins over the environment, and the environment over the file.
Exit status: 0 stopped as told, 1 cannot start, 2 wrong usage, 70 decisions could not be kept and nothing more was acknowledged.`,
);

run.action(async (options: Record<string, string | boolean | undefined>) => {
  const { config: file, printConfig, ...flags } = options;
  try {
    const config = loadConfig(
      file as string | undefined,
      process.env,
      flags as Partial<Record<ConfigKey, string | boolean>>,
    );
    if (printConfig) {
      process.stdout.write(stringify(config));
      return;
    }
    const { runScheduler } = await import('./scheduler.js');
    await runScheduler(config);
    // Everything is durable and closed. Connections of watches that nobody ends would keep the process for ever.
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError) && !explained.has((error as Error).name)) throw error;
    process.stderr.write(`secovia-scheduler: ${(error as Error).message}\n`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
});

addInitCommand(program);
addAdministratorCommand(program);
addBackupCommands(program);

addReplayCommand(program);
addSimulateCommand(program);

await program.parseAsync();
