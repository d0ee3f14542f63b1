/** Orphans are taken away by an operator's word, and by nothing else: nobody knows better what they are. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Host, Leftover, Orphan, Vm } from '../model.js';
import { notFound } from '../refusal.js';
import type { State } from '../state.js';
import { newestTerm, nextTerm } from '../vm-changes.js';
import { leftoverOf } from './leftovers.js';
import { orphanNotFound, siteRecovers } from './orphan-refusals.js';
import { hasDomain, hasOrphan, orphanRead } from './orphan-shape.js';

export function removeOrphan(state: State, { id, uid }: CommandOf<'host.remove_orphan'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (leftoverOf(host, uid) !== undefined) return { changes: [], reply: () => host };
  if (state.federation.recoveringSites.includes(host.site)) return { refusal: siteRecovers(host.site) };
  const vm = state.vms.get(uid);
  if (vm?.host === id || !hasOrphan(host, uid)) {
    return { refusal: orphanNotFound(host, uid) };
  }
  const stray: Leftover =
    vm === undefined
      ? { uid, term: newerTerm(state, host, uid), generation: 1, keepVolumes: false }
      : strayOf(vm, orphanRead(host, uid));
  const leftover = hasDomain(host, uid) ? { ...stray, mayRun: true } : stray;
  return { changes: [{ type: 'host.leftover', id, leftover }], reply: () => host };
}

/** Of a VM that is elsewhere: newer than what the host has of it, or it would not obey. */
function strayOf(vm: Vm, read: Orphan | undefined): Leftover {
  const { uid, spec } = vm;
  const term = Math.max(vm.term, read?.term ?? 0);
  const generation = Math.max(vm.generation, (read?.generation ?? 0) + 1);
  return { uid, term, generation, keepVolumes: spec.pool !== '' };
}

/**
 * Newer than the host's. Of one that its agent has read it is no more than that: a copy of it on another host may be adopted
 * then, and come here later.
 */
function newerTerm(state: State, host: Host, uid: string): number {
  const orphan = orphanRead(host, uid);
  return orphan === undefined ? newestTerm : nextTerm(state, orphan);
}
