/**
 * A cluster and what is asked of it, as a small text file: for tests, for bug reports, and to try what would be. What
 * a scenario does not care about is left out and has a plain default, so that a reader sees what matters.
 */
import { z } from 'zod';
import { isExtraName } from '../core/extras.js';
import { plainPriority, priorities } from '../core/priority.js';
import { strategyNames } from '../core/placement/scorers/index.js';
import { capacityExpectation, explainExpectation, hostExpectation, placeExpectation } from './expectation.js';
import {
  chosen,
  country,
  flag,
  hostId,
  hostIds,
  id,
  ids,
  list,
  named,
  object,
  oneOf,
  size,
  text,
  whole,
} from './fields.js';

const overcommit = whole(10, 3200);
const mostPlacedAtOnce = 10_000;
const defaultMemoryMib = 64 * 1024;
const defaultDiskMib = 1024 * 1024;

const site = object({
  country: country.default('HR'),
  jurisdictions: list(text).default(['EU']),
  /** vCPUs for each 100 CPUs. */
  vcpuOvercommit: overcommit.default(100),
  keepFailoverRoom: flag.default(false),
  cordoned: flag.default(false),
  recovering: flag.default(false),
  priceTier: whole(0, 99).default(0),
});

const administration = object({ parent: id.optional() });

const image = object({
  architecture: text.default('x86_64'),
  /** No disk of a VM may be smaller. */
  size: size.default(1),
});

const pool = object({ site: id.optional(), hosts: hostIds, capacity: size.default(defaultDiskMib) });

const hostStates = ['joined', 'ready', 'suspect', 'lost', 'quarantined', 'retired'] as const;

const mostExtras = 16;
const extras = z
  .record(text.refine(isExtraName, 'must be the name of an extra, such as gpu:a30'), whole(1, 10_000))
  .refine((all) => Object.keys(all).length <= mostExtras, `names more than ${mostExtras}`);

const pageSizes = ['2Mi', '1Gi'] as const;

/** In the order of their ids, which begin with 0. */
const cells = z.array(
  object({
    cpus: whole(1, 4096),
    /** Ordinary memory. */
    memory: size.default(0),
    hugepages: z.partialRecord(z.enum(pageSizes), whole(1, 1_000_000)).default({}),
  }),
);

const hostFields = {
  vcpus: whole(0, 4096),
  memory: size,
  disk: size,
  vms: whole(0, 100_000),
  extras,
  cells,
  architecture: text,
  cpuFeatures: list(text),
  traits: list(text),
  dedicatedTo: id.nullable(),
  vcpuOvercommit: overcommit.nullable(),
  cordoned: flag,
  state: oneOf(...hostStates),
};

const hosts = object({
  id: hostId.optional(),
  ids: hostIds.optional(),
  site: id.optional(),
  rack: text.default(''),
  vcpus: hostFields.vcpus.default(16),
  memory: hostFields.memory.default(defaultMemoryMib),
  disk: hostFields.disk.default(defaultDiskMib),
  vms: hostFields.vms.default(1000),
  extras: hostFields.extras.default({}),
  cells: hostFields.cells.default([]),
  architecture: hostFields.architecture.default('x86_64'),
  cpuFeatures: hostFields.cpuFeatures.default([]),
  traits: hostFields.traits.default([]),
  dedicatedTo: hostFields.dedicatedTo.default(null),
  vcpuOvercommit: hostFields.vcpuOvercommit.default(null),
  cordoned: hostFields.cordoned.default(false),
  state: hostFields.state.default('ready'),
}).transform(({ id: one, ids: many, ...rest }, context) => {
  return { ids: oneOrMany('id', one, many, context), ...rest };
});

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

