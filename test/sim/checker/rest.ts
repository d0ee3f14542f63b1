/** Whether a federation has come to rest: everybody is connected, nothing is under way, and what runs is what should. */
import type { ObservedDomain } from '../../../agent/hypervisor/hypervisor.js';
import type { Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Machine } from '../machine.js';
import type { SchedulerProcess } from '../scheduler-process.js';
import type { Lineage } from './lineage.js';

export interface RestParts {
  machines: readonly Machine[];
  scheduler: SchedulerProcess;
  lineage: Lineage;
}

/** What is not at rest yet, in words; null when everything is. */
export function checkRest({ machines, scheduler, lineage }: RestParts): string | null {
  const { engine } = scheduler;
  if (engine === null) return 'the scheduler does not serve';
  const { state } = engine;
  if (engine.head.sequence !== state.sequence) return 'not everything is on disk';
  const { recoveringSites } = state.federation;
  if (recoveringSites.length > 0) return `${recoveringSites.join()} are in recovery`;
  for (const { host, agent } of machines) {
    const known = state.hosts.get(host);
    if (known?.state !== 'ready') return `host ${host} is ${known?.state}: ${known?.stateReason}`;
    if (known.leftovers !== undefined) return `host ${host} has something left of ${known.leftovers[0]?.uid}`;
    const status = agent?.core.linkStatus();
    if (status?.state !== 'linked')
      return `the agent of ${host} is ${status?.state ?? 'not there'}: ${status?.reason}`;
  }
  const byHost = new Map(machines.map((machine) => [machine.host, machine]));
  for (const vm of state.vms.values()) {
    const unrest = vm.host === null ? restless(vm) : unlike(vm, byHost.get(vm.host));
    if (unrest !== null)
      return `VM ${vm.id} (${vm.uid}, ${vm.desired}, ${vm.state}, on ${vm.host ?? 'no host'}): ${unrest}`;
  }
  for (const machine of machines) {
    const strange = unreported(state, machine);
    if (strange !== null)
      return `${machine.name} has a domain of VM ${strange}, which is not its own, and nobody says so`;
  }
  for (const operation of state.operations.values())
    if (operation.state === 'running') return `operation ${operation.id} (${operation.verb}) goes on`;
  if (lineage.state.sequence !== state.sequence) return 'the journal is behind';
  return null;
}

/** A domain of ours whose VM is elsewhere, or nowhere, and which is no orphan (O1). */
function unreported({ vms, hosts }: State, { host, fake }: Machine): string | null {
  const orphans = hosts.get(host)?.orphans ?? [];
  for (const { uid, ours } of fake.list())
    if (
      ours &&
      vms.get(uid)?.host !== host &&
      !orphans.some((orphan) => orphan.startsWith('domain ') && orphan.endsWith(uid))
    )
      return uid;
  return null;
}

/** What a domain is started with next, or has, is what its specification says, unless it waits for that start. */
function hasItsSize({ spec, sizeBefore }: Vm, { power, compute }: ObservedDomain): boolean {
  if (power.kind !== 'off' && sizeBefore !== undefined) return true;
  return compute.vcpus === spec.vcpus && compute.memoryMib === spec.memoryMib;
}

function restless(vm: Vm): string | null {
  return vm.operation === null ? null : `operations/${vm.operation} goes on`;
}

/** It was being handed over when its host died, and the journal that knew of that is lost: it may be on the other host. */
function mayHaveLeft({ uid }: Vm, machine: Machine | undefined): boolean {
  const permit = machine?.stateFile.permit(uid);
  return permit !== undefined && permit.handover?.term === permit.term;
}

function unlike(vm: Vm, machine: Machine | undefined): string | null {
  if (vm.move !== undefined) return `it is on its way (${vm.move.phase}), with ${vm.move.peer}`;
  if (vm.operation !== null) return `operations/${vm.operation} goes on`;
  const domain = machine?.fake.inspect(vm.uid) ?? null;
  if (vm.desired === 'deleted') return 'it is not deleted';
  // Refused by every host that might have had it, it keeps its disk on the pool.
  if (vm.state === 'failed' && domain === null) return null;
  const power = domain === null ? 'no domain' : domain.power.kind;
  // What nobody may mend without a word of its owner.
  if (vm.state === 'missing')
    return domain === null || (power === 'off' && mayHaveLeft(vm, machine))
      ? null
      : `it is said to be missing, and its domain is ${power}`;
  if (vm.state === 'paused') return power === 'paused' ? null : `it is said to be paused, and is ${power}`;
  if (domain !== null && !hasItsSize(vm, domain)) return `its domain has ${domain.compute.memoryMib} MiB`;
  if (vm.desired === 'running') {
    if (power !== 'running') return `its domain is ${power}`;
    return vm.state === 'running' ? null : 'its domain runs';
  }
  if (power !== 'off') return `its domain is ${power}`;
  return vm.state === 'stopped' ? null : 'its domain is off';
}
