/** Sites, hosts and pools of a scenario, and what can be changed of them. */
import { z } from 'zod';
import { isExtraName } from '../core/extras.js';
import {
  country,
  flag,
  hostId,
  hostIds,
  id,
  list,
  object,
  oneOf,
  oneOrMany,
  size,
  text,
  whole,
} from './fields.js';

const overcommit = whole(10, 3200);
const defaultMemoryMib = 64 * 1024;
const defaultDiskMib = 1024 * 1024;

export const site = object({
  /** Left out where there is only one, or none. */
  partner: id.optional(),
  country: country.default('HR'),
  jurisdictions: list(text).default(['EU']),
  /** vCPUs for each 100 CPUs. */
  vcpuOvercommit: overcommit.default(100),
  keepFailoverRoom: flag.default(false),
  cordoned: flag.default(false),
  recovering: flag.default(false),
  priceTier: whole(0, 99).default(0),
});

export const image = object({
  architecture: text.default('x86_64'),
  /** No disk of a VM may be smaller. */
  size: size.default(1),
});

export const pool = object({ site: id.optional(), hosts: hostIds, capacity: size.default(defaultDiskMib) });

const hostStates = ['joined', 'ready', 'suspect', 'lost', 'quarantined', 'retired'] as const;

const mostExtras = 16;
export const extras = z
  .record(text.refine(isExtraName, 'must be the name of an extra, such as gpu:a30'), whole(1, 10_000))
  .refine((all) => Object.keys(all).length <= mostExtras, `names more than ${mostExtras}`);

export const pageSizes = ['2Mi', '1Gi'] as const;

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

export const hosts = object({
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

export const hostChange = object({ host: hostId, ...z.object(hostFields).partial().shape });
export const siteChange = object({
  site: id,
  jurisdictions: list(text).optional(),
  vcpuOvercommit: overcommit.optional(),
  keepFailoverRoom: flag.optional(),
  cordoned: flag.optional(),
  recovering: flag.optional(),
  priceTier: whole(0, 99).optional(),
});

export type HostEntry = z.infer<typeof hosts>;
export type CellEntry = z.infer<typeof cells>[number];
export type HostChange = z.infer<typeof hostChange>;
export type SiteChange = z.infer<typeof siteChange>;
