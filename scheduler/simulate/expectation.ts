/** What a scenario expects of a step, and in what an outcome differs from it. Everything that is said is exact. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { z } from 'zod';
import { exclusionCodes } from '../core/placement/explanation.js';
import { chosen, flag, hostId, object, size, text, whole } from './fields.js';
import { noHost } from './names.js';
import { type Exclusions, type Outcome, vmsByHost } from './outcome.js';

/** What may be compared: facts of an outcome by name, and the same of an expectation for those that it speaks of. */
type Facts = Record<string, unknown>;

const count = whole(0, 1_000_000);
const byCode = <T extends z.ZodType>(value: T) =>
  object(Object.fromEntries(exclusionCodes.map((code) => [code, value.optional()])));
const codes = byCode(count);
const why = { sole: codes.optional(), suggestion: text.optional(), temporary: flag.optional() };
const host = z.union([hostId, z.literal(noHost)], `must be a host, or ${noHost}`);

const refused = object({
  /** A reason, or for want of a host how many each reason excludes first. */
  refused: chosen<Facts>((value) =>
    typeof value === 'string'
      ? text.transform((reason) => ({ reason }))
      : codes.transform((excluded) => ({ reason: 'NO_HOST', excluded })),
  ),
  ...why,
}).transform(({ refused, ...rest }): Facts => ({ ...refused, ...rest }));

const onOne = hostId.transform((one): Facts => ({ host: one }));
const byVm = z.record(text, host).transform((hostOf): Facts => ({ hostOf }));
const byHost = z.record(text, count).transform((vmsOf): Facts => ({ vmsOf }));

/**
 * Of one VM, or of all of a step, its host; of several, how many each host gets, or the host of each, where `none` is for
 * those that get none; or a refusal.
 */
export const placeExpectation = chosen<Facts>((value) => {
  if (typeof value !== 'object' || value === null) return onOne;
  if ('refused' in value) return refused;
  return Object.values(value).every((one) => typeof one === 'string') ? byVm : byHost;
});

export const hostExpectation = host.transform((one): Facts => ({ host: one }));

export const explainExpectation = object({
  chosen: host.optional(),
  runnerUp: host.optional(),
  /** Of the chosen one, as the next. */
  softViolations: count.optional(),
  priceTier: count.optional(),
  sitePreference: count.optional(),
  sparedForGpus: flag.optional(),
  numaCells: z.array(count).optional(),
  hosts: count.optional(),
  eligible: count.optional(),
  displaces: z.array(text).optional(),
  displaceHost: host.optional(),
  excluded: codes.optional(),
  misses: byCode(object({ hosts: count, missing: size })).optional(),
  extraMisses: z.record(text, object({ hosts: count, missing: count })).optional(),
  lackedExtras: z.record(text, count).optional(),
  ...why,
});

export const capacityExpectation = z.record(text, count).transform((bySite): Facts => ({ bySite }));

/** A sentence for each fact that is not as expected. */
export function differences(expected: Facts, outcome: Outcome): string[] {
  const facts = factsOf(outcome);
  const said = Object.entries(expected).filter(([, value]) => value !== undefined);
  return said
    .filter(([name, value]) => !isDeepStrictEqual(value, facts[name]))
    .map(([name, value]) => {
      const what = plainFacts.includes(name) ? '' : `${name} `;
      return `expected ${what}${shown(value)}, found ${shown(facts[name])}`;
    });
}

/** What an expectation says without naming it. */
const plainFacts = ['host', 'hostOf', 'vmsOf', 'bySite'];

const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();

function factsOf(outcome: Outcome): Facts {
  switch (outcome.kind) {
    case 'placed': {
      const hostOf = Object.fromEntries(outcome.vms.map(({ name, host }) => [name, host]));
      const vmsOf = vmsByHost(outcome.vms);
      const [one, another] = Object.keys(vmsOf);
      return { host: another === undefined ? one : vmsOf, hostOf, vmsOf };
    }
    case 'refused': {
      const { reason, excluded, why } = outcome;
      return { reason, excluded, ...(why === null ? {} : factsOfWhy(why)) };
    }
    case 'unplaced':
      return { host: noHost };
    case 'explained': {
      const { chosen, runnerUp, hosts, eligible, misses, extraMisses, lackedExtras } = outcome;
      const { displaces, displaceHost } = outcome;
      return {
        chosen: chosen?.host ?? noHost,
        runnerUp: runnerUp?.host ?? noHost,
        softViolations: chosen?.softViolations,
        priceTier: chosen?.priceTier,
        sitePreference: chosen?.sitePreference,
        hosts,
        eligible,
        misses,
        extraMisses,
        lackedExtras,
        sparedForGpus: chosen?.sparedForGpus,
        numaCells: chosen?.numaCells,
        displaces,
        displaceHost,
        ...factsOfWhy(outcome),
      };
    }
    case 'capacity':
      return { bySite: outcome.bySite };
    case 'done':
      return {};
  }
}

function factsOfWhy({ excluded, sole, suggestion, temporary }: Exclusions): Facts {
  return { excluded, sole, suggestion, temporary };
}
