/**
 * How each step is carried out: short programs of effects, with what must be on disk before each (PROTOCOL.md O2).
 * A program may be cut off at any yield, by a crash of the agent or by a newer word of the scheduler; each is
 * written so that looking again and planning again leads to the same end.
 */
import type { ObservedDomain, VmMetadata } from '../hypervisor/hypervisor.js';
import { specHash } from './desired.js';
import { EffectFailed, type Program, perform } from './effects.js';
import { isSameReached, mostOf, type Permit } from './ledger.js';
import { failed, pressIntervalMs, rebootPatienceMs } from './memory.js';
import { expect, handOver, leave, stay } from './move.js';
import type { Step } from './plan-step.js';
import { redefine, resize } from './redefine.js';
import { blueprint, current, domainName, Overtaken, persisted } from './step-context.js';
import { type StepContext, volumeOf } from './step-context.js';

export function* carryOut(context: StepContext, permit: Permit, step: Step): Program<void> {
  const { uid } = context;
  switch (step.kind) {
    case 'rest':
      return;
    case 'create':
      return yield* create(context, permit);
    case 'adopt':
      context.ledger.advance(uid, { phase: 'defined', error: null });
      return yield* persisted(context.ledger);
    case 'record':
      return yield* record(context, permit, step.metadata);
    case 'redefine':
      return yield* redefine(context, permit, step.domain);
    case 'resize':
      return yield* resize(context, permit, step.domain);
    case 'start': {
      const { generation, storagePoolPath: poolPath } = permit.desired;
      yield* perform({ kind: 'start', uid, term: permit.term, poolPath });
      context.memory = {
        ...context.memory,
        startAfter: null,
        startedGeneration: generation,
        untouchedTerm: null,
      };
      return;
    }
    case 'pressPower':
      return yield* pressPower(context);
    case 'destroy':
      yield* perform({ kind: 'destroy', uid });
      return;
    case 'reboot':
      return yield* reboot(context, permit, step.metadata);
    case 'reset':
      return yield* reset(context);
    case 'expect':
      return yield* expect(context, permit);
    case 'handOver':
      return yield* handOver(context, permit);
    case 'abortHandOver':
      yield* perform({ kind: 'abortMigration', uid });
      return;
    case 'stay':
      return yield* stay(context);
    case 'leave':
      return yield* leave(context, permit, step.domain);
    case 'discard':
      return yield* takeAway(context, permit, step.domain);
    case 'remove':
      return yield* remove(context, permit, step.domain, step.trashVolumes);
    case 'refuse':
      return yield* refuse(context, permit);
  }
}

function* create(context: StepContext, planned: Permit): Program<void> {
  const { ledger, uid } = context;
  const { size, diskExists, rebuildable, adopts } = planned.desired;
  if (size === null) throw new Error(`${uid}: a VM without size`);
  const volume = volumeOf(planned);
  let { diskMib } = size;
  const exists = yield* perform({ kind: 'volumeExists', volume });
  let permit = current(context, planned);
  if (adopts === 'domain' && permit.phase === 'permitted') {
    // Whoever took its domain away since may have started it somewhere else.
    const message = 'its domain is not on this host any more, so it cannot be adopted';
    throw new EffectFailed({ kind: 'volumeExists', volume }, { kind: 'denied', message });
  }
  const isKept = diskExists || (permit.hadDisk && volume.poolPath === '' && !rebuildable);
  if (isKept && !exists) {
    // A pool that is not mounted looks like an empty one: a new disk there would be a second one of the same VM.
    const message =
      volume.poolPath === ''
        ? lostDisk
        : `its disk is not in the shared pool ${volume.poolPath}: is the right one mounted there?`;
    throw new EffectFailed({ kind: 'volumeExists', volume }, { kind: 'denied', message });
  }
  if (permit.phase === 'permitted') {
    if (exists && permit.disk !== 'inherited' && volume.poolPath === '' && !diskExists) {
      // From a time when this host had the VM, with another host in between: stale, and not ours to delete.
      const message = 'an older disk of this VM is on the host; it is neither run from nor overwritten';
      throw new EffectFailed({ kind: 'volumeExists', volume }, { kind: 'denied', message });
    }
    permit = ledger.advance(uid, { phase: 'preparing', disk: exists ? 'inherited' : 'made' });
    yield* persisted(ledger);
    permit = current(context, planned);
  }
  if (exists) diskMib = yield* perform({ kind: 'growVolume', volume, sizeMib: size.diskMib });
  else yield* makeVolume(context, planned, size.diskMib);
  // Resized meanwhile: the volume that was just made must grow before it is defined.
  if (specHash(current(context, planned).desired) !== specHash(planned.desired)) throw new Overtaken();
  permit = ledger.advance(uid, { phase: 'defining' });
  yield* persisted(ledger);
  // A newer word is not on disk yet, so its generation must not get into the domain.
  if (ledger.permit(uid) !== permit) throw new Overtaken();
  const { desired } = permit;
  const metadata: VmMetadata = {
    uid,
    term: permit.term,
    // A VM that is to run has reached its generation when it runs; one that is to be off, when it is defined.
    generation: desired.role === 'stopped' ? desired.generation : 0,
    specHash: specHash(desired),
    rebootCount: desired.rebootCount,
    diskMib,
  };
  yield* perform({ kind: 'define', blueprint: blueprint(desired, domainName(desired), metadata) });
  ledger.advance(uid, { phase: 'defined' });
  context.memory = { ...context.memory, untouchedTerm: permit.term };
  yield* persisted(ledger);
}

