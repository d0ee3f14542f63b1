/**
 * An export of the audit as lines of JSON. Each kind of line has its fields in one order, and nothing may be written in
 * two ways, so that a line which was changed in any way is no line any more.
 *
 * - The header: format, federation, key, whose decisions are shown, from which sequence to which, the hash before.
 * - A row, one group commit: its sequences, when, its hash, and commitments to its decisions, end to end. Rows from before
 *   there were commitments have their text instead.
 * - A decision of the row: its salt and text; or its parts, each with salt and text, or as a commitment; or only that it was
 *   erased, with the running numbers that it has with partners.
 * - A checkpoint: the hash at a row's end, signed.
 * - The end: the hash there, signed, and the SHA-256 of all bytes before this line, signed.
 */

export interface HeaderLine {
  secoviaAudit: number;
  federation: string;
  /** SHA-256 of the public key, SPKI in DER, hexadecimal. */
  key: string;
  partner: string | null;
  first: number;
  last: number;
  before: string;
}

export interface RowLine {
  row: number;
  last: number;
  at: number;
  hash: string;
  commitments?: string;
  body?: string;
}

/** What stands for a part that is not shown is its commitment. */
export type Part = [salt: string, text: string] | string;

export interface DecisionLine {
  line: number;
  salt?: string;
  text?: string;
  parts?: Part[];
  erased?: Record<string, number>;
}

export interface CheckpointLine {
  checkpoint: number;
  incarnation: number;
  hash: string;
  signature: string;
}

export interface EndLine {
  end: number;
  incarnation: number;
  hash: string;
  checkpoint: string;
  digest: string;
  signature: string;
}

export type AuditLine = HeaderLine | RowLine | DecisionLine | CheckpointLine | EndLine;

type Check = (value: unknown) => boolean;

const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === 'string';
const hexHash: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** Base64 of so many bytes, in the one way in which it is written; any number when it is left out. */
function base64(bytes?: number): Check {
  return (value) => {
    if (typeof value !== 'string') return false;
    const decoded = Buffer.from(value, 'base64');
    return decoded.toString('base64') === value && (bytes === undefined || decoded.length === bytes);
  };
}

const hash = base64(32);
const salt = base64(16);
const signature = base64(64);

const part: Check = (value) =>
  hash(value) || (Array.isArray(value) && value.length === 2 && salt(value[0]) && text(value[1]));
const parts: Check = (value) => Array.isArray(value) && value.length > 1 && value.every(part);
const numbers: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(whole);

const forms: readonly Record<string, Check>[] = [
  {
    secoviaAudit: whole,
    federation: text,
    key: hexHash,
    partner: (value) => value === null || text(value),
    first: whole,
    last: whole,
    before: hash,
  },
  { row: whole, last: whole, at: whole, hash, commitments: base64() },
  { row: whole, last: whole, at: whole, hash, body: text },
  { line: whole, salt, text },
  { line: whole, parts },
  { line: whole, erased: numbers },
  { checkpoint: whole, incarnation: whole, hash, signature },
  { end: whole, incarnation: whole, hash, checkpoint: signature, digest: hexHash, signature },
];

/** Null for what no scheduler would have written. */
export function parseLine(bytes: Uint8Array): AuditLine | null {
  let written: string;
  let value: unknown;
  try {
    written = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(written);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || JSON.stringify(value) !== written) return null;
  const entries = Object.entries(value);
  const fits = forms.some((form) => {
    const fields = Object.entries(form);
    return (
      fields.length === entries.length &&
      fields.every(([name, check], index) => entries[index]?.[0] === name && check(entries[index]?.[1]))
    );
  });
  return fits ? (value as AuditLine) : null;
}
