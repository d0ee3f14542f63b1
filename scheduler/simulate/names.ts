/** Names in a scenario: one, or many that are alike, written as a range such as `b{1..40}` or `b{01..40}`. */

const idForm = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostIdForm = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const rangeForm = /^([^{}]*)\{(\d{1,6})\.\.(\d{1,6})\}([^{}]*)$/;
const mostInRange = 10_000;

/** Stands in expectations where a host would, if there is to be none. */
export const noHost = 'none';

export const isId = (text: string): boolean => idForm.test(text);
export const isHostId = (text: string): boolean => hostIdForm.test(text) && text !== noHost;

export const idWords = 'must be lower-case letters, digits and hyphens, and start with a letter';
export const hostIdWords = `must be lower-case letters, digits, dots and hyphens, and not "${noHost}"`;
export const rangeWords = `a range is written "b{1..40}", with at most ${mostInRange} names`;

/** The names that a text stands for; null when it has braces that are no range. */
export function namesIn(text: string): string[] | null {
  if (!/[{}]/.test(text)) return [text];
  const [, before = '', from = '', to = '', after = ''] = rangeForm.exec(text) ?? [];
  const count = from === '' ? 0 : Number(to) - Number(from) + 1;
  if (count < 1 || count > mostInRange) return null;
  return Array.from(
    { length: count },
    (_, index) => before + String(Number(from) + index).padStart(from.length, '0') + after,
  );
}
