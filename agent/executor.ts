/**
 * Carries the converger's effects out with the real hypervisor, image store and state file, and turns whatever
 * happens into a result. Attempts to define, start and otherwise change a domain are logged before they are made,
 * so that a log shows what was tried even if the agent did not live to see the end of it.
 */
import type { Logger } from 'pino';
import type { Answer, Effect, EffectResult, Fault } from './converge/effects.js';
import { type Hypervisor, HypervisorError } from './hypervisor/hypervisor.js';
import { ImageFault } from './images/image-fault.js';
import type { ImageStore } from './images/image-store.js';
import { Lanes } from './lanes.js';
import type { LedgerWriter } from './state/ledger-writer.js';

export interface ExecutorParts {
  hypervisor: Hypervisor;
  images: ImageStore;
  writer: LedgerWriter;
  log: Logger;
}

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #lanes = new Lanes();

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  async run(effect: Effect, onProgress: (text: string) => void, signal: AbortSignal): Promise<EffectResult> {
    try {
      const value = await this.#lanes.run(effect, () => this.#perform(effect, onProgress, signal));
      return { ok: true, value };
    } catch (error) {
      return { ok: false, fault: asFault(error) };
    }
  }

  async #perform(
    effect: Effect,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Answer<Effect['kind']>> {
    const { hypervisor, images, writer, log } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        await writer.persist(effect.version);
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
        await hypervisor.trashVolume(effect.volume);
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
        await hypervisor.start(effect.uid);
        return null;
      case 'record':
        await hypervisor.record(effect.uid, effect.metadata);
        return null;
      case 'shutdown':
      case 'destroy':
      case 'undefine':
      case 'reboot':
      case 'reset':
        log.info({ event: `domain.${effect.kind}`, uid: effect.uid });
        await hypervisor[effect.kind](effect.uid);
        return null;
    }
  }
}

function asFault(error: unknown): Fault {
  if (error instanceof HypervisorError) return { kind: error.fault, message: error.message };
  if (error instanceof ImageFault) return { kind: error.kind, message: error.message };
  const { code, message } = error as NodeJS.ErrnoException;
  return { kind: code === 'ENOSPC' ? 'noSpace' : 'failed', message };
}
