/**
 * A decision as a line of the journal: `[atMs,[change,...],{by},{audience},{administrations}]`, as JSON without spaces.
 *
 * - `by` says by whose word: `i` the identity, `f` on whose behalf, `m` the method, `r` the request id. What is empty is
 *   left out, and all of it for what the scheduler decides itself.
 * - `audience` has for each partner that the decision concerns its running number; where it may not see all changes,
 *   the number and the indexes of those it may see.
 * - `administrations` has for each that it concerns the indexes of changes; none means all.
 *
 * Where a line is not for everybody whom it concerns as a whole, tabs cut it into parts that can be shown without the
 * others: the beginning, each change, `by`, each partner's number, and the rest. JSON lets tabs stand between
 * its tokens, and has none within strings. Lines of older versions end after the changes.
 */
import type { Actor } from '../access/caller.js';
import type { Change } from '../changes.js';
import type { Shares } from './audience.js';

export interface By {
  i?: string;
  f?: string;
  m?: string;
  r?: string;
}

export type AudienceOfLine = Record<string, number | [number, ...number[]]>;

export type JournalLine = [
  atMs: number,
  changes: Change[],
  by?: By,
  audience?: AudienceOfLine,
  administrations?: Record<string, number[]>,
];

/** What ends a part of a line. */
export const partEnd = '\t';

/** What stands between two changes, as a piece of its own. */
export const changeEnd = ',';

/**
 * Ends the line that begins at a place of a list of pieces, after its changes. `numbers` are those of the partners.
 */
export function endLine(
  pieces: string[],
  start: number,
  actor: Actor,
  partners: Shares,
  numbers: ReadonlyMap<string, number>,
  administrations: Shares,
): void {
  const by = byText(actor);
  const owners = sharesText(administrations);
  const isWhole = partners.size < 2 && [...partners.values()].every((some) => some.length === 0);
  if (isWhole) {
    pieces.push(`],${by},${audienceText(partners, numbers, '')},${owners}]`);
    return;
  }
  pieces[start] += partEnd;
  for (let index = start + 1; index < pieces.length; index += 1)
    if (pieces[index] === changeEnd) pieces[index] += partEnd;
  const audience = audienceText(partners, numbers, partEnd);
  pieces.push(`${partEnd}],${by},${audience},${partEnd}${owners}${partEnd}]`);
}

function audienceText(partners: Shares, numbers: ReadonlyMap<string, number>, cut: string): string {
  if (partners.size === 0) return '{}';
  let text = '{';
  for (const [partner, some] of partners) {
    const number = numbers.get(partner);
    const value = some.length === 0 ? number : `[${number},${some.join()}]`;
    text += `${cut}${text === '{' ? '' : ','}${JSON.stringify(partner)}:${value}`;
  }
  return `${text}${cut}}`;
}

function sharesText(shares: Shares): string {
  if (shares.size === 0) return '{}';
  let text = '{';
  for (const [id, some] of shares) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(id)}:[${some.join()}]`;
  }
  return `${text}}`;
}

function byText({ identity, onBehalf, method, requestId }: Actor): string {
  if (method === '' && identity === 'scheduler') return '{}';
  let text = `{"i":${quoted(identity)}`;
  if (onBehalf !== '') text += `,"f":${quoted(onBehalf)}`;
  if (method !== '') text += `,"m":${quoted(method)}`;
  if (requestId !== '') text += `,"r":${quoted(requestId)}`;
  return `${text}}`;
}

/** Nearly all that is said here needs no escape. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
