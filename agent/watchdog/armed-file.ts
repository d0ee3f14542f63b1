/**
 * Which device this agent has armed, for its next process of the same boot: that one has to pet it or to take it back, whatever
 * its settings say by then, or the machine is reset. A boot later it says nothing any more.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { WatchdogDevice } from './device.js';
import { type WatchdogSettings, watchdogSetting } from './settings.js';

const content = z.strictObject({ bootId: z.string(), watchdog: watchdogSetting.unwrap().unwrap() });

export class ArmedFile {
  readonly #path: string;

  constructor(
    dataDir: string,
    private readonly bootId: string,
  ) {
    this.#path = join(dataDir, 'watchdog-armed');
  }

  /** Null when none was armed in this boot, or it was taken back. */
  read(): WatchdogSettings | null {
    try {
      const { bootId, watchdog } = content.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return bootId === this.bootId ? watchdog : null;
    } catch {
      return null;
    }
  }

  /** Not synced: a machine that has lost its power has no armed watchdog. @throws when the disk does not take it. */
  write(watchdog: WatchdogSettings): void {
    writeFileSync(this.#path, JSON.stringify({ bootId: this.bootId, watchdog }), { mode: 0o600 });
  }

  clear(): void {
    rmSync(this.#path, { force: true });
  }
}

/**
 * What is used in this boot: what an earlier process has armed before what the settings say, which count from when that was taken
 * back and the agent is started again, or from the next boot.
 */
export function watchdogOf(
  settings: WatchdogSettings | null,
  armed: WatchdogSettings | null,
): WatchdogSettings | null {
  return armed === null || armed.device === settings?.device ? settings : armed;
}

/** A device that is in the file for as long as it may bite. */
export class RememberedDevice implements WatchdogDevice {
  constructor(
    private readonly device: WatchdogDevice,
    private readonly file: ArmedFile,
    private readonly name: string,
    /** The file could not be written, or not removed. */
    private readonly unwritten: (error: Error) => void,
  ) {}

  arm(timeoutS: number, untilMs: number): void {
    const wasArmed = this.file.read()?.device === this.name;
    this.#keep(() => this.file.write({ device: this.name, timeoutSeconds: timeoutS }));
    try {
      this.device.arm(timeoutS, untilMs);
    } catch (error) {
      // Or one that is named by mistake would be tried for as long as the machine is on.
      if (!wasArmed) this.#keep(() => this.file.clear());
      throw error;
    }
  }

  extend(untilMs: number): void {
    this.device.extend(untilMs);
  }

  release(): void {
    this.device.release();
    this.#keep(() => this.file.clear());
  }

  /** A disk that is full is no reason not to guard what runs. */
  #keep(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.unwritten(error as Error);
    }
  }
}
