/**
 * One run of the CLI, from words to an exit code. Everything that can go wrong ends here as one sentence on stderr:
 * wrong words from commander, failures from commands, and what nobody expected.
 */
import { CommanderError } from 'commander';
import { Context } from './context.js';
import { type ExitCode, exitCodes, Failure, usageFailure } from './failure.js';
import { harmless } from './output/harmless.js';
import { Sink } from './output/sink.js';
import { buildProgram } from './program.js';
import { settingsOf, usualFormats } from './settings.js';
import type { World } from './world.js';
import { ValueError } from './values/value-error.js';

/** Runs `secovia ARGS` and gives its exit code. Never throws. */
export async function runCli(args: readonly string[], world: World): Promise<ExitCode> {
  const out = new Sink(world.stdout);
  const errors = new Sink(world.stderr);
  const open: Context[] = [];
  const program = await buildProgram(
    args,
    async (definition, words, options, globals) => {
      const { formats = usualFormats } = definition;
      if (!formats.includes(globals.output)) {
        throw usageFailure(`this command has no --output ${globals.output}: say ${formats.join(', ')}.`);
      }
      const context = new Context(world, settingsOf(globals, world), out, errors);
      open.push(context);
      await definition.run(context, words, options);
    },
    {
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void errors.write(text),
      outputError: (text, write) => write(usageSentence(text)),
      getOutHelpWidth: () => Math.min(world.stdout.columns || 80, 110),
      getErrHelpWidth: () => Math.min(world.stderr.columns || 80, 110),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    },
  );
  const exitCode = await ending(async () => void (await program.parseAsync(args, { from: 'user' })), errors);
  for (const context of open) context.close();
  // Also after help and version, which end as an exception.
  const written = await ending(() => out.finish(), errors);
  return exitCode === exitCodes.ok ? written : exitCode;
}

async function ending(work: () => Promise<void>, errors: Sink): Promise<ExitCode> {
  try {
    await work();
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      return exitCodes.usage;
    }
    if (error instanceof Failure) {
      // What was read from a file or said by others may be in it; who has made it harmless already loses nothing.
      await errors.write(`secovia: ${[error.message, ...error.lines].map(harmless).join('\n')}\n`);
      return error.exitCode;
    }
    if (error instanceof ValueError) {
      await errors.write(`secovia: ${harmless(error.message)}\n`);
      return exitCodes.usage;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    await errors.write(
      `secovia: unexpected failure, please report it: ${text.split('\n').map(harmless).join('\n')}\n`,
    );
    return exitCodes.unexpected;
  }
}

/** Commander's `error: unknown command 'lst'\n(Did you mean list?)` as one sentence. */
function usageSentence(text: string): string {
  const [first = '', ...rest] = text
    .trim()
    .replace(/^error: /, '')
    .split('\n');
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  const sentence = /[.?!]$/.test(first) ? first : `${first}.`;
  return `secovia: ${[sentence, hint].filter(Boolean).map(harmless).join(' ')}\n`;
}
