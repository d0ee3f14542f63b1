/**
 * What may come next on a half-typed command line, read off the command tree: its words, its flags, the choices of a
 * flag, and the kind of name that an argument wants. Pure but for the tree; `names.ts` asks the scheduler.
 */
import type { Argument, Command, Option } from 'commander';
import { formatsOf, isRepeatable } from '../command.js';
import { groupContinuations } from '../values/groups.js';

export interface Candidate {
  value: string;
  description: string;
}

/** What the word under the cursor can be. */
export type Completion =
  | { kind: 'words'; candidates: Candidate[] }
  | { kind: 'files' }
  /** The name of something the scheduler knows, e.g. `vm`. */
  | { kind: 'names'; of: string; prefix: string; current: string; said: SaidOptions };

/** Flags that stand earlier on the line and matter for asking the scheduler; those without a value have an empty one. */
export type SaidOptions = Record<string, string>;

const fileKinds = new Set(['path', 'directory']);
const fixedWords: Record<string, string[]> = { shell: ['bash', 'zsh', 'fish'] };

/** `words` is the line without the program's own name; the last word is the one under the cursor, maybe empty. */
export function complete(program: Command, words: readonly string[]): Completion {
  const current = words[words.length - 1] ?? '';
  const before = words.slice(0, -1);
  const walk = walkLine(program, before);
  const options = [...walk.command.options, ...(walk.command === program ? [] : program.options)].filter(
    (option) => !option.hidden,
  );
  if (walk.open !== undefined) return completeValue(walk.open, '', current, walk);
  if (walk.flagsOver) return completeArgument(walk, current);
  const assigned = /^(--[^=]+)=(.*)$/s.exec(current);
  if (assigned !== null) {
    const option = options.find(({ long }) => long === assigned[1]);
    if (option === undefined || !takesValue(option)) return { kind: 'words', candidates: [] };
    return completeValue(option, `${assigned[1]}=`, assigned[2]!, walk);
  }
  if (current.startsWith('-')) return { kind: 'words', candidates: flagsFor(options, walk, current) };
  const subcommands = visibleSubcommands(walk.command);
  if (subcommands.length > 0) {
    const candidates = subcommands.map((each) => ({ value: each.name(), description: each.summary() }));
    return { kind: 'words', candidates: startingWith(candidates, current) };
  }
  return completeArgument(walk, current);
}

interface Walk {
  command: Command;
  /** Arguments before the cursor. */
  argumentCount: number;
  /** The flag whose value is under the cursor. */
  open: Option | undefined;
  /** After `--`. */
  flagsOver: boolean;
  used: Set<Option>;
  said: SaidOptions;
}

function walkLine(program: Command, before: readonly string[]): Walk {
  const walk: Walk = {
    command: program,
    argumentCount: 0,
    open: undefined,
    flagsOver: false,
    used: new Set(),
    said: {},
  };
  for (const word of before) {
    if (walk.open !== undefined) {
      walk.said[walk.open.attributeName()] = word;
      walk.open = undefined;
    } else if (walk.flagsOver) walk.argumentCount++;
    else if (word === '--') walk.flagsOver = true;
    else if (word.startsWith('-') && word !== '-') takeFlag(program, walk, word);
    else {
      const next = walk.command.commands.find((each) => each.name() === word);
      if (next !== undefined && walk.argumentCount === 0) walk.command = next;
      else walk.argumentCount++;
    }
  }
  return walk;
}

function takeFlag(program: Command, walk: Walk, word: string): void {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const known = [...walk.command.options, ...program.options];
  const option = known.find(({ long, short }) => long === name || short === name);
  if (option === undefined) return;
  walk.used.add(option);
  if (!takesValue(option)) walk.said[option.attributeName()] = '';
  else if (equals < 0) walk.open = option;
  else walk.said[option.attributeName()] = word.slice(equals + 1);
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function flagsFor(options: readonly Option[], walk: Walk, current: string): Candidate[] {
  const candidates = options
    .filter((option) => !walk.used.has(option) || isRepeatable(option))
    .map((option) => ({ value: option.long ?? option.short ?? '', description: option.description }));
  candidates.push({ value: '--help', description: 'show help' });
  return startingWith(candidates, current);
}

function visibleSubcommands(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

function completeValue(option: Option, prefix: string, current: string, { command, said }: Walk): Completion {
  if (option.argChoices !== undefined) {
    const choices = option.long === '--output' ? formatsOf(command) : option.argChoices;
    const candidates = choices.map((value) => ({ value: prefix + value, description: '' }));
    return { kind: 'words', candidates: startingWith(candidates, prefix + current) };
  }
  const placeholder = /<([^>]+)>/.exec(option.flags)?.[1] ?? '';
  return completeKind(placeholder, prefix, current, said);
}

function completeArgument(walk: Walk, current: string): Completion {
  const wanted: readonly Argument[] = walk.command.registeredArguments;
  const last = wanted[wanted.length - 1];
  const argument = wanted[walk.argumentCount] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return { kind: 'words', candidates: [] };
  return completeKind(argument.name(), '', current, walk.said);
}

/** The placeholder says what may stand there. */
function completeKind(placeholder: string, prefix: string, current: string, said: SaidOptions): Completion {
  if (fileKinds.has(placeholder)) return { kind: 'files' };
  const fixed = fixedWords[placeholder];
  if (fixed !== undefined) {
    const candidates = fixed.map((value) => ({ value: prefix + value, description: '' }));
    return { kind: 'words', candidates: startingWith(candidates, prefix + current) };
  }
  // Which groups there are is asked; how a rule goes on is known.
  if (placeholder === 'rule' && current.includes(':')) {
    const candidates = groupContinuations(current).map((value) => ({
      value: prefix + value,
      description: '',
    }));
    return { kind: 'words', candidates: startingWith(candidates, prefix + current) };
  }
  return { kind: 'names', of: placeholder, prefix, current, said };
}

function startingWith(candidates: Candidate[], start: string): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(start));
}
