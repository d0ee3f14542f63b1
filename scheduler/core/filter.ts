/**
 * Filters of listings and watches: the part of AIP-160 that our listings need. Comparisons (`=`, `!=`, `<`, `<=`,
 * `>`, `>=`, and `:` for "has"), joined by AND, OR and NOT, with parentheses. As AIP-160 has it, OR binds tighter than
 * AND: `a AND b OR c` is `a AND (b OR c)`.
 */
import { momentIn } from './moment.js';

/** A field's value for an entity. Enumerations give their short name, for example `RUNNING`. */
export type FieldReader<T> = (entity: T) => string | number | boolean;
export type ListReader<T> = (entity: T) => readonly string[];

/**
 * Which fields a listing knows. `maps` are fields with a key behind a dot, such as `labels.env`; `lists` are those of
 * which it can only be asked what they have, as in `traits:ssd`, and `moments` times, compared with RFC 3339 texts.
 */
export interface FilterSchema<T> {
  fields: Record<string, FieldReader<T>>;
  maps?: Record<string, (entity: T) => Record<string, string>>;
  lists?: Record<string, ListReader<T>>;
  /** Milliseconds since 1970. */
  moments?: Record<string, (entity: T) => number>;
}

export type Predicate<T> = (entity: T) => boolean;

export class FilterError extends Error {}

export const filterLimit = 2000;
const depthLimit = 32;

type Token = { kind: 'word' | 'text' | 'operator'; value: string; at: number };