const shape = {
  administration: id.optional(),
  vcpus: whole(1, 4096).default(1),
  memory: size.default(1024),
  disk: size.default(10 * 1024),
  image: id.optional(),
  pool: id.optional(),
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

const vms = object({ name: id.optional(), names: ids.optional(), ...shape }).transform(
  ({ name, names, ...rest }, context) => ({ names: oneOrMany('name', name, names, context), shape: rest }),
);

/** VMs that are there from the start, where they are said to be, whatever the rules say of that. */
const present = object({
  name: id.optional(),
  names: ids.optional(),
  /** Left out for one that no host has. */
  host: hostId.optional(),
  /** The NUMA cells of its host that it has, if it asks for some. */
  cells: z.array(whole(0, 4095)).optional(),
  /** It is stopped, and has given up all but its disk. */
  displaced: flag.default(false),
  deletionProtection: flag.default(false),
  /** When it was created, in milliseconds since 1970: what is made in the steps comes after all of these. */
  createdMs: whole(0, 2 ** 42).default(0),
  ...shape,
}).transform(({ name, names, host, cells, displaced, deletionProtection, createdMs, ...rest }, context) => ({
  names: oneOrMany('name', name, names, context),
  host,
  numaCells: cells,
  displaced,
  deletionProtection,
  createdMs,
  shape: rest,
}));

/** What `x` and `xs` together name: one of the two must be there. */
function oneOrMany(
  key: string,
  one: string | undefined,
  many: string[] | undefined,
  context: z.RefinementCtx,
): string[] {
  if ((one === undefined) !== (many === undefined)) return many ?? [one as string];
  const message = `must have either "${key}", for one, or "${key}s", for a range or a list`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const partOf = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && key in value;

const hostChange = object({ host: hostId, ...z.object(hostFields).partial().shape });
const siteChange = object({
  site: id,
  jurisdictions: list(text).optional(),
  vcpuOvercommit: overcommit.optional(),
  keepFailoverRoom: flag.optional(),
  cordoned: flag.optional(),
  recovering: flag.optional(),
  priceTier: whole(0, 99).optional(),
});

const loss = chosen<{ host: string } | { site: string; rack?: string }>((value) =>
  partOf(value, 'host') ? object({ host: hostId }) : object({ site: id, rack: text.optional() }),
);

/** What can be done and asked, by the word that a step begins with. */
const steps = {
  /** One decision: all or none, or as many as can be. */
  place: object({
    place: chosen((value) =>
      Array.isArray(value) ? z.array(vms).min(1, 'is empty') : vms.transform((one) => [one]),
    ).refine(
      (all) => all.reduce((sum, { names }) => sum + names.length, 0) <= mostPlacedAtOnce,
      `asks for more than ${mostPlacedAtOnce} VMs at once`,
    ),
    bestEffort: flag.default(false),
    /** VMs that are stopped, and give up their room for the one that is placed. */
    displace: ids.optional(),
    expect: placeExpectation.optional(),
  }),
  /** VMs leave. */
  remove: object({ remove: ids }),
  /** The host that has a VM refuses it, and it is placed anew. */
  refuse: object({ refuse: id, expect: hostExpectation.optional() }),
  set: object({
    set: chosen<z.infer<typeof hostChange> | z.infer<typeof siteChange>>((value) =>
      partOf(value, 'site') ? siteChange : hostChange,
    ),
  }),
  join: object({ join: hosts }),
  /** Hosts whose leases have ended: nothing new goes there, and what they have stays theirs. */
  lose: object({ lose: loss }),
  /** The VMs of such hosts are placed anew, as if each could be made again; where that may be nobody asks its disk. */
  evacuate: object({ evacuate: loss, expect: placeExpectation.optional() }),
  explain: object({ explain: object(shape), expect: explainExpectation.optional() }),
  capacity: object({
    capacity: object({ ...shape, limit: whole(1, 10_000).default(10_000) }),
    expect: capacityExpectation.optional(),
  }),
};

type Verb = keyof typeof steps;
const verbs = Object.keys(steps) as Verb[];

const step = chosen<{ [V in Verb]: z.infer<(typeof steps)[V]> }[Verb]>((value) => {
  const verb = verbs.find((one) => partOf(value, one));
  return verb === undefined
    ? z.custom<never>(() => false, `must have one of ${verbs.join(', ')}`)
    : (steps[verb] as z.ZodType<z.infer<(typeof steps)[Verb]>>);
});

export const scenarioSchema = object({
  about: text
    .min(1, 'is empty; say in a sentence what this shows')
    .refine((one) => !/\n./.test(one), 'must be one line'),
  strategy: oneOf(...strategyNames).default('pack'),
  sites: named(site).prefault({ zagreb: {} }),
  administrations: named(administration).prefault({ town: {} }),
  images: named(image).prefault({ linux: {} }),
  pools: named(pool).prefault({}),
  hosts: z.array(hosts).default([]),
  vms: z.array(present).default([]),
  steps: z.array(step).default([]),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type HostEntry = z.infer<typeof hosts>;
export type PresentVms = z.infer<typeof present>;
export type Loss = z.infer<typeof loss>;
export type Shape = z.infer<z.ZodObject<typeof shape>>;
export type Step = z.infer<typeof step>;
export type CellEntry = z.infer<typeof cells>[number];
export type HostChange = z.infer<typeof hostChange>;
export type SiteChange = z.infer<typeof siteChange>;
