/** Orphans are taken away by an operator's word, and by nothing else: nobody knows better what they are. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Host, Leftover } from '../model.js';
import { notFound, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { leftoverOf } from './leftovers.js';

/** Newer than any that a VM has had, of which the federation knows nothing. */
const newestTerm = 2 ** 31 - 1;

export function removeOrphan(state: State, { id, uid }: CommandOf<'host.remove_orphan'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (leftoverOf(host, uid) !== undefined) return { changes: [], reply: () => host };
  if (state.federation.recoveringSites.includes(host.site)) {
    return {
      refusal: refuse(
        'precondition',
        'SITE_RECOVERING',
        `site "${host.site}" is in recovery: what looks like an orphan may be a VM that the journal has forgotten; an operator ends it with: secovia federation end-recovery ${host.site}`,
      ),
    };
  }
  const vm = state.vms.get(uid);
  if (vm?.host === id || !host.orphans.some((orphan) => orphan.includes(uid))) {
    return {
      refusal: refuse(
        'not_found',
        'ORPHAN_NOT_FOUND',
        `host "${id}" has reported no orphan ${uid}; it reports anew every half minute, see: secovia host show ${id}`,
      ),
    };
  }
  const leftover: Leftover =
    vm === undefined
      ? { uid, term: newestTerm, generation: 1, keepVolumes: false }
      : { uid, term: vm.term, generation: vm.generation, keepVolumes: vm.spec.pool !== '' };
  return { changes: [{ type: 'host.leftover', id, leftover }], reply: () => host };
}
