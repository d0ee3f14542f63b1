/** By what the record of decisions is searched. */
import type { FilterSchema } from '../filter.js';
import type { ListedEntry } from './questions.js';

export const entryFilter: FilterSchema<ListedEntry> = {
  fields: {
    identity: ({ by }) => by.i ?? 'scheduler',
    on_behalf: ({ by }) => by.f ?? '',
    method: ({ by }) => by.m ?? '',
    request_id: ({ by }) => by.r ?? '',
    sequence: ({ sequence }) => sequence,
  },
  lists: { resource: ({ resources }) => resources },
  moments: { time: ({ atMs }) => atMs },
};
