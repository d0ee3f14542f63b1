/** Entries of a scenario: what has the simulation's plain default is left out. */

export type Entry = Record<string, unknown>;

/** Only what is not as it would be anyway. */
export function unlike(defaults: Entry, entry: Entry): Entry {
  const said = Object.entries(entry).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]) && value !== undefined,
  );
  return Object.fromEntries(said);
}
