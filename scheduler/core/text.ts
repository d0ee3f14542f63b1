/** Texts that come from outside may be of any length; what is kept or shown of them is not. */

/** The text, or its beginning with an ellipsis. A pair of surrogates is not cut in two: half of one is no text. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}…`;
}
