/**
 * Loads the native addon, late and without ever throwing at import: the scheduler and the CLI run on machines
 * that have no libvirt. What the addon offers is typed here as it is in C++, untyped values and all.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** An operation of the addon's tables: (connection, call options, ...arguments). Throws TypeErrors at once. */
export type NativeOperation = (
  connection: number,
  options: unknown,
  ...args: readonly unknown[]
) => Promise<unknown>;

export interface NativeAddon {
  open(connection: number, options: unknown, uri: unknown): Promise<void>;
  close(connection: number, options: unknown): Promise<void>;
  /** Called for each event, and once when a connection is lost; `id` is the connection's. */
  listen(listener: (kind: 'event' | 'closed', id: number, value: unknown) => void): void;
  counters(): NativeCounters;
  version(): number;
  operations: Readonly<Record<string, NativeOperation>>;
  watchdog: NativeWatchdog;
}

/** The machine's watchdog, one for the process. Times are of CLOCK_BOOTTIME, in milliseconds. What fails throws an Error. */
export interface NativeWatchdog {
  /** Opens it: from now on it bites `timeoutS` after its last pet. A thread of the addon pets it until `untilMs`. */
  arm(device: string, timeoutS: number, untilMs: number): void;
  /** It is petted until then. Returns why it could not be petted last, or nothing. */
  extend(untilMs: number): string;
  /** It does not bite any more; what an earlier process has armed is opened for that. */
  release(device: string): void;
}

export interface NativeCounters {
  /** Connections that are open or being opened. */
  connections: number;
  pendingCalls: number;
  /** Threads that serve connections, with those that hang in a call beyond its deadline. */
  threads: number;
  stuckThreads: number;
  /** Handles that libvirt still counted when their connection was closed: always 0, unless this module leaks. */
  unreleasedReferences: number;
}

export type NativeStatus =
  | { available: true; libvirtVersion: string }
  | {
      available: false;
      /** One sentence: what is missing, and the command that brings it. */
      reason: string;
    };

/** From dist/native, where this file runs, up to the root of the package. */
const ADDON_PATH = fileURLToPath(new URL('../../native/build/Release/secovia_libvirt.node', import.meta.url));

const BUILD_PACKAGES = 'libvirt-dev pkg-config g++ make python3';

let loaded: NativeAddon | undefined;

/** The addon, or the sentence that says why there is none. A failure is tried again by the next call. */
export function loadAddon(): NativeAddon | string {
  if (loaded) return loaded;
  if (process.platform !== 'linux')
    return `libvirt calls work on Linux only, and this is ${process.platform}`;
  if (!existsSync(ADDON_PATH)) {
    return `the libvirt addon is not built: run apt-get install ${BUILD_PACKAGES} && npm run build:native`;
  }
  try {
    loaded = createRequire(import.meta.url)(ADDON_PATH) as NativeAddon;
    return loaded;
  } catch (error) {
    const [message] = String(error instanceof Error ? error.message : error).split('\n');
    if (message?.includes('libvirt.so')) return 'libvirt is not installed: run apt-get install libvirt0';
    return `the libvirt addon does not load (${message}): run npm run build:native`;
  }
}

/** Whether this machine can make libvirt calls, without opening anything. */
export function nativeStatus(): NativeStatus {
  const addon = loadAddon();
  if (typeof addon === 'string') return { available: false, reason: addon };
  const version = addon.version();
  const parts = [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000];
  return { available: true, libvirtVersion: parts.join('.') };
}

/** Undefined where there is no addon. */
export function nativeWatchdog(): NativeWatchdog | undefined {
  const addon = loadAddon();
  return typeof addon === 'string' ? undefined : addon.watchdog;
}

/** What this thread of JavaScript has in use, or undefined where there is no addon. */
export function nativeCounters(): NativeCounters | undefined {
  const addon = loadAddon();
  return typeof addon === 'string' ? undefined : addon.counters();
}
