/**
 * A cluster and what is asked of it, as a small text file: for tests, for bug reports, and to try what would be. What
 * a scenario does not care about is left out and has a plain default, so that a reader sees what matters.
 */
import { z } from 'zod';
import { strategyNames } from '../core/placement/scorers/index.js';
import {
  breachesExpectation,
  capacityExpectation,
  explainExpectation,
  hostExpectation,
  placeExpectation,
  refusedExpectation,
} from './expectation.js';
import { chosen, flag, hostId, id, ids, named, object, oneOf, partOf, text, whole } from './fields.js';
import {
  type HostChange,
  hostChange,
  hosts,
  image,
  pool,
  type SiteChange,
  site,
  siteChange,
} from './format-hosts.js';
import {
  administration,
  agreement,
  changeOfTenancy,
  dataClass,
  lending,
  loan,
  partner,
  quota,
  recall,
  rule,
  type TenancyChange,
  waiting,
} from './format-tenancy.js';
import { present, shape, vms } from './format-vms.js';

const mostPlacedAtOnce = 10_000;

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
    set: chosen<HostChange | SiteChange | TenancyChange>(
      (value) => changeOfTenancy(value) ?? (partOf(value, 'site') ? siteChange : hostChange),
    ),
    /** Of what tenancy may say no to. */
    expect: refusedExpectation.optional(),
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
  /** One administration lends another a part of its limit. */
  lend: object({ lend: lending, expect: refusedExpectation.optional() }),
  /** A loan or an agreement ends; VMs under an agreement have its notice to leave. */
  recall: object({ recall, expect: refusedExpectation.optional() }),
  /** Days go by. */
  wait: object({ wait: waiting }),
  /** The VMs that are where they may not be any more, and where each would move. */
  breaches: object({
    breaches: z.preprocess((value) => value ?? {}, object({ administration: id.optional() })),
    expect: breachesExpectation.optional(),
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
  partners: named(partner).prefault({}),
  administrations: named(administration).prefault({ town: {} }),
  classes: named(dataClass).prefault({}),
  images: named(image).prefault({ linux: {} }),
  pools: named(pool).prefault({}),
  hosts: z.array(hosts).default([]),
  quotas: z.array(quota).default([]),
  loans: named(loan).prefault({}),
  residency: named(rule).prefault({}),
  agreements: named(agreement).prefault({}),
  vms: z.array(present).default([]),
  steps: z.array(step).default([]),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Loss = z.infer<typeof loss>;
export type Step = z.infer<typeof step>;
