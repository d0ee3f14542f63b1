/** The watchdog that the agent uses in this boot: the one in its settings, or the one that an earlier process has armed. */
import type { Logger } from 'pino';
import { ArmedFile, RememberedDevice, watchdogOf } from './armed-file.js';
import type { WatchdogDevice } from './device.js';
import type { WatchdogSettings } from './settings.js';

export interface OpenWatchdog {
  device: WatchdogDevice;
  timeoutSeconds: number;
  /** By an earlier process of this boot. */
  wasArmed: boolean;
}

/** What the settings name is opened only when it is armed: until then nothing depends on it. Null where there is none. */
export async function openWatchdog(
  settings: WatchdogSettings | null,
  dataDir: string,
  bootId: string,
  log: Logger,
): Promise<OpenWatchdog | null> {
  const file = new ArmedFile(dataDir, bootId);
  const armed = file.read();
  const watchdog = watchdogOf(settings, armed);
  if (watchdog === null) return null;
  const { device: path, timeoutSeconds } = watchdog;
  if (path !== settings?.device) {
    const message =
      'it is armed, and stays the watchdog of this host until nothing needs it and the agent is started again';
    log.warn({ event: 'watchdog.former', device: path }, message);
  }
  const { NativeWatchdogDevice } = await import('./native-device.js');
  const device = new RememberedDevice(new NativeWatchdogDevice(path), file, path, (error) =>
    log.warn({ event: 'watchdog.unwritten' }, error.message),
  );
  return { device, timeoutSeconds, wasArmed: armed !== null };
}
