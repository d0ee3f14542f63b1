/**
 * What stands in the way of fencing is found before it is needed: each controller is asked for its GUID when the agent
 * starts and every hour after that, at times of its own so that a site's agents do not ask all at once.
 */
import { Controller } from './controller.js';
import type { FenceAnswer } from './fence.js';
import type { FenceMethod, FenceTargets } from './method.js';

export interface FenceTargetState {
  host: string;
  /** Programs, in the order in which they are tried. */
  methods: string[];
  /** As it was read last; empty while it could not be. */
  guid: string;
  /** What is in the way, in words; empty when nothing is. */
  problem: string;
}

const hourMs = 3_600_000;
/** With something in the way somebody may be mending it. */
const soonMs = 300_000;
/** At the start a large site is not asked all at once. */
const apartMs = 250;
const guidLimitMs = 20_000;

export interface TargetWatchParts {
  targets: FenceTargets;
  /** Uniform in [0, 1). */
  random(): number;
  /** Called with what is known, whenever it was looked at. */
  tell(states: FenceTargetState[]): void;
}

export class TargetWatch {
  readonly #states = new Map<string, FenceTargetState>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(private readonly parts: TargetWatchParts) {
    for (const [host, methods] of Object.entries(parts.targets))
      this.#note(host, methods, '', 'not asked yet');
  }

  start(): void {
    this.#tell();
    const hosts = Object.keys(this.parts.targets);
    for (const host of hosts) this.#lookIn(host, this.parts.random() * hosts.length * apartMs);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #look(host: string): Promise<void> {
    const methods = this.parts.targets[host] ?? [];
    const answers = await Promise.all(methods.map(readGuid));
    if (this.#stopped) return;
    const { guid, problem } = summary(methods, answers);
    this.#note(host, methods, guid, problem);
    this.#tell();
    const pauseMs = (problem === '' ? hourMs : soonMs) * (0.75 + this.parts.random() / 2);
    this.#lookIn(host, pauseMs);
  }

  #lookIn(host: string, pauseMs: number): void {
    this.#timers.set(host, setTimeout(() => void this.#look(host), pauseMs).unref());
  }

  #note(host: string, methods: readonly FenceMethod[], guid: string, problem: string): void {
    this.#states.set(host, { host, methods: methods.map(({ program }) => program), guid, problem });
  }

  #tell(): void {
    this.parts.tell([...this.#states.values()].sort((a, b) => (a.host < b.host ? -1 : 1)));
  }
}

/** Never rejects: whatever it is that keeps the agent from asking now is a problem to show, and it is asked again. */
async function readGuid(method: FenceMethod): Promise<FenceAnswer> {
  try {
    return await new Controller(method).readGuid(guidLimitMs);
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}

/** What several methods say of one host, as one. */
export function summary(
  methods: readonly FenceMethod[],
  answers: readonly FenceAnswer[],
): { guid: string; problem: string } {
  const guids = answers.flatMap((answer) => (answer.ok ? [answer.said] : []));
  const problems = answers.flatMap((answer, index) =>
    answer.ok ? [] : [`${methods[index]?.program}: ${answer.problem}`],
  );
  if (new Set(guids).size > 1)
    problems.unshift(`its methods reach different controllers: ${guids.join(', ')}`);
  return { guid: guids[0] ?? '', problem: problems.join('; ') };
}