const tokenForm = /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(!=|<=|>=|[=<>:()])|([^\s=<>:()!"']+))/y;

function tokens(text: string): Token[] {
  const result: Token[] = [];
  tokenForm.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    if (text.slice(at).trim() === '') break;
    tokenForm.lastIndex = at;
    const match = tokenForm.exec(text);
    if (match === null) throw new FilterError(`cannot be read at character ${at + 1}`);
    const [, quotedText, operator, word] = match;
    if (quotedText !== undefined) {
      result.push({ kind: 'text', value: quotedText.slice(1, -1).replace(/\\(.)/g, '$1'), at });
    } else if (operator !== undefined) result.push({ kind: 'operator', value: operator, at });
    else result.push({ kind: 'word', value: word as string, at });
    at = tokenForm.lastIndex;
  }
  return result;
}

/**
 * @throws FilterError with a sentence for the caller.
 */
export function parseFilter<T>(text: string, schema: FilterSchema<T>): Predicate<T> {
  if (text.trim() === '') return () => true;
  if (text.length > filterLimit) throw new FilterError(`is longer than ${filterLimit} characters`);
  const parser = new Parser(tokens(text), schema);
  const predicate = parser.all(0);
  parser.end();
  return predicate;
}

class Parser<T> {
  #at = 0;

  constructor(
    private readonly list: Token[],
    private readonly schema: FilterSchema<T>,
  ) {}

  all(depth: number): Predicate<T> {
    if (depth > depthLimit) throw new FilterError('is nested too deeply');
    const parts = [this.#either(depth)];
    while (this.#word('AND')) parts.push(this.#either(depth));
    return parts.length === 1 ? (parts[0] as Predicate<T>) : (entity) => parts.every((part) => part(entity));
  }

  end(): void {
    const token = this.list[this.#at];
    if (token !== undefined) throw new FilterError(`has ${JSON.stringify(token.value)} where it should end`);
  }

  #either(depth: number): Predicate<T> {
    const parts = [this.#not(depth)];
    while (this.#word('OR')) parts.push(this.#not(depth));
    return parts.length === 1 ? (parts[0] as Predicate<T>) : (entity) => parts.some((part) => part(entity));
  }

  #not(depth: number): Predicate<T> {
    if (depth > depthLimit) throw new FilterError('is nested too deeply');
    if (this.#word('NOT')) {
      const inner = this.#not(depth + 1);
      return (entity) => !inner(entity);
    }
    if (this.#operator('(')) {
      const inner = this.all(depth + 1);
      if (!this.#operator(')')) throw new FilterError('misses a closing parenthesis');
      return inner;
    }
    return this.#comparison();
  }

  #comparison(): Predicate<T> {
    const field = this.list[this.#at++];
    if (field?.kind !== 'word') throw new FilterError('misses the name of a field');
    const compared = this.#field(field.value);
    const operator = this.list[this.#at++];
    if (operator?.kind !== 'operator' || operator.value === '(' || operator.value === ')') {
      throw new FilterError(`misses a comparison after ${field.value}`);
    }
    const value = this.list[this.#at++];
    if (value === undefined || value.kind === 'operator') {
      throw new FilterError(`misses a value after ${field.value} ${operator.value}`);
    }
    return compared(operator.value, value.value);
  }

  #field(name: string): (operator: string, text: string) => Predicate<T> {
    const lists = this.schema.lists ?? {};
    const list = Object.hasOwn(lists, name) ? lists[name] : undefined;
    if (list !== undefined) return (operator, text) => has(list, operator, text, name);
    const moments = this.schema.moments ?? {};
    const moment = Object.hasOwn(moments, name) ? moments[name] : undefined;
    if (moment !== undefined) return (operator, text) => compareMoments(moment, operator, text, name);
    const read = this.#reader(name);
    return (operator, text) => compare(read, operator, text, name);
  }

  #reader(name: string): (entity: T) => string | number | boolean | undefined {
    if (Object.hasOwn(this.schema.fields, name)) return this.schema.fields[name] as FieldReader<T>;
    const dot = name.indexOf('.');
    const map = name.slice(0, dot);
    const maps = this.schema.maps ?? {};
    const read = dot > 0 && Object.hasOwn(maps, map) ? maps[map] : undefined;
    if (read !== undefined) {
      const key = name.slice(dot + 1);
      return (entity) => {
        const entries = read(entity);
        return Object.hasOwn(entries, key) ? entries[key] : undefined;
      };
    }
    const known = [
      ...Object.keys(this.schema.fields),
      ...Object.keys(this.schema.lists ?? {}),
      ...Object.keys(this.schema.moments ?? {}),
      ...Object.keys(maps).map((map) => `${map}.KEY`),
    ];
    throw new FilterError(`names ${JSON.stringify(name)}, which is none of ${known.join(', ')}`);
  }

  #word(word: string): boolean {
    const token = this.list[this.#at];
    if (token?.kind !== 'word' || token.value !== word) return false;
    this.#at += 1;
    return true;
  }

  #operator(operator: string): boolean {
    const token = this.list[this.#at];
    if (token?.kind !== 'operator' || token.value !== operator) return false;
    this.#at += 1;
    return true;
  }
}

/** Whether a list has a value as a whole: a part of it is not one of its values. */
function has<T>(read: ListReader<T>, operator: string, text: string, field: string): Predicate<T> {
  if (operator !== ':') throw new FilterError(`compares ${field}, which is a list; ask with ${field}:VALUE`);
  return (entity) => (text === '*' ? read(entity).length > 0 : read(entity).includes(text));
}

function compareMoments<T>(
  read: (entity: T) => number,
  operator: string,
  text: string,
  field: string,
): Predicate<T> {
  const other = momentIn(text);
  if (Number.isNaN(other)) {
    throw new FilterError(
      `compares ${field} with ${JSON.stringify(text)}, which is no moment; write for example "2026-11-26T08:00:00Z"`,
    );
  }
  if (operator === ':') throw new FilterError(`asks what ${field} has; compare it with <, <=, =, >= or >`);
  return compare(read, operator, String(other), field);
}

function compare<T>(
  read: (entity: T) => string | number | boolean | undefined,
  operator: string,
  text: string,
  field: string,
): Predicate<T> {
  switch (operator) {
    case '=':
      return (entity) => same(read(entity), text);
    case '!=':
      return (entity) => !same(read(entity), text);
    case ':':
      return (entity) => {
        const value = read(entity);
        if (value === undefined) return false;
        return text === '*' || String(value).toLowerCase().includes(text.toLowerCase());
      };
    default: {
      const other = numberIn(text);
      if (Number.isNaN(other)) {
        throw new FilterError(`compares ${field} with ${JSON.stringify(text)}, which is no number`);
      }
      return (entity) => {
        const value = read(entity);
        if (typeof value !== 'number') return false;
        if (operator === '<') return value < other;
        if (operator === '<=') return value <= other;
        return operator === '>' ? value > other : value >= other;
      };
    }
  }
}

function same(value: string | number | boolean | undefined, text: string): boolean {
  if (value === undefined) return false;
  return typeof value === 'number' ? value === numberIn(text) : String(value) === text;
}

/** NaN for what is no number; JavaScript takes a blank text for 0. */
function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
