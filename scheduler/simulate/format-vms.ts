/** What a scenario says of VMs: those that are asked for, and those that are there from the start. */
import { z } from 'zod';
import { plainPriority, priorities } from '../core/priority.js';
import {
  country,
  flag,
  hostId,
  id,
  ids,
  list,
  object,
  oneOf,
  oneOrMany,
  size,
  text,
  whole,
} from './fields.js';
import { extras, pageSizes } from './format-hosts.js';

const group = object({
  group: id,
  policy: oneOf('apart', 'together', 'spread'),
  scope: oneOf('host', 'rack', 'site').default('host'),
  soft: flag.default(false),
  maxSkew: whole(1, 1000).optional(),
}).check(({ value, issues }) => {
  const fault = (path: string, message: string) =>
    issues.push({ code: 'custom', message, path: [path], input: value });
  if (value.policy !== 'spread' && value.maxSkew !== undefined)
    fault('maxSkew', 'is only for policy: spread');
  if (value.policy === 'spread' && value.scope === 'host')
    fault('scope', 'must be rack or site when the policy is spread');
});

export const shape = {
  administration: id.optional(),
  vcpus: whole(1, 4096).default(1),
  memory: size.default(1024),
  disk: size.default(10 * 1024),
  image: id.optional(),
  pool: id.optional(),
  /** Of its data; left out means internal. */
  class: id.optional(),
  extras: extras.default({}),
  hugepages: oneOf(...pageSizes).optional(),
  /** How many equal cells. */
  numa: whole(1, 8).optional(),
  dedicatedCpus: flag.default(false),
  sites: list(id).default([]),
  countries: list(country).default([]),
  jurisdictions: list(text).default([]),
  excludedHosts: list(hostId).default([]),
  requireTraits: list(text).default([]),
  forbidTraits: list(text).default([]),
  preferTraits: list(text).default([]),
  preferSites: list(id).default([]),
  preferSitesInOrder: flag.default(false),
  preferCheap: flag.default(false),
  priority: oneOf(...priorities).default(plainPriority),
  groups: z
    .array(group)
    .refine((all) => new Set(all.map((one) => one.group)).size === all.length, 'names a group twice')
    .default([]),
};

export const vms = object({ name: id.optional(), names: ids.optional(), ...shape }).transform(
  ({ name, names, ...rest }, context) => ({ names: oneOrMany('name', name, names, context), shape: rest }),
);

/** VMs that are there from the start, where they are said to be, whatever the rules say of that. */
export const present = object({
  name: id.optional(),
  names: ids.optional(),
  /** Left out for one that no host has. */
  host: hostId.optional(),
  /** The NUMA cells of its host that it has, if it asks for some. */
  cells: z.array(whole(0, 4095)).optional(),
  /** Under which it is on the site of another partner. */
  agreement: id.optional(),
  /** It is stopped, and has given up all but its disk, for another one. */
  displaced: flag.default(false),
  /** The same, because its administration has it so. */
  parked: flag.default(false),
  deletionProtection: flag.default(false),
  /** When it was created, in milliseconds since 1970: what is made in the steps comes after all of these. */
  createdMs: whole(0, 2 ** 42).default(0),
  ...shape,
}).transform(({ name, names, cells: numaCells, ...entry }, context) => {
  const { host, agreement, displaced, parked, deletionProtection, createdMs, ...shape } = entry;
  const there = { host, numaCells, agreement, displaced, parked, deletionProtection, createdMs };
  return { names: oneOrMany('name', name, names, context), ...there, shape };
});

export type PresentVms = z.infer<typeof present>;
export type Shape = z.infer<z.ZodObject<typeof shape>>;
