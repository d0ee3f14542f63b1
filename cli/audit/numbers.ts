/**
 * The running numbers of partners in an export. Every decision that concerns a partner has the next one, so that one that was
 * left out leaves a gap.
 */
import type { DecisionLine, HeaderLine } from './lines.js';
import type { Faults } from './verdict.js';

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

/** Follows the numbers of the partner whose export it is, or of all. */
export class RunningNumbers {
  readonly #faults: Faults;
  readonly #header: HeaderLine;
  readonly #seen = new Map<string, { first: number; last: number; isSure: boolean }>();

  constructor(faults: Faults, header: HeaderLine) {
    this.#faults = faults;
    this.#header = header;
  }

  get ofReader(): { first: number; last: number } | null {
    const seen = this.#seen.get(this.#header.partner ?? '');
    return seen === undefined ? null : { first: seen.first, last: seen.last };
  }

  /** Decisions are missing here anyway, and with them numbers. */
  lose(): void {
    for (const seen of this.#seen.values()) seen.isSure = false;
  }

  take(line: DecisionLine): void {
    const { line: sequence, parts } = line;
    const { partner: reader } = this.#header;
    const numbers = numbersOf(line);
    if (numbers === null) {
      this.#faults.add('CONTENT', sequence, `decision ${sequence} does not say whom it concerns`);
      return;
    }
    for (const [partner, numbered] of numbers) {
      if (reader !== null && partner !== reader) continue;
      this.#follow(sequence, partner, numbered.number);
      const withheld = partner === reader && parts !== undefined ? withheldChange(parts, numbered) : null;
      if (withheld === null) continue;
      const message = `change ${withheld + 1} of decision ${sequence} is withheld from partner ${partner}`;
      this.#faults.add('WITHHELD', sequence, message);
    }
    if (reader !== null && !numbers.has(reader)) {
      const message = `decision ${sequence} is shown, and does not concern partner ${reader}`;
      this.#faults.add('CONTENT', sequence, message);
    }
    if (reader === null && parts?.some((part) => typeof part === 'string') === true) {
      this.#faults.add(
        'NOT_SHOWN',
        sequence,
        `parts of decision ${sequence} are not shown: left out of the file`,
      );
    }
  }

  #follow(sequence: number, partner: string, number: number): void {
    const seen = this.#seen.get(partner);
    const next = this.#next(seen, number);
    if (number > next) {
      const which = number - next === 1 ? `number ${next}` : `numbers ${next} to ${number - 1}`;
      const message = `${which} of partner ${partner} withheld: decision ${sequence} is its number ${number}`;
      this.#faults.add('WITHHELD', sequence, message);
    } else if (number < next) {
      const message = `decision ${sequence} is number ${number} of partner ${partner}, and ${next} is next`;
      this.#faults.add('ORDER', sequence, message);
    }
    this.#seen.set(partner, { first: seen?.first ?? number, last: number, isSure: true });
  }

  /** At the beginning of the chain numbers begin; of a part of it nothing is known before the first. */
  #next(seen: { last: number; isSure: boolean } | undefined, number: number): number {
    if (seen === undefined) return this.#header.first <= 1 ? 1 : number;
    return seen.isSure ? seen.last + 1 : number;
  }
}
