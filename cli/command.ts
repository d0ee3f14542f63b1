/**
 * One command as data: its words, its help and what it does. A file in `commands/` exports one; `program.ts` makes
 * the tree of them. The placeholder of an argument or an option (`<vm>`, `<site>`) also tells completion what may
 * stand there.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from './context.js';
import { type OutputFormat, usualFormats } from './settings.js';
import { ValueError } from './values/value-error.js';

export interface CommandSpec<Options extends object> {
  /** The words and the arguments, e.g. `vm show <vm...>`. */
  usage: string;
  summary: string;
  /** More than the summary says, when there is more to say. */
  description?: string;
  examples: readonly string[];
  options?: readonly Option[];
  hidden?: boolean;
  /** What --output can be; left out means the usual ones. */
  formats?: readonly OutputFormat[];
  run(context: Context, args: string[], options: Options): Promise<void>;
}

/** A command whose options' type is known to its own file only. */
export interface CommandDefinition extends Omit<CommandSpec<object>, 'run'> {
  run(context: Context, args: string[], options: object): Promise<void>;
}

/** The typed seam: `Options` must describe what the Option objects beside it yield. */
export function defineCommand<Options extends object>(spec: CommandSpec<Options>): CommandDefinition {
  return { ...spec, run: (context, args, options) => spec.run(context, args, options as Options) };
}

const formatsOfCommands = new WeakMap<Command, readonly OutputFormat[]>();

/** Notes what --output can be, for completion. */
export function noteFormats(command: Command, formats: readonly OutputFormat[] = usualFormats): void {
  formatsOfCommands.set(command, formats);
}

/** What --output can be for a command of the tree; before there is a command, what it usually is. */
export function formatsOf(command: Command): readonly OutputFormat[] {
  return formatsOfCommands.get(command) ?? usualFormats;
}

/** An option without a value. */
export function flag(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** An option with a value, read by `parse`; what parse refuses becomes a usage failure that names the option. */
export function option(flags: string, description: string, parse?: (text: string) => unknown): Option {
  const made = new Option(flags, description);
  return parse === undefined ? made : made.argParser(explained(parse));
}

const repeatables = new WeakSet<Option>();

/** Whether an option may be given several times. */
export function isRepeatable(option: Option): boolean {
  return repeatables.has(option);
}

/** An option that may be given several times; each value is folded into the one before. After its --no- form it begins anew. */
export function folded<T>(
  flags: string,
  description: string,
  fold: (text: string, before: T | undefined) => T,
): Option {
  const made = new Option(flags, description).argParser(
    explained<T | false>((text, before) => fold(text, before === false ? undefined : before)),
  );
  repeatables.add(made);
  return made;
}

/** An option that may be given several times; the values come as a list. */
export function repeated(flags: string, description: string, parse: (text: string) => string): Option {
  return folded<string[]>(flags, description, (text, before) => [...(before ?? []), parse(text)]);
}

/** Commander types what came before as the value's own type; it is undefined at the first. */
function explained<T>(parse: (text: string, before?: T) => T): (text: string, before: T) => T {
  return (text, before) => {
    try {
      return parse(text, before);
    } catch (error) {
      if (error instanceof ValueError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
