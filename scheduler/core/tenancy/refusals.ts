/** How a limit, a rule or a missing agreement says no. */
import type { Administration, Site } from '../model.js';
import { type Confidential, type Refusal, refuse } from '../refusal.js';
import { amountWords } from './holdings.js';
import { scopeKey, scopeWords } from './scope.js';
import type { Exceeded } from './limits.js';

/** The resource whose limit it is, as a name of the contract. */
export function subjectOf(exceeded: Exceeded): string {
  if (exceeded.code !== 'QUOTA_EXCEEDED') return `agreements/${exceeded.agreement.id}`;
  const { administration, scope } = exceeded.quota;
  return `administrations/${administration}/quotas/${scopeKey(scope)}`;
}

/** With the numbers, and what would help. */
export function exceededWords(exceeded: Exceeded): string {
  const { resource, limit, used, more } = exceeded;
  const left = Math.max(0, limit - used);
  const numbers = `${amountWords(more, resource)} more would make ${used + more}`;
  if (exceeded.code === 'QUOTA_EXCEEDED') {
    const { administration, scope } = exceeded.quota;
    const helps = `ask for at most ${left}, free ${used + more - limit}, borrow them (secovia lend create), or have the limit raised`;
    return `administration "${administration}" may use ${amountWords(limit, resource)} ${scopeWords(scope)} and uses ${used}: ${numbers}; ${helps}`;
  }
  const { id, partner } = exceeded.agreement;
  if (exceeded.code === 'AGREEMENT_EXHAUSTED')
    return `agreement "${id}" allows ${amountWords(limit, resource)} on sites of partner "${partner}", of which ${used} are used: ${numbers}; ask for at most ${left}, free ${used + more - limit}, or agree on more`;
  return `partner "${partner}" keeps a reserve for its own administrations: others may use ${amountWords(limit, resource)} there and use ${used}, ${numbers}; ask for at most ${left}, or for another site`;
}

/** The numbers are of whoever the limit holds for; others are told that it is used up, and whose it is. */
export function confidentialOf(exceeded: Exceeded, metadata: string[] = []): Confidential {
  const words = exceededWords(exceeded);
  if (exceeded.code === 'QUOTA_EXCEEDED') {
    const { administration, scope } = exceeded.quota;
    const instead = `the quota of administration "${administration}" ${scopeWords(scope)} is used up; ask for less, or have it raised`;
    return { of: { kind: 'administration', id: administration }, words, instead, metadata };
  }
  const { id, partner } = exceeded.agreement;
  if (exceeded.code === 'AGREEMENT_EXHAUSTED') {
    const instead = `agreement "${id}" with partner "${partner}" is used up; ask for less, or for another site`;
    return { of: { kind: 'agreement', id }, words, instead, metadata };
  }
  const instead = `partner "${partner}" keeps what is left for its own administrations; ask for less, or for another site`;
  return { of: { kind: 'partner', id: partner }, words, instead, metadata };
}

/** The refusal of what would exceed these limits; of a quota's, with each of them. */
export function refuseExceeded(exceeded: readonly [Exceeded, ...Exceeded[]]): Refusal {
  const [first] = exceeded;
  const { resource, limit, used, more } = first;
  const metadata = {
    subject: subjectOf(first),
    resource,
    limit: String(limit),
    used: String(used),
    more: String(more),
    left: String(Math.max(0, limit - used)),
  };
  return {
    ...refuse('exhausted', first.code, exceededWords(first), metadata),
    quota: exceeded.map((one) => ({ subject: subjectOf(one), description: exceededWords(one) })),
    confidential: exceeded.map((one) => confidentialOf(one, one === first ? ['limit', 'used', 'left'] : [])),
  };
}

export function refuseSuspended(administration: Administration): Refusal {
  return refuse(
    'precondition',
    'ADMINISTRATION_SUSPENDED',
    `administration "${administration.id}" is suspended: it and those below it make, start and enlarge no VMs until it is resumed (secovia administration resume ${administration.id})`,
    { administration: administration.id },
  );
}

/** A VM may not be where it is, or not grow or start there any more. */
export function refuseUnlawful(
  administration: string,
  dataClass: string,
  site: Site,
  rule: string | null,
  what: string,
): Refusal {
  const why =
    rule === null
      ? `data of class "${dataClass}" stay in their own country unless a residency rule allows more`
      : `residency rule "${rule}" forbids it`;
  return refuse(
    'precondition',
    'NOT_LAWFUL',
    `${what}: data of class "${dataClass}" of administration "${administration}" may not be on site "${site.id}" in ${site.country} (${why})`,
    { administration, data_class: dataClass, site: site.id, ...(rule === null ? {} : { rule }) },
  );
}
