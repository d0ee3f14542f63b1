/**
 * The agent's state file and its writer: a write carries what the ledger has when it begins, serves all that wait for it,
 * and is there whole or not at all when the machine dies in the middle, since a new file takes the old one's name.
 */
import type { Epoch } from '../../agent/converge/epoch.js';
import type { Ledger, LedgerContent } from '../../agent/converge/ledger.js';
import type { Random } from './random.js';
import type { Life } from './timeline.js';

/** What a power failure leaves. */
export class StateFile {
  /** As JSON; null before the first write. */
  text: string | null = null;
  isFull = false;
  #content: LedgerContent | null = null;
  onWritten: () => void = () => {};

  write(text: string): void {
    this.text = text;
    this.#content = null;
    this.onWritten();
  }

  /** Read without the rest, which is long: the epoch is what comes first. */
  get epoch(): Epoch | null {
    const { text } = this;
    if (text === null || !text.startsWith('{"epoch":{')) return null;
    return JSON.parse(text.slice('{"epoch":'.length, text.indexOf('}') + 1)) as Epoch;
  }

  /** A fresh copy. */
  read(): LedgerContent | undefined {
    return this.text === null ? undefined : (JSON.parse(this.text) as LedgerContent);
  }

  /** For those who only look. */
  get content(): LedgerContent {
    this.#content ??= this.read() ?? { epoch: null, checkpoint: null, permits: [] };
    return this.#content;
  }
}

interface Waiting {
  version: number;
  done: (written: boolean) => void;
}

export class StateWriter {
  #durableVersion: number;
  #waiting: Waiting[] = [];
  #writing = false;
  /** Being written. */
  #text: string | null = null;

  constructor(
    private readonly file: StateFile,
    private readonly ledger: Ledger,
    private readonly life: Life,
    private readonly random: Random,
  ) {
    this.#durableVersion = ledger.version;
  }

  get behind(): boolean {
    return this.ledger.version > this.#durableVersion;
  }

  get essentialsBehind(): boolean {
    return this.ledger.essentialVersion > this.#durableVersion;
  }

  persist(version: number, done: (written: boolean) => void): void {
    if (version <= this.#durableVersion) {
      this.life.soon(() => done(true));
      return;
    }
    this.#waiting.push({ version, done });
    if (this.#writing) return;
    this.#writing = true;
    this.life.turn(() => this.#write());
  }

  /** The process or the machine dies: what was being written is there, or what was there before. */
  crash(): void {
    if (this.#text !== null && this.random.chance(0.5)) this.file.write(this.#text);
    this.#text = null;
  }

  #write(): void {
    const served = this.#waiting;
    this.#waiting = [];
    const { version } = this.ledger;
    const text = JSON.stringify(this.ledger.content());
    this.#text = text;
    this.life.after(this.random.delay(0.5, 3), () => {
      this.#text = null;
      const written = !this.file.isFull;
      if (written) {
        this.file.write(text);
        this.#durableVersion = version;
      }
      for (const { done } of served) done(written);
      if (this.#waiting.length > 0) this.#write();
      else this.#writing = false;
    });
  }
}
