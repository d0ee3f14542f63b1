/**
 * The small forms that a scenario's fields have, each with words that say what is allowed. A key that is not known
 * is a fault: a wish that was mistyped must not be a wish that is not there.
 */
import { z } from 'zod';
import { hostIdWords, idWords, isHostId, isId, namesIn, rangeWords } from './names.js';
import { parseSize, sizeWords } from './sizes.js';

const kinds: Record<string, string> = {
  string: 'text; a number is written in quotes to be text',
  boolean: 'true or false',
  array: 'a list',
  record: 'names and what is said of each',
  object: 'keys and values',
};

/** Words for faults whose own form says nothing better. */
export const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`;
  return undefined;
};

/** An object that has these keys and no others. */
export function object<T extends z.core.$ZodLooseShape>(shape: T) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `is not known; known are ${known}` : undefined),
  });
}

export const partOf = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && key in value;

/** A form that follows from the value itself; a fault is told of the one that was chosen, not of all that there are. */
export function chosen<T>(choose: (value: unknown) => z.ZodType<T>) {
  return z.unknown().transform((value, context): T => {
    const result = choose(value).safeParse(value, { error: plainWords });
    if (result.success) return result.data;
    context.issues.push(
      ...result.error.issues
        .flatMap(faultsIn)
        .map((fault) => ({ code: 'custom' as const, ...fault, input: value })),
    );
    return z.NEVER;
  });
}

/** Where a value is wrong, and what is allowed there. Of keys that are not known each is a fault. */
export function faultsIn(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string }[] {
  const { path, message } = issue;
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? message }];
  if (issue.code !== 'unrecognized_keys') return [{ path, message }];
  return issue.keys.map((key) => ({ path: [...path, key], message }));
}

export function oneOf<const T extends readonly string[]>(...words: T) {
  return z.enum(words, {
    error: (issue) => (issue.input === undefined ? 'is missing' : `must be one of ${words.join(', ')}`),
  });
}

export function whole(least: number, most: number) {
  const words = `must be a whole number from ${least} to ${most}`;
  return z.int(words).min(least, words).max(most, words);
}

export const text = z.string();
export const flag = z.boolean();
export const size = sizeUpTo();

/** In MiB; without a bound of its own, what one host may have. */
export function sizeUpTo(mostMib?: number) {
  return z.union([z.string(), z.number()], sizeWords).transform((value, context) => {
    const mib = parseSize(value, mostMib);
    if (mib !== null) return mib;
    context.issues.push({ code: 'custom', message: sizeWords, input: value });
    return z.NEVER;
  });
}

export const id = text.refine(isId, idWords);
export const hostId = text.refine(isHostId, hostIdWords);
export const country = text.regex(/^[A-Z]{2}$/, 'must be two capital letters, for example HR');

/** One name, a range, or a list of them; as the names that they stand for. */
function namesOf(allowed: (name: string) => boolean, words: string) {
  const written = z.union(
    [text.transform((one) => [one]), z.array(text).min(1, 'is empty')],
    'must be a name, a range, or a list of them',
  );
  return written.transform((parts, context) => {
    const names: string[] = [];
    const fault = (message: string) => context.issues.push({ code: 'custom', message, input: parts });
    for (const part of parts) {
      const meant = namesIn(part);
      if (meant === null) fault(`"${part}" is no range: ${rangeWords}`);
      else if (meant.every(allowed)) names.push(...meant);
      else fault(`"${part}" ${words}`);
    }
    if (new Set(names).size < names.length) fault('names something twice');
    return names;
  });
}

export const ids = namesOf(isId, idWords);
export const hostIds = namesOf(isHostId, hostIdWords);

/** What `x` and `xs` together name: one of the two must be there. */
export function oneOrMany(
  key: string,
  one: string | undefined,
  many: string[] | undefined,
  context: z.RefinementCtx,
): string[] {
  if ((one === undefined) !== (many === undefined)) return many ?? [one as string];
  const message = `must have either "${key}", for one, or "${key}s", for a range or a list`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** A list that names nothing twice. */
export function list<T extends z.ZodType<string>>(item: T) {
  return z.array(item).refine((items) => new Set(items).size === items.length, 'names something twice');
}

/** Entries by name. One that says nothing may be left empty. */
export function named<T extends z.ZodType>(entry: T) {
  const entries = z.record(
    text,
    z.preprocess((value) => value ?? {}, entry),
  );
  return entries.check((context) => {
    for (const name of Object.keys(context.value)) {
      if (!isId(name)) context.issues.push({ code: 'custom', message: idWords, path: [name], input: name });
    }
  });
}
