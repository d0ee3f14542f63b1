/**
 * What becomes of a VM's size from the decision to resize it until its domain has the new one. Until then the VM holds
 * the larger of both (`heldSpec`), so that neither growing nor shrinking ever gives room away that is used; what its host
 * sees ends that, or says that the rest takes a stop and a start.
 */
import type { Change } from './changes.js';
import type { Observation } from './commands.js';
import type { FormerSize, Vm, VmSize, VmSpec } from './model.js';
import { type Refusal, refuse } from './refusal.js';
import { isSameSize, largerOf, sizeOf } from './sizes.js';

type Resized = Extract<Change, { type: 'vm.resized' }>;

/** Why a VM cannot have this specification instead of its own, whatever room there is; null when it can. */
export function cannotBe(vm: Vm, spec: VmSpec): Refusal | null {
  const leastDiskMib = certainDiskMib(vm);
  if (spec.diskMib < leastDiskMib) {
    const description = `at least ${leastDiskMib}, its size now`;
    return {
      ...refuse('invalid', 'DISK_SHRINKS', `disks only grow: this one has ${leastDiskMib} MiB`),
      violations: [{ field: 'disk_mib', description }],
    };
  }
  const computes = spec.vcpus !== vm.spec.vcpus || spec.memoryMib !== vm.spec.memoryMib;
  if (vm.state === 'stopped' || !computes) return null;
  if (spec.numa === undefined && spec.hugepageKib === undefined) return null;
  // What of the machine it has to itself is in its definition, and a second one beside it would need as much again.
  return refuse(
    'precondition',
    'WRONG_STATE',
    `VM "${vm.id}" has NUMA cells or hugepages: its vCPUs and memory change only while it is stopped; stop it first`,
  );
}

/** What its disk has for certain: what an unfinished resize has made of it is not known. */
function certainDiskMib({ spec, sizeBefore }: Vm): number {
  if (sizeBefore === undefined) return spec.diskMib;
  return sizeBefore.returnTo?.diskMib ?? Math.max(spec.diskMib, sizeBefore.diskMib);
}

/** The change to another size, in the next generation. Until that is reached the domain may have any that it had before. */
export function resizedChange(vm: Vm, spec: VmSpec): Resized {
  const generation = vm.generation + 1;
  const resized: Resized = { type: 'vm.resized', uid: vm.uid, spec, generation };
  const before = vm.sizeBefore;
  if (before === undefined && isSameSize(spec, vm.spec)) return resized;
  const returnTo = before?.returnTo ?? sizeOf(vm.spec);
  const sizeBefore = { ...largerOf(vm.spec, before ?? vm.spec), generation, returnTo };
  return { ...resized, sizeBefore };
}

/** The way back from a resize that is cancelled, or that its host cannot do: an order like any other. */
export function resizeBack(vm: Vm): Resized[] {
  const returnTo = vm.sizeBefore?.returnTo;
  return returnTo === undefined ? [] : [resizedChange(vm, { ...vm.spec, ...returnTo })];
}

/** gRPC's INVALID_ARGUMENT, RESOURCE_EXHAUSTED and FAILED_PRECONDITION: trying again changes nothing. */
const finalCodes: ReadonlySet<number> = new Set([3, 8, 9]);

/** Whether this is the answer of a VM's host to its newest size: it cannot be had there. */
export function isRefusedSize(
  { sizeBefore }: Vm,
  { toldGeneration = 0, generation, fault }: Observation,
): boolean {
  if (sizeBefore?.returnTo === undefined || fault === null) return false;
  const isAbout = toldGeneration >= sizeBefore.generation && generation < sizeBefore.generation;
  return isAbout && finalCodes.has(fault.code);
}

/** What an observation says of the size that a VM had before; undefined when it says nothing new. */
export function sizeSeen(
  { spec, sizeBefore }: Vm,
  seen: Observation,
): { sizeBefore: FormerSize | null } | undefined {
  if (sizeBefore === undefined || seen.generation < sizeBefore.generation) return undefined;
  const { size, state } = seen;
  if (size === undefined) {
    // An agent that does not say so reaches a generation only with all of its size.
    const hasIt = state === 'running' || state === 'stopped' || state === 'guest_shutdown';
    return hasIt ? { sizeBefore: null } : undefined;
  }
  const has = hasNow(size, spec);
  if (isSameSize(has, spec)) return { sizeBefore: null };
  if (sizeBefore.returnTo === undefined && isSameSize(has, sizeBefore)) return undefined;
  return { sizeBefore: { ...has, generation: sizeBefore.generation } };
}

/** The size of a domain that was adopted from its host's word, where it is not the one that the journal remembers. */
export function adoptedSize(
  vm: Vm,
  host: string,
  { size, state }: Observation,
  generation: number,
): { sizeBefore?: FormerSize } {
  const before = host === vm.host ? vm.sizeBefore : undefined;
  if (size === undefined) {
    if (before !== undefined) return { sizeBefore: { ...before, generation } };
    // Its libvirt does not answer: what it has is seen with the next word.
    const known = sizeOf(vm.spec);
    return state === 'unknown' ? { sizeBefore: { ...known, generation, returnTo: known } } : {};
  }
  const has = hasNow(size, vm.spec);
  if (before === undefined && isSameSize(has, vm.spec)) return {};
  const returnTo = before?.returnTo ?? sizeOf(vm.spec);
  return { sizeBefore: { ...largerOf(has, before ?? has), generation, returnTo } };
}

function hasNow(size: VmSize, spec: VmSpec): VmSize {
  return { ...sizeOf(size), diskMib: size.diskMib || spec.diskMib };
}

/** Whether the VM waits for a stop and a start to have the vCPUs and the memory of its specification. */
export function waitsForRestart({ spec, sizeBefore }: Vm): boolean {
  if (sizeBefore === undefined || sizeBefore.returnTo !== undefined) return false;
  return sizeBefore.vcpus !== spec.vcpus || sizeBefore.memoryMib !== spec.memoryMib;
}
