/** How a VM is handed over to another host while it runs, and how one is awaited: the programs of those steps. */
import type { ObservedDomain } from '../hypervisor/hypervisor.js';
import { EffectFailed, type FaultKind, type Program, perform, statusOf } from './effects.js';
import type { Permit } from './ledger.js';
import { oneLine } from './one-line.js';
import { current, longestMessage, Overtaken, persisted, type StepContext, volumeOf } from './step-context.js';

/** Of what was called off, or of which nothing is known, one looks again. */
const saysNothing: ReadonlySet<FaultKind> = new Set<FaultKind>(['cancelled', 'unavailable']);

/**
 * That it is tried is on disk before it is: an agent that dies meanwhile must know later that what is off here, or gone, may
 * run there (O2).
 */
export function* handOver(context: StepContext, planned: Permit): Program<void> {
  const { uid, ledger } = context;
  const { peer, peerUri, generation, hardware } = planned.desired;
  ledger.advance(uid, { handover: { term: planned.term, peerUri } });
  yield* persisted(ledger);
  const { desired } = current(context, planned);
  if (desired.peerUri !== peerUri || (desired.stopsOnLeaseLoss && context.lease() === 'ended'))
    throw new Overtaken();
  try {
    const effect = { kind: 'migrate', uid, peer, peerUri } as const;
    if (hardware !== undefined) throw new EffectFailed(effect, { kind: 'denied', message: boundToHost });
    yield* perform(effect);
  } catch (error) {
    if (!(error instanceof EffectFailed) || saysNothing.has(error.fault.kind)) throw error;
    const { kind, message } = error.fault;
    const failure = { code: statusOf[kind], message: oneLine(message, longestMessage) };
    context.memory = { ...context.memory, failedHandover: { generation, error: failure } };
  }
}

const boundToHost =
  'it has devices, cells or hugepages of its host to itself, and cannot move while it runs: stop it first';

export function* stay({ uid, ledger }: StepContext): Program<void> {
  ledger.advance(uid, { handover: null });
  yield* persisted(ledger);
}

/** Its volumes are the other host's now. */
export function* leave(context: StepContext, planned: Permit, domain: ObservedDomain | null): Program<void> {
  const { uid, ledger } = context;
  if (domain !== null) yield* perform({ kind: 'undefine', uid });
  current(context, planned);
  ledger.advance(uid, { phase: 'gone', error: null, goneWallMs: context.wallMs() });
  yield* persisted(ledger);
}

export function* expect(context: StepContext, planned: Permit): Program<void> {
  const { uid, ledger } = context;
  const { term, desired } = planned;
  const volume = volumeOf(planned);
  const effect = { kind: 'expect', volume } as const;
  if (desired.hardware !== undefined) {
    throw new EffectFailed(effect, { kind: 'denied', message: boundToHost });
  }
  const isThere = yield* perform(effect);
  current(context, planned);
  if (!isThere) {
    const message = `its disk is not in the shared pool ${volume.poolPath}: is the right one mounted there?`;
    throw new EffectFailed(effect, { kind: 'denied', message });
  }
  // Nothing of an earlier stay is here: what comes now is what is awaited, whatever term it still carries.
  ledger.advance(uid, { phase: 'preparing' });
  yield* persisted(ledger);
  context.memory = { ...context.memory, diskSeen: { term, generation: desired.generation } };
}
