/**
 * How long the host's lease lasts, for the agent's next process of the same boot: it takes the lease on, and what stops with
 * it is stopped in time when nobody renews it. One line that is written over in place and not synced: a boot later it says
 * nothing any more, and what a crash of the process leaves is whole. It never tells of a longer lease than the newest, which may
 * end earlier than the one before that (PROTOCOL.md L3).
 */
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { HeldLease } from './guard.js';

const lineLength = 80;

export class LeaseFile {
  readonly #path: string;
  readonly #bootId: string;
  #file: number | null = null;
  /** As the file has it; 0 when it tells of none. */
  #endsAt = 0;

  constructor(dataDir: string, bootId: string) {
    this.#path = join(dataDir, 'lease');
    this.#bootId = bootId;
  }

  /** Null when none was held in this boot. */
  read(): HeldLease | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'latin1');
    } catch {
      return null;
    }
    const [bootId, endsAt = '', watchdogS = ''] = text.trim().split(' ');
    const held = { endsAt: Number(endsAt), watchdogS: Number(watchdogS) };
    const isWhole = text.length === lineLength && Number.isInteger(held.endsAt) && watchdogS !== '';
    if (bootId !== this.#bootId || !isWhole || held.watchdogS < 0) return null;
    this.#endsAt = held.endsAt;
    return held;
  }

  /** Whether it tells of a lease that lasts longer than this one. */
  isBeyond({ endsAt }: HeldLease): boolean {
    return this.#endsAt > endsAt;
  }

  /**
   * @throws when the disk does not take it: the next process then takes the lease to end when the last one written does, or
   * knows of none if that ends later.
   */
  write(held: HeldLease): void {
    this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (this.isBeyond(held)) ftruncateSync(this.#file);
    this.#endsAt = held.endsAt;
    const { endsAt, watchdogS } = held;
    const line = `${this.#bootId} ${Math.floor(endsAt)} ${watchdogS}`.padEnd(lineLength - 1);
    writeSync(this.#file, `${line}\n`, 0, 'latin1');
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