const lostDisk =
  'its disk is not on this host any more: put it back, and start the VM again; or, if it may lose what was on it: secovia vm update --rebuildable';

/** The VM's first disk, from its image. */
function* makeVolume(context: StepContext, planned: Permit, sizeMib: number): Program<void> {
  const { image } = planned.desired;
  if (image === null) throw new Error(`${planned.uid}: a VM without image`);
  const volume = volumeOf(planned);
  const fetching = { kind: 'fetchImage', image, poolPath: volume.poolPath } as const;
  const fetched = yield* perform(fetching);
  if (fetched.virtualSizeMib > sizeMib) {
    const message = `the image's disk is ${fetched.virtualSizeMib} MiB, larger than the VM's ${sizeMib}`;
    throw new EffectFailed(fetching, { kind: 'denied', message });
  }
  current(context, planned);
  const backing = { path: fetched.path, format: image.format };
  yield* perform({ kind: 'createVolume', request: { ...volume, sizeMib, backing } });
}

/**
 * The ledger has it as well, from then on: libvirt may carry a call out long after its caller has given up, and what the domain
 * says of itself is then what it was before.
 */
function* record(context: StepContext, { term }: Permit, metadata: VmMetadata): Program<void> {
  const { ledger, uid } = context;
  yield* perform({ kind: 'record', uid, metadata });
  const permit = ledger.permit(uid);
  if (permit?.term !== term || metadata.term !== term) return;
  const before = permit.reached ?? { generation: 0, rebootCount: 0 };
  const most = mostOf(before, metadata);
  if (isSameReached(most, before)) return;
  ledger.advance(uid, { reached: most });
  yield* persisted(ledger);
}

function* pressPower(context: StepContext): Program<void> {
  const { memory } = context;
  if (memory.stop !== null) {
    context.memory = { ...memory, stop: { ...memory.stop, pressAt: context.now() + pressIntervalMs } };
  }
  yield* perform({ kind: 'shutdown', uid: context.uid });
}

/** O7: the count is written down first, so a crash in between loses a reboot rather than doubling it. */
function* reboot(context: StepContext, permit: Permit, metadata: VmMetadata): Program<void> {
  const { uid } = context;
  // What is counted, and cannot be written into the agent's file, is done by the reset that follows.
  context.memory = { ...context.memory, rebootUntil: context.now() };
  yield* record(context, permit, metadata);
  if (permit.desired.rebootForced) return yield* reset(context);
  // A guest that ignores the request (it is still booting, or hangs) is reset when its time is over.
  const patience = Math.max(rebootPatienceMs, permit.desired.stopGraceMs);
  context.memory = { ...context.memory, rebootUntil: context.now() + patience };
  try {
    yield* perform({ kind: 'reboot', uid });
  } catch (error) {
    if (!(error instanceof EffectFailed)) throw error;
    const { kind, message } = error.fault;
    // The reboot was counted and is not asked for again: the reset that follows does it.
    context.memory = failed(context.memory, 'reboot', kind, { code: 13, message }, context.now());
  }
}

/**
 * Done again only where it is known that it was not done, and may be later: of what nobody has answered that is not known (O7). A guest
 * that has rebooted meanwhile has done it by itself.
 */
function* reset(context: StepContext): Program<void> {
  try {
    yield* perform({ kind: 'reset', uid: context.uid });
  } catch (error) {
    if (error instanceof EffectFailed && error.fault.kind === 'failed') throw error;
    context.memory = { ...context.memory, rebootUntil: null };
    throw error;
  }
  context.memory = { ...context.memory, rebootUntil: null };
}

/**
 * What runs here under an earlier term is a second copy by now: another host owns the VM (O5), perhaps by a word that was
 * wrong. It is unplugged and not asked to shut down, for a guest that shuts down writes what it has in memory to a disk
 * that the other copy uses. Its volumes stay (O3).
 */
function* takeAway(context: StepContext, planned: Permit, domain: ObservedDomain): Program<void> {
  const { uid } = context;
  if (domain.power.kind !== 'off') yield* perform({ kind: 'destroy', uid });
  current(context, planned);
  yield* perform({ kind: 'undefine', uid });
}

function* remove(
  context: StepContext,
  planned: Permit,
  domain: ObservedDomain | null,
  trashVolumes: boolean,
): Program<void> {
  const { uid, ledger } = context;
  if (domain !== null) yield* takeAway(context, planned, domain);
  if (trashVolumes) {
    current(context, planned);
    yield* perform({ kind: 'trashVolume', volume: volumeOf(planned) });
  }
  current(context, planned);
  ledger.advance(uid, { phase: 'gone', error: null, goneWallMs: context.wallMs() });
  yield* persisted(ledger);
}

/** Undoes a first definition that failed for good, so that "refused" means: nothing runs, nothing is left. */
function* refuse(context: StepContext, planned: Permit): Program<void> {
  const { uid, ledger } = context;
  const domain = yield* perform({ kind: 'inspect', uid });
  if (domain !== null && domain.power.kind !== 'off') throw new Overtaken();
  if (domain !== null) yield* perform({ kind: 'undefine', uid });
  const { disk, desired } = current(context, planned);
  if (disk === 'made' && !desired.diskExists) {
    yield* perform({ kind: 'removeVolume', volume: volumeOf(planned) });
  }
  const permit = ledger.permit(uid);
  if (permit?.term !== planned.term) throw new Overtaken();
  ledger.advance(uid, { phase: 'refused' });
  yield* persisted(ledger);
}
