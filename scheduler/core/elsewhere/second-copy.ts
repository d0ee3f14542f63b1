/**
 * A VM that its journal has on one host, and of which another host has a domain all the same: its journal was restored and does not
 * know how it came there, or it was handed over to a machine whose agent had lost its file. To start it would make a second copy.
 */
import type { Fault, Host, Leftover, Vm } from '../model.js';
import { obstacle } from '../moves/obstacles.js';
import { type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { hostInTheWay } from './held-back.js';
import { leftoverOf } from './leftovers.js';
import { hasDomain, isDomain } from './orphan-shape.js';

/** Why a VM must not be started, wherever that would be, or be deleted; null when nobody has told of a second one. */
export function refuseSecondCopy(
  state: State,
  vm: Vm,
  order: keyof typeof dangers = 'start',
): Refusal | null {
  const id = hostOfSecond(state, vm);
  if (id === null) return null;
  const former = formerAt(state, vm, id);
  const message = former === undefined ? ofOrphan(vm, id, order) : ofFormer(former, id, order);
  const instead = toOwner(order, former);
  return {
    ...refuse('precondition', reason, message, { host: id }),
    confidential: [{ of: { kind: 'host', id }, words: message, instead, metadata: ['host'] }],
  };
}

/** The same as the VM's owner is told it, who does not learn which host that is. */
export function secondCopy(state: State, vm: Vm): Fault | null {
  const id = hostOfSecond(state, vm);
  return id === null ? null : obstacle(reason, toOwner('start', formerAt(state, vm, id)));
}

const reason = 'COPY_ELSEWHERE';
const told = 'has told of a domain of it that this journal knows nothing of';
const had = 'had it by a journal that was restored and has not let go of it yet';
const dangers = {
  start: 'a start would make a second copy',
  delete: 'its disk in the pool would be thrown away under it',
};

type Former = Leftover['former'];

/** Set when it was that host's by a journal that was restored. */
function formerAt({ hosts }: State, { uid }: Vm, id: string): Former {
  const host = hosts.get(id);
  return host === undefined ? undefined : leftoverOf(host, uid)?.former;
}

function ofOrphan({ uid, spec }: Vm, id: string, order: keyof typeof dangers): string {
  const disk = spec.pool === '' ? ', with the disk that it has there' : '; its disk stays in the pool';
  return `host "${id}" ${told}, and ${dangers[order]}: have that one taken away first (secovia host remove-orphan ${id} --orphan ${uid}${disk})`;
}

/** It is told to let go of the VM already; of one that will never answer, somebody has to say so. */
function ofFormer(former: Former, id: string, order: keyof typeof dangers): string {
  const gone = `or, if it is gone for good: secovia host retire ${id} --destroyed`;
  const otherwise = former === 'waits' ? `prove that it is off (secovia host fence ${id}), ${gone}` : gone;
  return `host "${id}" ${had}, and ${dangers[order]}: wait until it has, ${otherwise}`;
}

const toOwner = (order: keyof typeof dangers, former: Former): string =>
  former === undefined
    ? `another host ${told}, and ${dangers[order]}: its operators take that one away first`
    : `another host ${had}, and ${dangers[order]}: wait until it has`;

function hostOfSecond(state: State, vm: Vm): string | null {
  const { uid, host: own } = vm;
  // One that is to be taken away may run until its host says that it does not.
  const left = hostInTheWay(state, vm);
  if (left !== null) return left;
  for (const id of state.orphanHosts) {
    const host = id === own ? undefined : state.hosts.get(id);
    if (host !== undefined && !isGone(host) && hasDomain(host, uid)) return id;
  }
  return null;
}

/** The uid of a VM that another host has, and of which this one has told that it has a domain; null when there is none. */
export function secondCopyOn({ vms }: State, { id, orphans }: Host): string | null {
  for (const orphan of orphans) {
    const uid = orphan.slice(orphan.lastIndexOf(' ') + 1);
    const vm = isDomain(orphan) ? vms.get(uid) : undefined;
    if (vm !== undefined && vm.host !== id) return uid;
  }
  return null;
}

/** One that is only off may start an orphan by itself when it is back: its agent may have a permit. */
const isGone = ({ state }: Host): boolean => state === 'retired';
