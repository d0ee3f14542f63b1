/** The machine's own watchdog, through the addon: a thread of it pets the device whatever JavaScript does. */
import { nativeWatchdog } from '../../native/index.js';
import { type WatchdogDevice, WatchdogError } from './device.js';

export class NativeWatchdogDevice implements WatchdogDevice {
  readonly #device: string;
  readonly #watchdog: NonNullable<ReturnType<typeof nativeWatchdog>>;

  /** @throws WatchdogError where the addon does not load. */
  constructor(device: string) {
    const watchdog = nativeWatchdog();
    if (watchdog === undefined) throw new WatchdogError('the libvirt addon, which pets it, does not load');
    this.#device = device;
    this.#watchdog = watchdog;
  }

  arm(timeoutS: number, untilMs: number): void {
    told(() => this.#watchdog.arm(this.#device, timeoutS, untilMs));
  }

  extend(untilMs: number): void {
    const trouble = this.#watchdog.extend(untilMs);
    if (trouble !== '') throw new WatchdogError(`${this.#device} cannot be petted: ${trouble}`);
  }

  release(): void {
    told(() => this.#watchdog.release(this.#device));
  }
}

function told(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new WatchdogError((error as Error).message);
  }
}
