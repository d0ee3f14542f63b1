/** What a scenario expects of a step, and in what an outcome differs from it. Everything that is said is exact. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { z } from 'zod';
import { exclusionCodes } from '../core/placement/explanation.js';
import { chosen, flag, hostId, object, oneOf, size, text, whole } from './fields.js';
import { noHost } from './names.js';
import { type Exclusions, type Outcome, vmsByHost } from './outcome.js';

/** What may be compared: facts of an outcome by name, and the same of an expectation for those that it speaks of. */
type Facts = Record<string, unknown>;

const count = whole(0, 1_000_000);
const byCode = <T extends z.ZodType>(value: T) =>
  object(Object.fromEntries(exclusionCodes.map((code) => [code, value.optional()])));
const codes = byCode(count);
const why = {
  sole: codes.optional(),
  suggestion: text.optional(),
  temporary: flag.optional(),
  excluded: codes.optional(),
  /** The quotas and agreements that say no, as the contract names them. */
  exceeded: z.array(text).optional(),
};
const breachCode = oneOf('NOT_LAWFUL', 'AGREEMENT_ENDED', 'NO_AGREEMENT');
const host = z.union([hostId, z.literal(noHost)], `must be a host, or ${noHost}`);

export const refusedExpectation = object({
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
  if ('refused' in value) return refusedExpectation;
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
  misses: byCode(object({ hosts: count, missing: size })).optional(),
  extraMisses: z.record(text, object({ hosts: count, missing: count })).optional(),
  lackedExtras: z.record(text, count).optional(),
  ...why,
});

export const capacityExpectation = z.record(text, count).transform((bySite): Facts => ({ bySite }));

/**
 * Where each VM in breach would move, `none` for one that can go nowhere; or with `because` also the reason why it may not
 * be where it is.
 */
export const breachesExpectation = chosen<Facts>((value) => {
  const isShort =
    typeof value !== 'object' ||
    value === null ||
    Object.values(value).every((one) => typeof one === 'string');
  if (isShort) return z.record(text, host).transform((moves): Facts => ({ moves }));
  return z.record(text, object({ to: host, because: breachCode })).transform((breaches): Facts => {
    const entries = Object.entries(breaches);
    return {
      moves: Object.fromEntries(entries.map(([vm, { to }]) => [vm, to])),
      because: Object.fromEntries(entries.map(([vm, { because }]) => [vm, because])),
    };
  });
});

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
      const { reason, excluded, exceeded, why } = outcome;
      return { reason, excluded, exceeded, ...(why === null ? {} : factsOfWhy(why)) };
    }
    case 'unplaced':
      return { host: noHost };
    case 'explained': {
      const { chosen, runnerUp, hosts, eligible, misses, extraMisses, lackedExtras } = outcome;
      const { displaces, displaceHost, exceeded } = outcome;
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
        exceeded,
        ...factsOfWhy(outcome),
      };
    }
    case 'capacity':
      return { bySite: outcome.bySite };
    case 'breaches': {
      const { vms } = outcome;
      return {
        moves: Object.fromEntries(vms.map(({ name, to }) => [name, to])),
        because: Object.fromEntries(vms.map(({ name, reason }) => [name, reason])),
      };
    }
    case 'done':
      return {};
  }
}

function factsOfWhy({ excluded, sole, suggestion, temporary }: Exclusions): Facts {
  return { excluded, sole, suggestion, temporary };
}
