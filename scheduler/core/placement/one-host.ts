/** A VM that can be on one host and on no other: the same rules, asked of that host, and everything that stands against it. */
import type { Host, VmSpec } from '../model.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { closing, type Exceeded, exceededEverywhere } from '../tenancy/limits.js';
import { confidentialOf, exceededWords, subjectOf } from '../tenancy/refusals.js';
import { amountsOf, type ResourceCode } from './amounts.js';
import { type ExclusionCode, reasonsAgainst } from './explanation.js';
import { exclusionWords } from './no-host.js';
import type { PlacementRequest } from './request.js';

/** Why the host of a row cannot take a VM; null when it can. */
export function refusedThere(
  state: State,
  request: PlacementRequest,
  row: number,
  spec: VmSpec,
  name: string,
): Refusal | null {
  const reasons = reasonsAgainst(state, request)(row);
  if (reasons.length === 0) return null;
  const host = state.hostTable.hosts[row] as Host;
  const exceeded = exceededThere(state, request, host.site);
  const words = reasons.map(
    (code) => `it ${exclusionWords[code](1).slice(2)}${lack(state, request, row, code)}`,
  );
  const size = `${spec.vcpus} vCPU, ${spec.memoryMib} MiB memory, ${spec.diskMib} MiB disk`;
  const sentence = `host "${host.id}" cannot take VM "${name}" (${size}): ${words.join(', ')}`;
  const { kind, reason } = causeOf(reasons);
  const message = [sentence, ...exceeded.map(exceededWords)].join('; ');
  const refusal = refuse(kind, reason, message, { reasons: reasons.join(' ') });
  if (exceeded.length === 0) return refusal;
  const quota = exceeded.map((one) => ({ subject: subjectOf(one), description: exceededWords(one) }));
  return { ...refusal, quota, confidential: exceeded.map((one) => confidentialOf(one)) };
}

/** What law and limits say is named first: no room on the host helps against it. */
function causeOf(reasons: readonly ExclusionCode[]): Pick<Refusal, 'kind' | 'reason'> {
  const limit = (['QUOTA_EXCEEDED', 'AGREEMENT_EXHAUSTED', 'RESERVE_KEPT'] as const).find((code) =>
    reasons.includes(code),
  );
  const law = (['NOT_LAWFUL', 'NO_AGREEMENT'] as const).find((code) => reasons.includes(code));
  if (law !== undefined) return { kind: 'precondition', reason: law };
  if (limit !== undefined) return { kind: 'exhausted', reason: limit };
  return { kind: 'precondition', reason: 'HOST_CANNOT_TAKE_IT' };
}

function exceededThere({ tenancy }: State, request: PlacementRequest, site: string): Exceeded[] {
  const everywhere = exceededEverywhere(tenancy, request);
  const exceeded = everywhere === null ? [] : [everywhere];
  closing(tenancy, request, (one, sites) => {
    if (sites.includes(site)) exceeded.push(one);
  });
  return exceeded;
}

const units: Partial<Record<ResourceCode, string>> = {
  LACKS_MEMORY: ' MiB',
  LACKS_HUGEPAGES: ' MiB',
  LACKS_DISK: ' MiB',
};

/** ` (512 MiB more are needed)`, of an amount. */
function lack(state: State, request: PlacementRequest, row: number, code: ExclusionCode): string {
  const lacked = amountsOf(state, request).filter(
    (amount) => amount.code === code && amount.missing(row) > 0,
  );
  if (lacked.length === 0) return '';
  const each = lacked.map((amount) => {
    const what = amount.extra === undefined ? '' : ` ${amount.extra}`;
    return `${amount.missing(row)}${units[amount.code] ?? ''}${what}`;
  });
  return ` (${each.join(', ')} more ${lacked.length === 1 && lacked[0]?.missing(row) === 1 ? 'is' : 'are'} needed)`;
}
