/**
 * Who owns sites and who may use them, how much, and where data may be. All of it may be left out: without partners all
 * sites serve everybody, and what is not limited or forbidden may be.
 */
import { z } from 'zod';
import { isExtraName } from '../core/extras.js';
import type { Beneficiary, Limits, Places, Scope } from '../core/tenancy/model.js';
import { chosen, country, flag, id, list, object, oneOf, partOf, sizeUpTo, text, whole } from './fields.js';

const mostOfALimit = 1e12;
const amount = whole(0, mostOfALimit);
const memory = sizeUpTo(mostOfALimit);
const mostDays = 36_500;

/** What is left out has no bound. */
const limits = object({
  vcpus: amount.optional(),
  memory: memory.optional(),
  disk: memory.optional(),
  vms: amount.optional(),
  extras: z
    .record(text.refine(isExtraName, 'must be the name of an extra, such as gpu:a30'), amount)
    .optional(),
}).transform(({ vcpus, memory: memoryMib, disk: diskMib, vms, extras }): Limits => {
  const said = Object.entries({ vcpus, memoryMib, diskMib, vms, extras });
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
});

/** What a quota or a loan is about; everywhere when neither is said. */
const where = { country: country.optional(), site: id.optional() };

function scopeIn(said: { country?: string; site?: string }, context: z.RefinementCtx): Scope {
  if (said.country !== undefined && said.site !== undefined)
    context.addIssue({ code: 'custom', message: 'must have "country" or "site", not both', path: ['site'] });
  if (said.country !== undefined) return { kind: 'country', country: said.country };
  return said.site === undefined ? { kind: 'everywhere' } : { kind: 'site', site: said.site };
}

const stoppedVms = oneOf('keep', 'free');

export const administration = object({
  parent: id.optional(),
  /** Left out means that of the one above it, and at the top HR. */
  country: country.optional(),
  suspended: flag.default(false),
  /** What its stopped VMs do with their vCPUs and their memory; left out means as the one above it. */
  stoppedVms: stoppedVms.optional(),
});

export const partner = object({
  country: country.default('HR'),
  /** Whose subtrees are its own; left out, all of its country. */
  administrations: list(id).default([]),
  open: flag.default(false),
});

export const quota = object({ administration: id.optional(), ...where, limit: limits }).transform(
  ({ administration, limit, ...rest }, context) => ({
    administration,
    scope: scopeIn(rest, context),
    limit,
  }),
);

const loanFields = {
  lender: id,
  borrower: id,
  ...where,
  amount: limits,
  /** When it ends; left out, only when it is recalled. */
  days: whole(1, mostDays).optional(),
};

export const loan = object(loanFields).transform(({ country, site, ...rest }, context) => ({
  ...rest,
  scope: scopeIn({ country, site }, context),
}));

export const lending = object({ id, ...loanFields }).transform(({ country, site, ...rest }, context) => ({
  ...rest,
  scope: scopeIn({ country, site }, context),
}));

export const dataClass = object({ level: whole(0, 100) });

const places = object({ countries: list(country).default([]), jurisdictions: list(text).default([]) });
const nowhere: Places = { countries: [], jurisdictions: [] };
const priority = whole(0, 1000);

export const rule = object({
  class: id,
  /** Left out, it is about all. */
  administration: id.optional(),
  allowed: places.default(nowhere),
  forbidden: places.default(nowhere),
  priority: priority.default(0),
  legalBasis: text.default('as the scenario says'),
});

const ofPartner = object({ partner: id }).transform((named): Beneficiary => ({ kind: 'partner', ...named }));
const ofAdministration = object({ administration: id }).transform(
  (named): Beneficiary => ({ kind: 'administration', ...named }),
);
const beneficiary = chosen<Beneficiary>((value) =>
  partOf(value, 'administration') ? ofAdministration : ofPartner,
);

const percent = whole(1, 100);

export const agreement = object({
  partner: id,
  beneficiary,
  limit: limits.default({}),
  /** Of what the partner's hosts offer. */
  percent: percent.optional(),
  reserve: limits.default({}),
  /** Of an hour, in millionths of a euro: of several agreements the cheapest is used first. */
  vcpuPrice: whole(0, 1e12).default(0),
  /** Days. */
  notice: whole(0, 3650).default(0),
  /** A notice that runs has begun when the scenario does. */
  state: oneOf('in_force', 'notice', 'ended').default('in_force'),
});

/** What a step may change. Terms are replaced whole. */
const quotaChange = object({
  quota: id,
  ...where,
  /** With `none` there is no quota any more. */
  limit: chosen<Limits | 'none'>((value) => (value === 'none' ? z.literal('none') : limits)),
}).transform(({ quota, limit, ...rest }, context) => ({ quota, limit, scope: scopeIn(rest, context) }));

const administrationChange = object({
  administration: id,
  parent: id.nullable().optional(),
  suspended: flag.optional(),
  stoppedVms: stoppedVms.nullable().optional(),
});

const partnerChange = object({
  partner: id,
  administrations: list(id).optional(),
  open: flag.optional(),
});

const ruleChange = object({
  rule: id,
  allowed: places.optional(),
  forbidden: places.optional(),
  priority: priority.optional(),
});

const agreementChange = object({
  agreement: id,
  limit: limits.optional(),
  percent: percent.nullable().optional(),
  reserve: limits.optional(),
});

const vmChange = object({ vm: id, class: id });

/** What a change is of, by the word that names it. */
const changes = {
  quota: quotaChange,
  administration: administrationChange,
  partner: partnerChange,
  rule: ruleChange,
  agreement: agreementChange,
  vm: vmChange,
};

/** The form of a change that is about tenancy; undefined for another. */
export function changeOfTenancy(value: unknown): z.ZodType<TenancyChange> | undefined {
  return Object.entries(changes).find(([word]) => partOf(value, word))?.[1];
}

export function isOfTenancy<T extends object>(change: T | TenancyChange): change is TenancyChange {
  return Object.keys(changes).some((word) => word in change);
}

export const recall = chosen<{ agreement: string } | { loan: string }>((value) =>
  partOf(value, 'loan') ? object({ loan: id }) : object({ agreement: id }),
);

export const waiting = object({ days: whole(1, mostDays) });

export type LoanEntry = z.infer<typeof loan>;
export type AgreementEntry = z.infer<typeof agreement>;
export type Recall = z.infer<typeof recall>;
export type TenancyChange = z.infer<(typeof changes)[keyof typeof changes]>;
