/** Words of others, before they come to a log, a terminal or the wire. */

/** Controls, lone surrogates, line and paragraph separators, and the marks that turn text around. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** One line without anything that a terminal could obey, cut to so many characters. */
export function oneLine(text: string, longest: number): string {
  const line = text
    .slice(0, 4 * longest)
    .replace(unprintable, ' ')
    .trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
