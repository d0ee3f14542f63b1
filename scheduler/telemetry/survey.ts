/**
 * What a state has of what: hosts by their states, and alarms. It is counted when somebody asks and the last count
 * is a few seconds old, in one walk for all of it, so that nothing has to be kept up between two who ask.
 */
import type { OwnCertificate } from '../core/alarms/alarm.js';
import { walkAlarms } from '../core/alarms/walk.js';
import { isSilent } from '../core/lifecycle/host.js';
import type { Host } from '../core/model.js';
import type { Engine } from '../engine.js';
import type { StateWalks } from '../state-walks.js';

export interface Survey {
  /** By site, then by state. */
  hosts: Map<string, Map<string, number>>;
  /** VMs on hosts of which nothing is heard. */
  vmsOnSilentHosts: number;
  /** By code, then by severity. */
  alarms: Map<string, Map<string, number>>;
}

/** As good as new. */
const freshMs = 5000;
/** Whoever asks is not kept waiting for longer, and is told what was counted last. */
const patienceMs = 3000;

export class Surveyor {
  #newest: Survey = { hosts: new Map(), vmsOnSilentHosts: 0, alarms: new Map() };
  #takenMs = Number.NEGATIVE_INFINITY;
  #walking: Promise<void> | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly walks: StateWalks,
    private readonly certificates: () => readonly OwnCertificate[],
  ) {}

  async newest(): Promise<Survey> {
    if (performance.now() - this.#takenMs < freshMs) return this.#newest;
    this.#walking ??= this.#walk().finally(() => {
      this.#walking = null;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#walking, late]);
    clearTimeout(timer);
    return this.#newest;
  }

  async #walk(): Promise<void> {
    const { state } = this.engine;
    const survey: Survey = { hosts: new Map(), vmsOnSilentHosts: 0, alarms: new Map() };
    const walker = {
      alarm: ({ code, severity, ownersOnly }: { code: string; severity: string; ownersOnly?: true }) => {
        if (ownersOnly !== true) count(within(survey.alarms, code), severity);
      },
      host: ({ id, site, state: stands }: Host) => {
        count(within(survey.hosts, site), stands);
        if (isSilent(stands)) survey.vmsOnSilentHosts += state.vmCountOfHost(id);
      },
    };
    const surroundings = { nowMs: this.engine.now(), certificates: this.certificates() };
    if (!(await this.walks.walk(() => walkAlarms(state, surroundings, null, walker)))) return;
    this.#newest = survey;
    this.#takenMs = performance.now();
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function within(all: Map<string, Map<string, number>>, key: string): Map<string, number> {
  let counts = all.get(key);
  if (counts === undefined) {
    counts = new Map();
    all.set(key, counts);
  }
  return counts;
}
