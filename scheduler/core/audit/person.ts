/**
 * What names a person in decisions: who asked, for whom, and the record of the identity that was theirs. It can be taken out
 * of a line without changing what was decided about anything else.
 */
import type { Identity } from '../access/model.js';
import type { Change } from '../changes.js';
import type { JournalLine } from './line.js';

/** What stands for a person of whom nothing is to be known any more. */
export const nobodyKnown = 'erased';

export interface Person {
  /** As the record has it: the URI of an identity, or issuer and subject of a portal's user. */
  name: string;
  /** `Identity.id`; null of a portal's user. */
  identity: string | null;
}

const kinds = 'admin|operator|administration|auditor|portal';
const identityForm = new RegExp(`^spiffe://[^/\\s]+/(?:${kinds})/(?:[^/\\s]+/)?([^/\\s]+)$`);

/**
 * Who is meant: `KIND/.../ID` as listings show an identity of this federation, its whole URI, or `ISSUER SUBJECT`; null for
 * anything else.
 */
export function personNamed(given: string, federation: string): Person | null {
  const name = new RegExp(`^(?:${kinds})/`).test(given) ? `spiffe://${federation}/${given}` : given;
  const identity = identityForm.exec(name)?.[1];
  if (identity !== undefined) return { name, identity };
  return /^[a-z]+:\/\/\S+ \S/.test(name) ? { name, identity: null } : null;
}

/** Texts one of which is in every line that names a person, as JSON has them. */
export function tracesOf({ name, identity }: Person): string[] {
  return identity === null ? [inJson(name)] : [inJson(name), `"id":${JSON.stringify(identity)}`];
}

/** Whether a text of JSON has the person's name in it. */
export function isNamedIn(text: string, { name }: Person): boolean {
  return withoutName(text, inJson(name)) !== text;
}

/** As it stands between the quotes of a JSON string. */
function inJson(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}

/** A line of the journal without a person; null when it does not name the person. */
export function withoutPerson(text: string, person: Person): string | null {
  const [atMs, changes, ...rest] = JSON.parse(text) as JournalLine;
  let found = false;
  const nameless = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const without = withoutName(value, person.name);
      if (without !== value) found = true;
      return without;
    }
    if (Array.isArray(value)) return value.map(nameless);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, nameless(part)]));
  };
  const anonymous = (record: Identity): Identity => {
    if (record.id !== person.identity) return record;
    found = true;
    return { ...record, id: nobodyKnown, title: '', certificates: [] };
  };
  // A decision keeps what was there before as well.
  const recordless = (change: Change & { before?: unknown }): Change => {
    const before = change.before === undefined ? {} : { before: anonymous(change.before as Identity) };
    if (change.type === 'identity.set') return { ...change, identity: anonymous(change.identity), ...before };
    if (change.type !== 'identity.deleted') return change;
    const isTheirs = change.id === person.identity;
    if (isTheirs) found = true;
    return { ...change, id: isTheirs ? nobodyKnown : change.id, ...before };
  };
  const line = [atMs, changes.map((change) => nameless(recordless(change))), ...rest.map(nameless)];
  return found ? JSON.stringify(line) : null;
}

/** What may go on a name: then it is another one. */
const goesOn = /[\p{L}\p{N}._~@%-]/u;

function withoutName(text: string, name: string): string {
  let without = text;
  for (let at = without.indexOf(name); at !== -1; at = without.indexOf(name, at + 1)) {
    const end = at + name.length;
    if (goesOn.test(without.charAt(end))) continue;
    without = without.slice(0, at) + nobodyKnown + without.slice(end);
  }
  return without;
}
