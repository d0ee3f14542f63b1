/**
 * The agent's state file and its writer: a write carries what the ledger has when it begins, serves all that wait for it,
 * and is there whole or not at all when the machine dies in the middle, since a new file takes the old one's name.
 */
import type { Epoch } from '../../agent/converge/epoch.js';
import type { Ledger, LedgerContent, Permit } from '../../agent/converge/ledger.js';
import type { Random } from './random.js';
import type { Life } from './timeline.js';

/** What a power failure leaves. */
export class StateFile {
  isFull = false;
  #kept: LedgerContent | null = null;
  onWritten: () => void = () => {};

  /** Of parts that nobody changes: the ledger makes new ones. */
  write(content: LedgerContent): void {
    this.#kept = content;
    this.onWritten();
  }

  /** Somebody has removed it. */
  lose(): void {
    this.#kept = null;
  }

  get epoch(): Epoch | null {
    return this.#kept?.epoch ?? null;
  }

  /** As whoever reads a file gets it: a fresh copy; undefined before the first write. */
  read(): LedgerContent | undefined {
    return this.#kept === null ? undefined : (JSON.parse(JSON.stringify(this.#kept)) as LedgerContent);
  }

  /** For those who only look. */
  get content(): LedgerContent {
    return this.#kept ?? { epoch: null, checkpoint: null, permits: [] };
  }

  permit(uid: string): Permit | undefined {
    return this.content.permits.find((permit) => permit.uid === uid);
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
  #content: LedgerContent | null = null;

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
    if (this.#content !== null && this.random.chance(0.5)) this.file.write(this.#content);
    this.#content = null;
  }

  #write(): void {
    const served = this.#waiting;
    this.#waiting = [];
    const { version } = this.ledger;
    const content = this.ledger.content();
    this.#content = content;
    this.life.after(this.random.delay(0.5, 3), () => {
      this.#content = null;
      const written = !this.file.isFull;
      if (written) {
        this.file.write(content);
        this.#durableVersion = version;
      }
      for (const { done } of served) done(written);
      if (this.#waiting.length > 0) this.#write();
      else this.#writing = false;
    });
  }
}
