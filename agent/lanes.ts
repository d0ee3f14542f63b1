/**
 * How many effects of a kind run at once. What is heavy for the host is bounded, and each kind has its own lane, so
 * that starts that wait for a slow disk do not hold up somebody's stop, nor a look at a healthy VM.
 */
import type { Effect } from './converge/effects.js';

type LaneName = 'make' | 'stop' | 'look' | 'free';

const width: Record<LaneName, number> = {
  make: 8,
  stop: 8,
  look: 16,
  free: Number.POSITIVE_INFINITY,
};

function laneOf(effect: Effect): LaneName {
  switch (effect.kind) {
    case 'persist':
    case 'fetchImage':
    case 'migrate':
      return 'free';
    case 'inspect':
    case 'volumeExists':
    case 'expect':
    case 'leaving':
      return 'look';
    case 'createVolume':
    case 'growVolume':
    case 'define':
    case 'addVcpus':
    case 'start':
    case 'record':
      return 'make';
    case 'shutdown':
    case 'destroy':
    case 'undefine':
    case 'reboot':
    case 'reset':
    case 'abortMigration':
    case 'trashVolume':
    case 'removeVolume':
      return 'stop';
  }
}

export class Lanes {
  readonly #running: Record<LaneName, number> = { make: 0, stop: 0, look: 0, free: 0 };
  readonly #waiting: Record<LaneName, (() => void)[]> = { make: [], stop: [], look: [], free: [] };

  /** Runs the work when its lane has room, first come, first served. */
  async run<T>(effect: Effect, work: () => Promise<T>): Promise<T> {
    const lane = laneOf(effect);
    if (this.#running[lane] >= width[lane]) {
      await new Promise<void>((resolve) => this.#waiting[lane].push(resolve));
    } else {
      this.#running[lane]++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting[lane].shift();
      if (next === undefined) this.#running[lane]--;
      else next();
    }
  }
}
