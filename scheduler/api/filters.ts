/** A request's filter, with its faults reported as a field's. */
import type { Fields } from './fields.js';
import { FilterError, type FilterSchema, type Predicate, parseFilter } from './filter.js';

export function filterOf<T>(fields: Fields, text: string, schema: FilterSchema<T>): Predicate<T> {
  try {
    return parseFilter(text, schema);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    fields.fault('filter', error.message);
    return () => false;
  }
}
