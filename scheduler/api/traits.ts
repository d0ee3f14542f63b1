/** Traits of hosts: given by operators, and asked for by VMs, which may ask for what a CPU can do as well. */
import { type Fields, quoted } from './fields.js';
import { mostPreferredTraits, mostTraits } from './limits.js';

const givenForm = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/;
const cpuForm = /^cpu:[A-Za-z0-9._-]{1,63}$/;
const givenWords =
  'must be 1 to 63 lower-case letters, digits, and . _ / -, and start and end with a letter or digit';
/** With the value in front of it no longer than a violation may be. */
const wantedWords =
  'must be 1 to 63 of a-z, 0-9, . _ / -, with a letter or digit at both ends; or cpu: and a feature, as in cpu:avx2';

/** What an operator gives to a host, each once. */
export function givenTraits(fields: Fields, field: string, traits: readonly string[]): string[] {
  const listed = fields.list(field, traits, mostTraits);
  for (const trait of listed) {
    if (!givenForm.test(trait)) fields.fault(field, `${quoted(trait)} ${givenWords}`);
  }
  return [...new Set(listed)];
}

/** What a VM asks of its host, each once. */
export interface WantedTraits {
  requiredTraits: string[];
  forbiddenTraits: string[];
  preferredTraits: string[];
}

export function wantedTraits(fields: Fields, at: string, wanted: WantedTraits): WantedTraits {
  const check = (field: string, traits: readonly string[], most: number) => {
    const listed = fields.list(`${at}.${field}`, traits, most);
    for (const trait of listed) {
      if (givenForm.test(trait) || cpuForm.test(trait)) continue;
      fields.fault(`${at}.${field}`, `${quoted(trait)} ${wantedWords}`);
    }
    return [...new Set(listed)];
  };
  const requiredTraits = check('required_traits', wanted.requiredTraits, mostTraits);
  const forbiddenTraits = check('forbidden_traits', wanted.forbiddenTraits, mostTraits);
  const preferredTraits = check('preferred_traits', wanted.preferredTraits, mostPreferredTraits);
  for (const trait of forbiddenTraits) {
    if (!requiredTraits.includes(trait)) continue;
    fields.fault(
      `${at}.forbidden_traits`,
      `${quoted(trait)} is required as well, so no host could do; take it out of one of the two`,
    );
  }
  return { requiredTraits, forbiddenTraits, preferredTraits };
}
