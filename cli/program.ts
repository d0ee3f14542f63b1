/** The command tree: every definition of `commands/` hung where its words say, with the global options and the help. */
import { Command, Option, type OutputConfiguration } from 'commander';
import { type CommandDefinition, isRepeatable, noteFormats, option } from './command.js';
import { type Group, groups, singleCommands } from './commands/index.js';
import { exitCodeTable } from './failure.js';
import { type GlobalOptions, outputFormats } from './settings.js';
import { parseDurationMs } from './values/durations.js';
import { parseServer, parseUuid } from './values/words.js';
import { packageVersion } from './version.js';

export type Runner = (
  definition: CommandDefinition,
  args: string[],
  options: object,
  globals: GlobalOptions,
) => Promise<void>;

/** The tree as far as `words` can lead into it: only the groups that are among them have their verbs. */
export async function buildProgram(
  words: readonly string[],
  run: Runner,
  output: OutputConfiguration = {},
): Promise<Command> {
  const program = new Command('secovia')
    .description('Place and run virtual machines across the data centres of a federation.')
    .version(`secovia ${packageVersion()}`, '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .usage('COMMAND [options]')
    .configureHelp(helpStyle)
    .configureOutput(output)
    .showHelpAfterError('See: secovia --help')
    .exitOverride();
  for (const globalOption of globalOptions()) program.addOption(globalOption);
  program.addHelpText('after', rootHelp);
  for (const group of groups) await addGroup(program, group, words, run);
  for (const definition of singleCommands) addCommand(program, definition, run);
  return program;
}

async function addGroup(
  program: Command,
  { word, summary, load }: Group,
  words: readonly string[],
  run: Runner,
): Promise<void> {
  const group = program
    .command(word)
    .summary(summary)
    .description(`${summary}.`)
    .usage('COMMAND [options]')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showHelpAfterError(`See: secovia ${word} --help`)
    .addHelpText('after', `\nTry:\n  secovia ${word} COMMAND --help\n`);
  if (!words.includes(word)) return;
  for (const definition of await load()) addCommand(group, definition, run);
}

function globalOptions(): Option[] {
  return [
    option('--server <address>', 'the scheduler (env SECOVIA_SERVER, default 127.0.0.1:7443)', parseServer),
    option(
      '--identity <directory>',
      'the credentials to call with (env SECOVIA_IDENTITY, default ~/.config/secovia)',
    ),
    new Option('--insecure', 'without TLS and credentials: for a scheduler on this machine that runs so'),
    new Option('-o, --output <format>', 'for people, spreadsheets (some commands), programs, or names alone')
      .choices(outputFormats)
      .default('table'),
    option(
      '--timeout <duration>',
      'how long to try, and to wait with --wait (default 30s, waiting 10m)',
      parseDurationMs,
    ),
    option('--request-id <uuid>', 'of a change: repeating it with the same id does it once', parseUuid),
    new Option('--no-color', 'no colours, as with NO_COLOR'),
  ];
}

/** Hangs a command below the program or a group: its usage begins with the parent's words. */
function addCommand(parent: Command, definition: CommandDefinition, run: Runner): void {
  const words = definition.usage.split(' ');
  const verb = words.findIndex((word) => /^[<[]/.test(word));
  const path = verb < 0 ? words : words.slice(0, verb);
  const command = parent
    .command(path[path.length - 1]!, { hidden: definition.hidden ?? false })
    .summary(definition.summary)
    .description([`${definition.summary}.`, definition.description].filter(Boolean).join('\n\n'))
    .configureHelp({ ...helpStyle, showGlobalOptions: true })
    .helpOption('-h, --help', 'show help');
  noteFormats(command, definition.formats);
  if (definition.hidden !== true) command.showHelpAfterError(`See: secovia ${path.join(' ')} --help`);
  for (const argument of words.slice(path.length)) command.argument(argument);
  for (const each of definition.options ?? []) command.addOption(each);
  if (definition.examples.length > 0) {
    const title = definition.examples.length === 1 ? 'Example' : 'Examples';
    command.addHelpText('after', `\n${title}:\n${definition.examples.map((line) => `  ${line}\n`).join('')}`);
  }
  command.action(() =>
    run(definition, command.args, command.opts(), command.optsWithGlobals<GlobalOptions>()),
  );
}

const helpStyle = { subcommandTerm: termOf, optionDescription: descriptionOf, minWidthToWrap: 24 };

/** `start <vm...>`: that there are options goes without saying. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

/** With the choices and the default in words. */
function descriptionOf(option: Option): string {
  const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`;
  const notes = [
    option.mandatory ? 'required' : '',
    isRepeatable(option) ? 'repeatable' : '',
    typeof option.defaultValue === 'string' ? `default: ${option.defaultValue}` : '',
  ].filter(Boolean);
  return `${option.description}${choices}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}

function rootHelp(): string {
  const codes = exitCodeTable.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`).join('\n');
  return `
Environment:
  SECOVIA_SERVER          the scheduler, as --server
  SECOVIA_IDENTITY        the folder of credentials, as --identity
  SECOVIA_INSECURE        1 means --insecure
  SECOVIA_ADMINISTRATION  whose VMs are meant when --administration is left out
  NO_COLOR                no colours

Exit codes:
${codes}

Try:
  secovia vm create --help         every command has examples
  secovia completion bash --help   let the Tab key finish words
`;
}
