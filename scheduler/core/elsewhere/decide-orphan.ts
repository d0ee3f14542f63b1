/** Orphans are taken away by an operator's word, and by nothing else: nobody knows better what they are. */
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Host, Leftover, Orphan, Vm } from '../model.js';
import { notFound } from '../refusal.js';
import type { State } from '../state.js';
import { newestTerm, nextTerm } from '../vm-changes.js';
import { leftoverOf } from './leftovers.js';
import { orphanNotFound, siteRecovers } from './orphan-refusals.js';
import { hasDomain, hasOrphan, orphanRead, poolAt, unheardHostOfPool } from './orphan-shape.js';

export function removeOrphan(state: State, { id, uid }: CommandOf<'host.remove_orphan'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (leftoverOf(host, uid) !== undefined) return { changes: [], reply: () => host };
  if (state.federation.recoveringSites.includes(host.site)) return { refusal: siteRecovers(host.site) };
  const vm = state.vms.get(uid);
  if (vm?.host === id || !hasOrphan(host, uid)) {
    return { refusal: orphanNotFound(host, uid) };
  }
  const stray = vm === undefined ? unknownOf(state, host, uid) : strayOf(vm, orphanRead(host, uid));
  const leftover = hasDomain(host, uid) ? { ...stray, mayRun: true } : stray;
  return { changes: [{ type: 'host.leftover', id, leftover }], reply: () => host };
}

/** Of a VM that nobody knows: its disk goes with it, from wherever that is. */
function unknownOf(state: State, host: Host, uid: string): Leftover {
  const leftover = { uid, term: newerTerm(state, host, uid), generation: 1, keepVolumes: false };
  const pool = poolOfDisk(state, host, orphanRead(host, uid));
  return pool === undefined ? leftover : { ...leftover, pool };
}

/** The shared pool with its disk, if it is known that no other host has the VM on it. */
function poolOfDisk(state: State, host: Host, orphan: Orphan | undefined): string | undefined {
  if (orphan === undefined || orphan.poolPath === '') return undefined;
  const pool = poolAt(state, host, orphan.poolPath);
  if (pool === undefined || unheardHostOfPool(state, host, orphan, pool) !== undefined) return undefined;
  const others = (state.pools.get(pool)?.hosts ?? []).flatMap((id) => state.hosts.get(id) ?? []);
  return others.some((other) => other !== host && hasOrphan(other, orphan.uid)) ? undefined : pool;
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
