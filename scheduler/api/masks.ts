/** Field masks of updates: which fields of the sent resource count. */
import type { FieldMask__Output } from '../../proto/gen/google/protobuf/FieldMask.js';
import { type Fields, quoted } from './fields.js';

/**
 * The fields that count, by their names in the contract (snake case; lower camel case is taken as well). `sent` has
 * all that can be updated, with whether the request sets it to more than its zero value. `*` means all of them. An
 * absent or empty mask means those that are set: a field that is not cannot be told from one that is to be cleared,
 * and an old client must not clear what it knows nothing of.
 */
export function maskedFields<F extends string>(
  fields: Fields,
  mask: FieldMask__Output | null,
  sent: Record<F, boolean>,
): Set<F> {
  const known = Object.keys(sent) as F[];
  const paths = mask?.paths ?? [];
  if (paths.length === 0) return new Set(known.filter((field) => sent[field]));
  if (paths.length === 1 && paths[0] === '*') return new Set(known);
  const result = new Set<F>();
  for (const path of fields.list('update_mask', paths, 32)) {
    const snake = path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const field = known.find((name) => name === snake);
    if (field === undefined) {
      fields.fault('update_mask', `${quoted(path)} cannot be updated; only ${known.join(', ')} can`);
    } else result.add(field);
  }
  return result;
}
