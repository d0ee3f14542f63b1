/** Field masks of updates: which fields of the sent resource count. */
import type { FieldMask__Output } from '../../proto/gen/google/protobuf/FieldMask.js';
import { type Fields, quoted } from './fields.js';

/**
 * The masked fields, by their names in the contract (snake case; lower camel case is taken as well). An absent or
 * empty mask, and `*`, mean all of `known`.
 */
export function maskedFields<F extends string>(
  fields: Fields,
  mask: FieldMask__Output | null,
  known: readonly F[],
): Set<F> {
  const paths = mask?.paths ?? [];
  if (paths.length === 0 || (paths.length === 1 && paths[0] === '*')) return new Set(known);
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
