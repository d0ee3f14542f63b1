/** Why nothing is done about an orphan, whatever was to be done. */
import type { Host } from '../model.js';
import { type Refusal, refuse } from '../refusal.js';

export function siteRecovers(site: string): Refusal {
  return refuse(
    'precondition',
    'SITE_RECOVERING',
    `site "${site}" is in recovery: what looks like an orphan may be a VM that the journal has forgotten; an operator ends it with: secovia federation end-recovery ${site}`,
  );
}

export function orphanNotFound({ id }: Host, uid: string): Refusal {
  return refuse(
    'not_found',
    'ORPHAN_NOT_FOUND',
    `host "${id}" has reported no orphan ${uid}; it reports anew every half minute, see: secovia host show ${id}`,
  );
}
