/**
 * Reads the journal's text for accounting: one line a decision, `[atMs,[change,...],...]`, as JSON without spaces. Most of it
 * (what hosts report, what operations become) says nothing about use, and is passed over without being read: a change
 * begins with its type, and where an object ends is found by its brackets alone.
 */
import type { Change } from '../changes.js';
import { type CountedChange, countedTypes } from './fold.js';

export interface JournalVisitor {
  /** A decision begins; false ends the reading before it. */
  decision(atMs: number): boolean;
  change(change: CountedChange, atMs: number): void;
}

const [quote, backslash, comma, tab, newline, zero] = [0x22, 0x5c, 0x2c, 0x09, 0x0a, 0x30];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
/** How every change begins that this version of the scheduler or an older one has written. */
const beginning = ascii('{"type":"');
const counted = new Set<string>(countedTypes);
/** Types by their length. */
const countedByLength = new Map<number, { word: Uint8Array; type: Change['type'] }[]>();
for (const type of countedTypes) {
  countedByLength.set(type.length, [
    ...(countedByLength.get(type.length) ?? []),
    { word: ascii(type), type },
  ]);
}

/**
 * Shows the visitor all that counts in a piece of the journal, whole lines.
 *
 * @returns whether it was read to its end.
 * @throws Error when it is not what a scheduler writes.
 */
export function readJournal(text: Buffer, visitor: JournalVisitor): boolean {
  let at = 0;
  while (at < text.length) {
    let atMs = 0;
    at = after(text, at, openBracket);
    for (; text[at] !== comma; at += 1) {
      const digit = (text[at] ?? zero - 1) - zero;
      if (digit < 0 || digit > 9) throw damaged(at);
      atMs = atMs * 10 + digit;
    }
    if (!visitor.decision(atMs)) return false;
    at = pastTab(text, after(text, at + 1, openBracket));
    while (text[at] !== closeBracket) {
      after(text, at, openBrace);
      const end = endOf(text, at);
      const type = typeAt(text, at);
      if (type !== null) {
        const change = JSON.parse(text.toString('utf8', at, end)) as Change;
        // Its own copy of the word would be compared letter by letter wherever it is asked for.
        if (type !== undefined) change.type = type;
        if (isCounted(change)) visitor.change(change, atMs);
      }
      const next = pastTab(text, end);
      at = text[next] === closeBracket ? next : pastTab(text, after(text, next, comma));
    }
    at = afterRest(text, after(text, at, closeBracket));
    if (at < text.length) at = after(text, at, newline);
  }
  return true;
}

/** A line may be cut into parts by tabs. */
function pastTab(text: Uint8Array, at: number): number {
  return text[at] === tab ? at + 1 : at;
}

/** The place after the rest of a line: who decided, and whom it concerns, which says nothing about use. */
function afterRest(text: Uint8Array, start: number): number {
  if (text[start] !== comma) return after(text, start, closeBracket);
  const end = text.indexOf(newline, start);
  const line = end === -1 ? text.length : end;
  return after(text, line - 1, closeBracket);
}

function isCounted(change: Change): change is CountedChange {
  return counted.has(change.type);
}

function after(text: Uint8Array, at: number, expected: number): number {
  if (text[at] !== expected) throw damaged(at);
  return at + 1;
}

function damaged(at: number): Error {
  return new Error(`the journal cannot be read: it is no list of changes at byte ${at} of its row`);
}

/** The type of the change that begins here; null when it does not count, undefined when it does not stand in front. */
function typeAt(text: Uint8Array, start: number): Change['type'] | null | undefined {
  for (let index = 0; index < beginning.length; index += 1) {
    if (text[start + index] !== beginning[index]) return undefined;
  }
  const from = start + beginning.length;
  let to = from;
  while (to < text.length && text[to] !== quote) to += 1;
  for (const { word, type } of countedByLength.get(to - from) ?? none)
    if (isAt(text, from, word)) return type;
  return null;
}

const none: never[] = [];

function isAt(text: Uint8Array, from: number, word: Uint8Array): boolean {
  // Types differ most at their ends.
  for (let index = word.length - 1; index >= 0; index -= 1) {
    if (text[from + index] !== word[index]) return false;
  }
  return true;
}

/** The place after the object that begins here. */
function endOf(text: Uint8Array, start: number): number {
  const { length } = text;
  let depth = 0;
  for (let at = start; at < length; at += 1) {
    const byte = text[at];
    if (byte === quote) {
      at += 1;
      for (let inside = text[at]; inside !== quote; inside = text[at]) {
        if (at >= length) throw damaged(start);
        at += inside === backslash ? 2 : 1;
      }
    } else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw damaged(start);
}
