/** Counted extras that a VM asks for, checked for form. */
import { isExtraName, sortedExtras } from '../core/extras.js';
import type { Extras } from '../core/model.js';
import { type Fields, quoted } from './fields.js';
import { mostExtras, mostOfOneExtra } from './limits.js';

export const extraNameWords =
  'a name must be 1 to 63 of a-z, 0-9, . _ / : -, with a letter or digit at both ends, as in gpu:a30';

/** Undefined when it asks for none. */
export function wantedExtras(fields: Fields, field: string, wanted: Extras): Extras | undefined {
  const names = fields.list(field, Object.keys(wanted), mostExtras);
  for (const name of names) {
    if (isExtraName(name)) fields.whole(`${field}.${name}`, wanted[name] as number, 1, mostOfOneExtra);
    else fields.fault(`${field}.${quoted(name)}`, extraNameWords);
  }
  return sortedExtras(wanted);
}
