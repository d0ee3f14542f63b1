/** The watchdog of the machine, as the agent uses it. Its time is that of CLOCK_BOOTTIME, in milliseconds. */

/** It cannot be armed; the message says why, for an operator. */
export class WatchdogError extends Error {
  override readonly name = 'WatchdogError';
}

export interface WatchdogDevice {
  /**
   * From now on it bites, `timeoutS` after the last pet. A thread pets it until `untilMs`.
   *
   * @throws WatchdogError when the device cannot be opened, is no watchdog, or cannot have this time-out.
   */
  arm(timeoutS: number, untilMs: number): void;
  /** It is petted until then; nothing when it is not armed. */
  extend(untilMs: number): void;
  /**
   * It does not bite any more. One that an earlier process has armed is taken back as well.
   *
   * @throws WatchdogError when it cannot be: then it bites.
   */
  release(): void;
}
