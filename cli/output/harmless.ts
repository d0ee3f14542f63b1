/**
 * Text from elsewhere made safe to show. Titles, labels and messages are written by other people; printed raw, their
 * escape sequences could recolour the terminal, move the cursor over other rows or reverse what is read.
 */

/** C0 and C1 controls, DEL, line separators, and the marks that reorder bidirectional text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const harmful = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;

/** The same except those that JSON has already escaped, and line feeds, which JSON text may hold between its tokens. */
const harmfulInJson = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;

const shortForms: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text without anything that a terminal obeys: `\x1b` becomes the four characters of its name. */
export function harmless(text: string): string {
  return text.replace(harmful, (character) => {
    const code = character.charCodeAt(0);
    return (
      shortForms[character] ??
      (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`)
    );
  });
}

/** Serialised JSON with the same characters escaped; its meaning does not change. */
export function harmlessJson(json: string): string {
  return json.replace(
    harmfulInJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
