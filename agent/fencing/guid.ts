/**
 * A management controller's GUID in one form, 32 lower-case hexadecimal digits, out of what tools print. It is read on
 * the machine itself and over the network, and only the same one twice says that a controller is that machine's
 * (PROTOCOL.md F2).
 */

/** `ipmitool mc guid` prints it among other lines, in several spellings over its versions. */
const labelled = /^\s*(?:System|Device)?\s*GUID\s*:\s*([0-9a-f-]+)\s*$/im;
const bare = /^\s*([0-9a-f-]+)\s*$/i;
const sameDigits = /^(.)\1*$/;

/** Null when there is none in it, or one that says nothing: controllers that were never given one have all zeros. */
export function readGuid(text: string): string | null {
  const found = labelled.exec(text)?.[1] ?? bare.exec(text)?.[1] ?? '';
  const digits = found.replaceAll('-', '').toLowerCase();
  return isGuid(digits) ? digits : null;
}

export const isGuid = (text: string): boolean => /^[0-9a-f]{32}$/.test(text) && !sameDigits.test(text);
