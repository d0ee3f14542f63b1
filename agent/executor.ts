/**
 * Carries the converger's effects out with the real hypervisor, image store and state file, and turns whatever
 * happens into a result. Attempts to define, start and otherwise change a domain are logged before they are made,
 * so that a log shows what was tried even if the agent did not live to see the end of it.
 */
import type { Logger } from 'pino';
import type { Answer, Effect, EffectResult, Fault, FaultKind } from './converge/effects.js';
import { isAllowedPeer } from './converge/peer-uri.js';
import { movingTo } from './converge/plan-move.js';
import { type Hypervisor, HypervisorError } from './hypervisor/hypervisor.js';
import { ImageFault } from './images/image-fault.js';
import type { ImageStore } from './images/image-store.js';
import { Lanes, poolNeededBy } from './lanes.js';
import type { MigrationSettings } from './migration-settings.js';
import type { PoolLanes } from './pool-lanes.js';
import type { LedgerWriter } from './state/ledger-writer.js';
import type { Trash } from './trash.js';

export interface ExecutorParts {
  hypervisor: Hypervisor;
  images: ImageStore;
  pools: PoolLanes;
  writer: LedgerWriter;
  trash: Pick<Trash, 'throwAway'>;
  log: Logger;
  /** What this host takes, and whom it hands VMs to. */
  migration: Pick<MigrationSettings, 'uri' | 'peers'>;
  /** After how long it is said that a pool is waited for; left out by most. */
  poolPatienceMs?: number;
}

/** File calls of a pool that is well take far less. */
const poolPatienceMs = 10_000;

/** Not done, for a reason of this side. */
class NotDone extends Error {
  constructor(
    readonly kind: FaultKind,
    message: string,
  ) {
    super(message);
  }
}

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #lanes: Lanes;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#lanes = new Lanes(parts.pools);
  }

  async run(effect: Effect, onProgress: (text: string) => void, signal: AbortSignal): Promise<EffectResult> {
    const pool = poolNeededBy(effect);
    const tell = () =>
      onProgress(`waits for ${pool === '' ? "the host's own pool" : `the shared pool ${pool}`}`);
    const timer = pool === null ? undefined : setTimeout(tell, this.#parts.poolPatienceMs ?? poolPatienceMs);
    try {
      const value = await this.#lanes.run(effect, () => this.#perform(effect, onProgress, signal));
      return { ok: true, value };
    } catch (error) {
      return { ok: false, fault: asFault(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #perform(
    effect: Effect,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Answer<Effect['kind']>> {
    const { hypervisor, images, writer, trash, log } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        await Promise.race([writer.persist(effect.version), calledOff(signal)]);
        return null;
      case 'inspect':
        return hypervisor.inspect(effect.uid);
      case 'fetchImage':
        return images.fetch(effect.image, effect.poolPath, onProgress, signal);
      case 'volumeExists':
        return hypervisor.volumeExists(effect.volume);
      case 'createVolume':
        log.info({ event: 'volume.create', uid: effect.request.uid });
        await hypervisor.createVolume(effect.request);
        return null;
      case 'growVolume':
        return hypervisor.growVolume(effect.volume, effect.sizeMib);
      case 'trashVolume':
        log.info({ event: 'volume.trash', uid: effect.volume.uid });
        await trash.throwAway(effect.volume);
        return null;
      case 'removeVolume':
        log.info({ event: 'volume.remove', uid: effect.volume.uid });
        await hypervisor.removeVolume(effect.volume);
        return null;
      case 'define': {
        const { uid, name, metadata } = effect.blueprint;
        log.info({ event: 'domain.define', uid, name, term: metadata.term });
        await hypervisor.define(effect.blueprint);
        return null;
      }
      case 'addVcpus':
        log.info({ event: 'domain.addVcpus', uid: effect.uid, vcpus: effect.vcpus });
        await hypervisor.addVcpus(effect.uid, effect.vcpus);
        return null;
      case 'start':
        log.info({ event: 'domain.start', uid: effect.uid, term: effect.term });
        await hypervisor.start(effect.uid, effect.poolPath);
        return null;
      case 'record':
        await hypervisor.record(effect.uid, effect.metadata);
        return null;
      case 'expect':
        if (this.#parts.migration.uri === '') throw new NotDone('denied', takesNone);
        return hypervisor.volumeExists(effect.volume);
      case 'leaving':
        return hypervisor.leaving(effect.uid);
      case 'migrate':
        await this.#migrate(effect, onProgress, signal);
        return null;
      case 'shutdown':
      case 'abortMigration':
      case 'destroy':
      case 'undefine':
      case 'reboot':
      case 'reset':
        log.info({ event: `domain.${effect.kind}`, uid: effect.uid });
        await hypervisor[effect.kind](effect.uid);
        return null;
    }
  }

  async #migrate(
    { uid, peer, peerUri }: Extract<Effect, { kind: 'migrate' }>,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { hypervisor, log, migration } = this.#parts;
    // The scheduler says where to, and this host's settings whether: libvirtd is root, and connects there (SECURITY.md).
    if (!isAllowedPeer(peerUri, migration.peers)) {
      throw new NotDone(
        'denied',
        `migration.peers in the settings of this host's agent does not name ${peerUri}`,
      );
    }
    if (signal.aborted) throw new NotDone('cancelled', 'called off');
    log.info({ event: 'domain.migrate', uid, peer, peerUri });
    const tell = ({ percent }: { percent: number }) => onProgress(movingTo(peer, percent));
    try {
      await hypervisor.migrate(uid, peerUri, { onProgress: tell, signal });
    } catch (error) {
      log.warn(
        { event: 'domain.migrate.failed', uid, peer, cancelled: signal.aborted },
        (error as Error).message,
      );
      if (signal.aborted) throw new NotDone('cancelled', (error as Error).message);
      throw error;
    }
    log.info({ event: 'domain.migrated', uid, peer });
  }
}

/** Fails when what goes on is not waited for any more; the work itself goes on. */
function calledOff(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new NotDone('cancelled', 'not waited for any more'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

const takesNone =
  'this host takes no running VMs: its agent has no migration.uri in its settings, by which others reach its libvirt';

function asFault(error: unknown): Fault {
  if (error instanceof NotDone) return { kind: error.kind, message: error.message };
  if (error instanceof HypervisorError) return { kind: error.fault, message: error.message };
  if (error instanceof ImageFault) return { kind: error.kind, message: error.message };
  const { code, message } = error as NodeJS.ErrnoException;
  return { kind: code === 'ENOSPC' ? 'noSpace' : 'failed', message };
}
