/**
 * The running numbers of partners in an export. Every decision that concerns a partner has the next one, so that one that was
 * left out leaves a gap.
 */
import type { DecisionLine } from './lines.js';

/** What a decision says of a partner: its number, and the changes that the partner may see; null for all of them. */
export interface Numbered {
  number: number;
  changes: number[] | null;
}

const partForm = /^,?("(?:[^"\\]|\\.)*"):(\d+|\[\d+(?:,\d+)*\])$/;

/** The partners whom a decision names, as far as it is shown; null when its text is not that of a decision. */
export function numbersOf({ text, parts, erased }: DecisionLine): Map<string, Numbered> | null {
  const found = new Map<string, Numbered>();
  if (erased !== undefined) {
    for (const [partner, number] of Object.entries(erased)) found.set(partner, { number, changes: null });
    return found;
  }
  if (parts !== undefined) {
    for (const part of parts) {
      const match = typeof part === 'string' ? null : partForm.exec(part[1]);
      if (match === null) continue;
      const numbered = numberedBy(JSON.parse(match[2] as string));
      if (numbered !== null) found.set(JSON.parse(match[1] as string) as string, numbered);
    }
    return found;
  }
  try {
    const audience: unknown = JSON.parse(text ?? '')[3] ?? {};
    for (const [partner, value] of Object.entries(audience as object)) {
      const numbered = numberedBy(value);
      if (numbered === null) return null;
      found.set(partner, numbered);
    }
    return found;
  } catch {
    return null;
  }
}

function numberedBy(value: unknown): Numbered | null {
  if (typeof value === 'number') return { number: value, changes: null };
  if (!Array.isArray(value) || !value.every(Number.isSafeInteger)) return null;
  const [number, ...changes] = value as number[];
  return number === undefined ? null : { number, changes };
}

/** The first change that a partner may see and that is not shown; null when all are. */
export function withheldChange(parts: readonly unknown[], { changes }: Numbered): number | null {
  // The changes stand between the beginning and by whose word it was, which begins with their end.
  const by = parts.findIndex((part) => Array.isArray(part) && String(part[1]).startsWith('],'));
  if (by < 0) return 0;
  const all = [...Array(by - 1).keys()];
  return (changes ?? all).find((index) => !Array.isArray(parts[index + 1])) ?? null;
}
