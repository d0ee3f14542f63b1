/**
 * A join token as one word that a person can carry to a host: where the scheduler is, by which fingerprint its
 * authority is known, and the secret. Whoever makes it and whoever reads it are different programs.
 */

export interface JoinWord {
  /** HOST:PORT of the scheduler, to be tried in this order. */
  addresses: readonly string[];
  federation: string;
  site: string;
  /** SHA-256 of the root certificate (DER), hexadecimal. */
  fingerprint: string;
  /** The last part of `joinTokens/{token}`. */
  token: string;
  /** 32 bytes, base64url. */
  secret: string;
}

const prefix = 'secovia-join-1.';
const anyVersion = /^secovia-join-[0-9]+\./;
const longestWord = 4096;
const mostAddresses = 8;
const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/@]+):[0-9]{1,5}$/;
const id = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const secretForm = /^[A-Za-z0-9_-]{43}$/;
const fingerprintForm = /^[0-9a-f]{64}$/;

export function encodeJoinWord({
  addresses,
  federation,
  site,
  fingerprint,
  token,
  secret,
}: JoinWord): string {
  const content = { a: addresses, f: federation, s: site, c: fingerprint, t: token, k: secret };
  return prefix + Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** What is in a word, or a sentence on why it is none. */
export function decodeJoinWord(word: string): JoinWord | string {
  if (!anyVersion.test(word)) return 'this is no join token: it begins with secovia-join-1.';
  if (!word.startsWith(prefix))
    return 'this join token is of another version of Secovia: install matching versions';
  const broken = 'the join token is not whole: copy all of it, without blanks or line breaks';
  if (word.length > longestWord) return broken;
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(word.slice(prefix.length), 'base64url').toString());
  } catch {
    return broken;
  }
  if (typeof content !== 'object' || content === null) return broken;
  const { a, f, s, c, t, k } = content as Record<string, unknown>;
  const matches = (value: unknown, form: RegExp): value is string =>
    typeof value === 'string' && form.test(value);
  if (!Array.isArray(a) || a.length === 0 || a.length > mostAddresses) return broken;
  const addresses = a.filter((one): one is string => matches(one, address) && one.length < 300);
  if (addresses.length !== a.length) return broken;
  if (!matches(f, id) || !matches(s, id) || !matches(t, id)) return broken;
  if (!matches(c, fingerprintForm) || !matches(k, secretForm)) return broken;
  return { addresses, federation: f, site: s, fingerprint: c, token: t, secret: k };
}
