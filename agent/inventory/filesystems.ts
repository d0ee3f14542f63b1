/**
 * The file systems of the machine, for people. Whoever asks for them asks each one that is mounted, and waits with the one
 * that hangs: so it is waited for only a moment, and nobody asks again before the last answer has come.
 */
import si from 'systeminformation';
import type { Filesystem } from '../../proto/gen/secovia/v1/Filesystem.js';
import { toMib } from './mib.js';

type Asked = Pick<si.Systeminformation.FsSizeData, 'mount' | 'type' | 'size' | 'available'>[];

const maxListed = 64;
/** Less than the agent takes to look at its host before it says hello. */
const patienceMs = 1_000;

export class FilesystemReader {
  readonly #ask: () => Promise<Asked>;
  readonly #patienceMs: number;
  #asking: Promise<void> | null = null;
  #known: Filesystem[] = [];

  constructor(ask: () => Promise<Asked> = () => si.fsSize(), withinMs = patienceMs) {
    this.#ask = ask;
    this.#patienceMs = withinMs;
  }

  /** As they are now, or as they were when they could last be read. */
  async read(): Promise<Filesystem[]> {
    this.#asking ??= this.#update().finally(() => {
      this.#asking = null;
    });
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#patienceMs);
    });
    await Promise.race([this.#asking, enough]).finally(() => clearTimeout(timer));
    return this.#known;
  }

  async #update(): Promise<void> {
    const found = await this.#ask();
    this.#known = found.slice(0, maxListed).map(({ mount, type, size, available }) => ({
      mount,
      type,
      sizeMib: toMib(size),
      // Rounded, so that a few bytes more or less do not make another inventory of it.
      availableMib: toMib(available) - (toMib(available) % 1024),
    }));
  }
}
