/**
 * Checks of a request's form. Every fault is collected, so that a caller hears of all of them at once, and the call
 * is refused with field violations before anything is decided.
 */
import type { VmRef } from '../core/commands.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { leastOvercommitPercent, mostJurisdictions, mostOvercommitPercent } from './limits.js';
import { type Collection, idIn, patternOf, vmNamePattern, vmRefIn } from '../render/names.js';

const idForm = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostIdForm = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const countryForm = /^[A-Z]{2}$/;
const jurisdictionForm = /^[A-Za-z][A-Za-z0-9-]{0,31}$/;
const labelKeyForm = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/;
/** Controls, lone surrogates, line and paragraph separators, and the marks that turn text around. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

export const titleLimit = 200;
export const labelLimit = 64;
export const labelValueLimit = 256;
const shownLimit = 80;
/** Faults of one request that are told; a batch can have thousands. */
const toldFaults = 10;

/** A caller's value as it may stand in a message: quoted, and not longer than a line. */
export function quoted(value: string): string {
  const cut = value.length > shownLimit ? `${value.slice(0, shownLimit)}…` : value;
  return JSON.stringify(cut);
}

export class Fields {
  readonly violations: { field: string; description: string }[] = [];
  #more = 0;

  fault(field: string, description: string): void {
    if (this.violations.length < toldFaults) this.violations.push({ field, description });
    else this.#more += 1;
  }

  /** The refusal that names the faults, or null when there is none. */
  get refusal(): Refusal | null {
    if (this.violations.length === 0) return null;
    const sentences = this.violations.map(({ field, description }) => `${field}: ${description}`);
    if (this.#more > 0) sentences.push(`and ${this.#more} more`);
    return {
      ...refuse('invalid', 'INVALID_FIELDS', sentences.join('; ')),
      violations: this.violations,
    };
  }

  id(field: string, value: string): string {
    if (!idForm.test(value)) {
      this.fault(
        field,
        `${quoted(value)} must be 1 to 63 lower-case letters, digits and hyphens, start with a letter, and not end with a hyphen`,
      );
    }
    return value;
  }

  hostId(field: string, value: string): string {
    if (!hostIdForm.test(value)) {
      this.fault(
        field,
        `${quoted(value)} must be 1 to 63 lower-case letters, digits, dots and hyphens, and start and end with a letter or digit`,
      );
    }
    return value;
  }

  /** The id in a resource name. */
  name(field: string, collection: Collection, value: string): string {
    const id = idIn(collection, value);
    if (id === null) this.fault(field, `${quoted(value)} must look like ${patternOf(collection)}`);
    return id ?? '';
  }

  vmName(field: string, value: string): VmRef {
    const ref = vmRefIn(value);
    if (ref === null) this.fault(field, `${quoted(value)} must look like ${vmNamePattern}`);
    return ref ?? { uid: '' };
  }

  text(field: string, value: string, limit: number): string {
    if (value.length > limit)
      this.fault(field, `has ${value.length} characters, and at most ${limit} are allowed`);
    else if (unprintable.test(value)) this.fault(field, 'has control characters, which are not allowed');
    return value;
  }

  country(field: string, value: string): string {
    if (!countryForm.test(value)) {
      this.fault(field, `${quoted(value)} must be two capital letters (ISO 3166-1 alpha-2), for example HR`);
    }
    return value;
  }

  /** Each once. */
  jurisdictions(field: string, list: readonly string[]): string[] {
    const listed = this.list(field, list, mostJurisdictions);
    for (const jurisdiction of listed) {
      if (!jurisdictionForm.test(jurisdiction)) {
        this.fault(
          field,
          `${quoted(jurisdiction)} must be 1 to 32 letters, digits and hyphens, and start with a letter, for example EU`,
        );
      }
    }
    return [...new Set(listed)];
  }

  /** vCPUs for each 100 CPUs; null when it is not said. */
  overcommitPercent(field: string, value: number): number | null {
    if (value === 0) return null;
    if (value < leastOvercommitPercent || value > mostOvercommitPercent) {
      const range = `from ${leastOvercommitPercent} to ${mostOvercommitPercent}`;
      this.fault(field, `${value} must be a whole number ${range}, or 0`);
    }
    return value;
  }

  whole(field: string, value: number, least: number, most: number): number {
    if (!Number.isInteger(value) || value < least || value > most) {
      this.fault(field, `${value} must be a whole number from ${least} to ${most}`);
    }
    return value;
  }

  uuid(field: string, value: string): string {
    if (!uuidForm.test(value)) this.fault(field, `${quoted(value)} must be a UUID`);
    return value.toLowerCase();
  }

  labels(field: string, labels: Record<string, string>): Record<string, string> {
    const entries = Object.entries(labels);
    if (entries.length > labelLimit) {
      this.fault(field, `has ${entries.length} labels, and at most ${labelLimit} are allowed`);
      return {};
    }
    for (const [key, value] of entries) {
      if (!labelKeyForm.test(key)) {
        this.fault(
          `${field}.${quoted(key)}`,
          'a key must be 1 to 63 lower-case letters, digits, and . _ / -, and start and end with a letter or digit',
        );
      } else this.text(`${field}.${key}`, value, labelValueLimit);
    }
    return labels;
  }

  list<T>(field: string, values: readonly T[], most: number): readonly T[] {
    if (values.length > most) {
      this.fault(field, `has ${values.length} entries, and at most ${most} are allowed`);
      return [];
    }
    return values;
  }

  /**
   * The meaning of an enumeration's value, where `names` maps those that may be sent. Numbers that the contract does
   * not know arrive as numbers.
   */
  choice<T>(field: string, value: string | number, names: Record<string, T>): T {
    const found = typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : undefined;
    if (found === undefined) {
      this.fault(field, `${quoted(String(value))} must be one of ${Object.keys(names).join(', ')}`);
      return Object.values(names)[0] as T;
    }
    return found;
  }

  present<T>(field: string, value: T | null | undefined): value is T {
    if (value !== null && value !== undefined) return true;
    this.fault(field, 'is missing');
    return false;
  }
}
