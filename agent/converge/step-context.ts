/** What the programs of steps have in common: what they may see and change, and what a domain is made from. */
import type { Blueprint, VmMetadata, VolumeRef } from '../hypervisor/hypervisor.js';
import type { VmDesired } from './desired.js';
import { type Program, perform } from './effects.js';
import type { Ledger, Permit } from './ledger.js';
import type { VmMemory } from './memory.js';

/** What a step's program may see and change of its VM. */
export interface StepContext {
  readonly uid: string;
  readonly ledger: Ledger;
  memory: VmMemory;
  now(): number;
  wallMs(): number;
  lease(): LeaseStanding;
}

/** Whether the host may run what stops with its lease: `unguarded` when the lease is held and the watchdog is not armed. */
export type LeaseStanding = 'held' | 'unguarded' | 'ended';

/** What VMs that stop with the lease need of the host's watchdog. */
export interface GuardNeeds {
  /** One of them is to start, and the lease is held. */
  wanted: boolean;
  /** One of them may run. */
  needed: boolean;
  /** There are domains of VMs of which nothing is known: they may be such. */
  unknown: boolean;
}

/** Of what others say, in an error. */
export const longestMessage = 500;

/** Goes on when the ledger is on disk as it is now. */
export function* persisted(ledger: Ledger): Program<void> {
  yield* perform({ kind: 'persist', version: ledger.essentialVersion });
}

export const volumeOf = (permit: Permit): VolumeRef => ({
  uid: permit.uid,
  poolPath: permit.desired.storagePoolPath,
});

/** The scheduler changed its mind while an effect was under way: stop here, look again, plan again. */
export class Overtaken extends Error {}

/** The permit, unless term, role or whose the disk is have changed since the step was planned. */
export function current(context: StepContext, planned: Permit): Permit {
  const permit = context.ledger.permit(context.uid);
  if (permit?.term !== planned.term || permit.desired.role !== planned.desired.role) throw new Overtaken();
  if (permit.desired.diskExists !== planned.desired.diskExists) throw new Overtaken();
  return permit;
}

/** Readable in `virsh list`, and unique by the first digits of the id. The id itself is the UUID (O1). */
export function domainName(desired: VmDesired): string {
  const last = desired.vmName.split('/').at(-1) ?? '';
  const readable = /^[a-z][a-z0-9-]{0,62}$/.test(last) ? last : 'vm';
  return `${readable}-${desired.uid.slice(0, 8)}`;
}

/** What the domain of a VM that should be like this is made from. */
export function blueprint(desired: VmDesired, name: string, metadata: VmMetadata): Blueprint {
  if (desired.size === null) throw new Error(`${desired.uid}: a VM without size`);
  return {
    uid: desired.uid,
    poolPath: desired.storagePoolPath,
    name,
    title: desired.vmName,
    vcpus: desired.size.vcpus,
    memoryMib: desired.size.memoryMib,
    hardware: desired.hardware,
    metadata,
  };
}
