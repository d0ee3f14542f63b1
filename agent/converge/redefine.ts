/** How a domain that exists gets another size: while it is off, and while it runs. */
import type { ObservedDomain, VmMetadata } from '../hypervisor/hypervisor.js';
import { specHash } from './desired.js';
import { EffectFailed, type Program, perform } from './effects.js';
import type { Permit } from './ledger.js';
import { blueprint, current, Overtaken, type StepContext, volumeOf } from './step-context.js';

/** In the place of a hash: the definition is being changed, and what it was made from is not known. */
const beingChanged = 'being-changed';

export function* redefine(context: StepContext, permit: Permit, domain: ObservedDomain): Program<void> {
  const { desired } = permit;
  if (desired.size === null) throw new Error(`${permit.uid}: a VM without size`);
  const sizeMib = desired.size.diskMib;
  const diskMib = yield* perform({ kind: 'growVolume', volume: volumeOf(permit), sizeMib });
  // libvirt cannot be told to define only what exists: growing may take long, so make sure just before (O2).
  const still = yield* perform({ kind: 'inspect', uid: permit.uid });
  current(context, permit);
  if (still?.power.kind !== 'off') throw new Overtaken();
  const metadata: VmMetadata = {
    uid: permit.uid,
    term: permit.term,
    generation: desired.role === 'stopped' ? desired.generation : (domain.metadata?.generation ?? 0),
    specHash: specHash(desired),
    rebootCount: domain.metadata?.rebootCount ?? desired.rebootCount,
    diskMib,
  };
  yield* perform({ kind: 'define', blueprint: blueprint(desired, domain.name, metadata) });
}

/**
 * What can be had now is had first, and the rest is in the definition that the next start takes. While that is changed the
 * marks say so: an agent that dies in between, and is told of another size by then, must not take the new definition for
 * the one that it was.
 */
export function* resize(context: StepContext, permit: Permit, domain: ObservedDomain): Program<void> {
  const { uid, desired } = permit;
  if (desired.size === null) throw new Error(`${uid}: a VM without size`);
  const { vcpus, diskMib: sizeMib } = desired.size;
  const diskMib = yield* perform({ kind: 'growVolume', volume: volumeOf(permit), sizeMib });
  if (vcpus > domain.compute.vcpus) yield* addVcpus(uid, vcpus);
  const marks = yield* marksOfRunning(uid);
  current(context, permit);
  yield* perform({ kind: 'record', uid, metadata: { ...marks, specHash: beingChanged, diskMib } });
  const { name } = domain;
  yield* marksOfRunning(uid);
  current(context, permit);
  const metadata = { ...marks, specHash: specHash(desired), diskMib };
  yield* perform({ kind: 'define', blueprint: blueprint(desired, name, metadata) });
  yield* perform({ kind: 'record', uid, metadata });
}

/** The marks of a domain that is still there, and not off: then it would be redefined instead. */
function* marksOfRunning(uid: string): Program<VmMetadata> {
  const domain = yield* perform({ kind: 'inspect', uid });
  if (domain === null || domain.metadata === null || domain.power.kind === 'off') throw new Overtaken();
  return domain.metadata;
}

/** Those that the running domain has no room for, or that this hypervisor cannot add, come with the next start. */
function* addVcpus(uid: string, vcpus: number): Program<void> {
  try {
    yield* perform({ kind: 'addVcpus', uid, vcpus });
  } catch (error) {
    const waits = error instanceof EffectFailed && ['invalid', 'failed'].includes(error.fault.kind);
    if (!waits) throw error;
  }
}
