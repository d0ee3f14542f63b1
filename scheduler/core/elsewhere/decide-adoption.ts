/**
 * An orphan becomes a VM, by an operator's word. The VM takes the orphan's UUID and is claimed where the orphan is, if it could
 * be placed there; its term is newer than any that a host was given for it, so that the agent may take it over (PROTOCOL O2).
 * Two copies of a VM are never adopted: what else there is of it has to be taken away first.
 */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { creationsPerDecision, newVm, requestOfShape } from '../decide-vm-create.js';
import type { Host, Operation, Orphan, Vm } from '../model.js';
import { refusedThere } from '../placement/one-host.js';
import { type Place, placeOn } from '../placement/placement.js';
import type { PlacementRequest } from '../placement/request.js';
import { alreadyExists, notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { newOperation, nextTerm } from '../vm-changes.js';
import { countLossPoliciesFrom } from './evacuation.js';
import { leftoverOf } from './leftovers.js';
import { orphanNotFound, siteRecovers } from './orphan-refusals.js';
import { hasOrphan, orphanRead, shapeOfOrphan, unheardHostOfPool } from './orphan-shape.js';

export function adoptOrphan(
  state: State,
  command: CommandOf<'vm.adopt'>,
  nowMs: number,
): Decision<{ vm: Vm; operation: Operation }> {
  const { administration, vm: said, operation: id } = command;
  const host = state.hosts.get(command.host);
  const row = state.hostTable.row(command.host);
  if (host === undefined || row === undefined) return { refusal: notFound('host', command.host) };
  if (!state.administrations.has(administration))
    return { refusal: notFound('administration', administration) };
  const orphan = orphanOf(state, host, said.uid);
  if ('kind' in orphan && 'reason' in orphan) return { refusal: orphan };
  if (state.vmByName(administration, said.id) !== undefined) {
    return { refusal: alreadyExists('VM', `administrations/${administration}/vms/${said.id}`) };
  }
  const shape = shapeOfOrphan(state, host, orphan, said);
  if ('refusal' in shape) return shape;
  const unheard = otherHostsOfPool(state, host, orphan, shape.pool);
  if (unheard) return { refusal: unheard };
  const asked = requestOfShape(state, administration, shape, new Map());
  if (asked.refusal) return asked;
  const { request, spec } = asked;
  const refusal = refusedThere(state, request, row, spec, said.id) ?? cellsTaken(state, request, row, orphan);
  if (refusal) return { refusal };
  const place: Place = { ...placeOn(state, request, row), numaCells: orphan.numaCells };
  const createdSequence = (state.sequence + 1) * creationsPerDecision;
  const power = orphan.running ? ('running' as const) : ('stopped' as const);
  const born = newVm(command, { ...said, ...shape, power }, spec, place, createdSequence, nowMs);
  const vm = taken(state, born, orphan);
  const operation = newOperation(id, 'adopt', administration, [vm.uid], createdSequence, nowMs);
  const changes: Change[] = [
    { type: 'vm.created', vm },
    { type: 'operation.started', operation },
  ];
  return { changes, reply: () => ({ vm, operation }) };
}

/** The VM with what its host knows of it: generations go on from there, and reboots are not carried out again. */
function taken(state: State, vm: Vm, orphan: Orphan): Vm {
  const { rebootCount, kind: from } = orphan;
  const observedGeneration = Math.max(1, orphan.generation);
  const generation = observedGeneration + 1;
  const adopted: Vm = {
    ...vm,
    term: nextTerm(state, { term: orphan.term }),
    generation,
    observedGeneration,
    rebootCount,
    observedRebootCount: rebootCount,
    adopting: { from, generation },
  };
  countLossPoliciesFrom(adopted, generation);
  return adopted;
}

/** The orphan as its host tells of it now, if nothing else is known of that VM anywhere. */
function orphanOf(state: State, host: Host, uid: string): Orphan | Refusal {
  if (state.federation.recoveringSites.includes(host.site)) return siteRecovers(host.site);
  const vm = state.vms.get(uid);
  if (vm !== undefined) return isKnown(vm, host);
  if (leftoverOf(host, uid) !== undefined) {
    const message = `an operator has ordered that ${uid} be taken away from host "${host.id}"; it cannot be adopted any more`;
    return refuse('precondition', 'ORPHAN_BEING_REMOVED', message);
  }
  if (host.state !== 'ready') {
    const message = `host "${host.id}" is ${host.state}: what it has of ${uid} now is not known; wait until its agent is connected`;
    return refuse('precondition', 'HOST_NOT_READY', message);
  }
  if (!hasOrphan(host, uid)) return orphanNotFound(host, uid);
  const other = [...state.hosts.values()].find(
    (one) =>
      one.id !== host.id &&
      one.state !== 'retired' &&
      (hasOrphan(one, uid) || leftoverOf(one, uid) !== undefined),
  );
  if (other !== undefined) return isElsewhereToo(other, uid);
  const orphan = orphanRead(host, uid);
  if (orphan === undefined) {
    const message = `host "${host.id}" has not told what ${uid} is: it does so within a minute, if its agent can read it and is of this version`;
    return refuse('precondition', 'ORPHAN_NOT_READ', message);
  }
  if (orphan.problem === '') return orphan;
  const message = `${uid} on host "${host.id}" cannot be adopted: ${orphan.problem}; if nobody needs it: secovia host remove-orphan ${host.id} --orphan ${uid}`;
  return refuse('precondition', 'ORPHAN_NOT_WHOLE', message);
}

function isKnown(vm: Vm, host: Host): Refusal {
  const name = `administrations/${vm.administration}/vms/${vm.id}`;
  if (vm.host === host.id) return alreadyExists('VM', name);
  const message = `${vm.uid} is VM ${name}, which is no orphan; what host "${host.id}" has of it is taken away with: secovia host remove-orphan ${host.id} --orphan ${vm.uid}`;
  const words = `VM ${name}, which is`;
  return {
    ...refuse('already_exists', 'VM_EXISTS', message),
    confidential: [{ of: { kind: 'administration', id: vm.administration }, words, instead: 'a VM, and' }],
  };
}

function isElsewhereToo({ id }: Host, uid: string): Refusal {
  const words = `host "${id}" has something of ${uid} as well, and only one copy can live: take that one away first, if it is not the right one (secovia host remove-orphan ${id} --orphan ${uid})`;
  const instead = `another host has something of ${uid} as well, and only one copy can live: its operators take that one away first, if it is not the right one`;
  return {
    ...refuse('precondition', 'ORPHAN_ELSEWHERE', words, { host: id }),
    confidential: [{ of: { kind: 'host', id }, words, instead, metadata: ['host'] }],
  };
}

/** One that is off, with its disk in a shared pool, may run on another host that mounts it, as long as that one is not heard. */
function otherHostsOfPool(state: State, host: Host, orphan: Orphan, pool: string): Refusal | null {
  const unheard = pool === '' ? undefined : unheardHostOfPool(state, host, orphan, pool);
  if (unheard === undefined) return null;
  const message = `${orphan.uid} is off on host "${host.id}", and may run on host "${unheard}", which mounts its storage pool and is not connected; wait for it, or prove that it is off (secovia host fence ${unheard})`;
  return refuse('precondition', 'POOL_HOST_NOT_HEARD', message, { host: unheard });
}

/** It has cells already, and cannot have others while it runs. */
function cellsTaken(state: State, request: PlacementRequest, row: number, orphan: Orphan): Refusal | null {
  const { layout } = request;
  const { numaCells = [] } = orphan;
  if (layout === undefined || layout.cells === 0) return null;
  if (state.hostTable.cellRooms.fitsOn(row, layout, numaCells)) return null;
  const message = `the orphan has the NUMA cells ${numaCells.join(', ')} of its host, and they have no room for it beside the VMs that are there`;
  return refuse('precondition', 'HOST_CANNOT_TAKE_IT', message, { reasons: 'LACKS_NUMA_CELL' });
}
