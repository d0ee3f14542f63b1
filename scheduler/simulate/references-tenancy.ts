/** Whether what tenancy speaks of in a scenario is in it. */
import type { Scope } from '../core/tenancy/model.js';
import { scopeOfKey } from '../core/tenancy/scope.js';
import type { Scenario, Step } from './format.js';
import type { TenancyChange } from './format-tenancy.js';
import type { KnownNames } from './known-names.js';
import type { Path } from './source.js';

export function checkTenancy(known: KnownNames, scenario: Scenario): void {
  const { partners, sites, quotas, loans, residency, agreements } = scenario;
  for (const [id, { administrations }] of Object.entries(partners))
    known.names('administration', administrations, ['partners', id, 'administrations']);
  for (const [id, { partner }] of Object.entries(sites)) {
    if (known.has('partner')) known.choice('partner', partner, ['sites', id, 'partner']);
    else known.name('partner', partner, ['sites', id, 'partner']);
  }
  const keys = new Set<string>();
  for (const [index, { administration, scope }] of quotas.entries()) {
    const path = ['quotas', index];
    known.choice('administration', administration, [...path, 'administration']);
    checkScope(known, scope, path);
    const key = JSON.stringify([administration, scope]);
    if (keys.has(key)) known.fault(path, 'is about the same as one before it; say all its limits in one');
    keys.add(key);
  }
  for (const [id, loan] of Object.entries(loans)) checkLoan(known, loan, ['loans', id]);
  for (const [id, rule] of Object.entries(residency)) {
    known.name('class', rule.class, ['residency', id, 'class']);
    known.name('administration', rule.administration, ['residency', id, 'administration']);
  }
  for (const [id, { partner, beneficiary }] of Object.entries(agreements)) {
    known.name('partner', partner, ['agreements', id, 'partner']);
    const path = ['agreements', id, 'beneficiary', beneficiary.kind];
    if (beneficiary.kind === 'partner') known.name('partner', beneficiary.partner, path);
    else known.name('administration', beneficiary.administration, path);
  }
}

type Loan = { lender: string; borrower: string; scope: Scope };

function checkLoan(known: KnownNames, { lender, borrower, scope }: Loan, path: Path): void {
  known.name('administration', lender, [...path, 'lender']);
  known.name('administration', borrower, [...path, 'borrower']);
  checkScope(known, scope, path);
}

function checkScope(known: KnownNames, scope: Scope, path: Path): void {
  if (scope.kind === 'site') known.name('site', scope.site, [...path, 'site']);
}

export function checkChange(known: KnownNames, change: TenancyChange, path: Path): void {
  if ('quota' in change) {
    known.name('administration', change.quota, [...path, 'quota']);
    checkScope(known, change.scope, path);
  } else if ('administration' in change) {
    known.name('administration', change.administration, [...path, 'administration']);
    known.name('administration', change.parent, [...path, 'parent']);
  } else if ('partner' in change) {
    known.name('partner', change.partner, [...path, 'partner']);
    known.names('administration', change.administrations ?? [], [...path, 'administrations']);
  } else if ('rule' in change) known.name('rule', change.rule, [...path, 'rule']);
  else if ('agreement' in change) known.name('agreement', change.agreement, [...path, 'agreement']);
  else {
    known.name('VM', change.vm, [...path, 'vm']);
    known.name('class', change.class, [...path, 'class']);
  }
}

type TenancyStep = Extract<Step, { lend: unknown } | { recall: unknown } | { breaches: unknown }>;

export function checkTenancyStep(known: KnownNames, step: TenancyStep, path: Path): void {
  if ('lend' in step) {
    checkLoan(known, step.lend, [...path, 'lend']);
    known.add('loan', step.lend.id);
  } else if ('breaches' in step) {
    known.name('administration', step.breaches.administration, [...path, 'breaches', 'administration']);
  } else if ('loan' in step.recall) known.name('loan', step.recall.loan, [...path, 'recall', 'loan']);
  else known.name('agreement', step.recall.agreement, [...path, 'recall', 'agreement']);
}

/** A quota or an agreement as a refusal names it. */
export function checkSubject(known: KnownNames, subject: string, path: Path): void {
  const [, administration, key = ''] = /^administrations\/([^/]+)\/quotas\/([^/]+)$/.exec(subject) ?? [];
  const agreement = /^agreements\/([^/]+)$/.exec(subject)?.[1];
  const scope = scopeOfKey(key);
  if (agreement !== undefined) known.name('agreement', agreement, path);
  else if (administration !== undefined && scope !== null) {
    known.name('administration', administration, path);
    checkScope(known, scope, path);
  } else {
    const form = 'administrations/A/quotas/everywhere (or country-hr, or site-S), or agreements/A';
    known.fault(path, `speaks of "${subject}"; what is exceeded is written ${form}`);
  }
}
