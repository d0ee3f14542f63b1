/**
 * libvirt for Node: the only module that loads the native addon, and the place where it gets its types.
 *
 * Every call is asynchronous, runs on a private thread of the addon (never on libuv's pool), and carries a
 * deadline. Failures reject with a `LibvirtError`, which keeps libvirt's own code, domain, level and message.
 */

import {
  type NativeCounters,
  nativeCounters,
  type NativeStatus,
  nativeStatus,
  type NativeWatchdog,
  nativeWatchdog,
} from './addon.js';
import { openConnection } from './connection.js';
import { DEADLINE_CODE, ErrorCode, LibvirtError, UNAVAILABLE_CODE } from './errors.js';

export type { NativeCounters, NativeStatus, NativeWatchdog };
export {
  DEADLINE_CODE,
  ErrorCode,
  LibvirtError,
  nativeCounters,
  nativeStatus,
  nativeWatchdog,
  openConnection,
  UNAVAILABLE_CODE,
};

/** Unsigned 64-bit counters of libvirt become numbers while they are safe integers, and bigint beyond. */
export type Counter = number | bigint;

/** A typed parameter value as libvirt knows them. `bigint` is sent as ullong, integers as the declared type. */
export type TypedValue = number | bigint | boolean | string | string[];

export interface CallOptions {
  /** Milliseconds until the call is given up. Default 15,000; an hour for `domainMigrate`. */
  deadlineMs?: number;
}

export interface DomainRef {
  name: string;
  uuid: string;
  /** The hypervisor's run-time id, or -1 when the domain is not active. */
  id: number;
}

/** virDomainState and its reason, as numbers of libvirt; names are in `DomainState`. */
export interface DomainStateInfo {
  state: number;
  reason: number;
}

export interface DomainInfo extends DomainStateInfo {
  maxMemoryKib: Counter;
  memoryKib: Counter;
  vcpus: number;
  cpuTimeNs: Counter;
  persistent: boolean;
  autostart: boolean;
  hasManagedSave: boolean;
}

export const DomainState = {
  NOSTATE: 0,
  RUNNING: 1,
  BLOCKED: 2,
  PAUSED: 3,
  SHUTDOWN: 4,
  SHUTOFF: 5,
  CRASHED: 6,
  PMSUSPENDED: 7,
} as const;

export interface NodeInfo {
  model: string;
  memoryKib: Counter;
  cpus: number;
  mhz: number;
  nodes: number;
  sockets: number;
  cores: number;
  threads: number;
}

export interface FreePages {
  /** Page size in KiB. */
  sizeKib: number;
  /** Free pages for each NUMA cell asked, in order. */
  free: Counter[];
}

export interface StatsRecord {
  name: string;
  uuid: string;
  /** libvirt's flat parameter names, e.g. `state.state`, `cpu.time`, `balloon.current`, `block.0.rd.bytes`. */
  values: Record<string, Counter | boolean | string>;
}

export interface JobInfo {
  /** virDomainJobType. */
  type: number;
  values: Record<string, Counter | boolean | string>;
}

export interface VolumeInfo {
  name: string;
  path: string;
  /** virStorageVolType. */
  type: number;
  capacityBytes: Counter;
  allocationBytes: Counter;
}

/** A disk of a domain: what the guest sees of it, what is used of that, and what its file takes. */
export interface BlockInfo {
  capacityBytes: Counter;
  allocationBytes: Counter;
  physicalBytes: Counter;
}

export interface PoolInfo {
  name: string;
  uuid: string;
  /** virStoragePoolState. */
  state: number;
  active: boolean;
  capacityBytes: Counter;
  allocationBytes: Counter;
  availableBytes: Counter;
}

/** What libvirt tells on its own. Name and UUID are copies, so an event may outlive its domain. */
export type LibvirtEvent =
  | { kind: 'lifecycle'; name: string; uuid: string; event: number; detail: number }
  | { kind: 'reboot'; name: string; uuid: string }
  | {
      kind: 'ioError';
      name: string;
      uuid: string;
      path: string;
      device: string;
      action: number;
      reason: string;
    }
  | { kind: 'agentLifecycle'; name: string; uuid: string; state: number; reason: number }
  | { kind: 'jobCompleted'; name: string; uuid: string; values: Record<string, Counter | boolean | string> }
  | { kind: 'migrationIteration'; name: string; uuid: string; iteration: number }
  /** So many events were dropped because 10,000 already waited for this thread: list the domains again. */
  | { kind: 'lost'; count: number };

export interface OpenOptions extends CallOptions {
  readOnly?: boolean;
  /** Keepalive: seconds between probes, and how many may go unanswered. Default 3 and 3; 0 switches it off. */
  keepaliveIntervalS?: number;
  keepaliveCount?: number;
}

/** One connection to a hypervisor. Calls on one connection run side by side, up to the daemon's own limits. */
export interface Connection {
  readonly uri: string;
  /** Called once when the connection is lost, or at once when it already was, but not for `close()`; the reason is a virConnectCloseReason (0 error, 1 eof, 2 keepalive, 3 client). */
  onClose(listener: (reason: number) => void): void;
  /** Subscribes to all events that `LibvirtEvent` lists, and returns the function that unsubscribes. */
  onEvent(listener: (event: LibvirtEvent) => void, options?: CallOptions): Promise<() => Promise<void>>;
  /**
   * Refuses further calls and those that still wait for a thread; resolves when the running ones have come back
   * and the handle is released. Past the deadline it rejects, and the handle goes when the last call comes back.
   */
  close(options?: CallOptions): Promise<void>;
  isAlive(options?: CallOptions): Promise<boolean>;
  hostname(options?: CallOptions): Promise<string>;
  /** libvirt's version on the other side, e.g. 9000000 = 9.0.0. */
  libVersion(options?: CallOptions): Promise<number>;
  hypervisorVersion(options?: CallOptions): Promise<number>;
  capabilities(options?: CallOptions): Promise<string>;
  domainCapabilities(
    query: { emulator?: string; arch?: string; machine?: string; virtType?: string },
    options?: CallOptions,
  ): Promise<string>;
  nodeInfo(options?: CallOptions): Promise<NodeInfo>;
  freeMemoryBytes(options?: CallOptions): Promise<Counter>;
  /** Free memory in bytes of NUMA cells `start` .. `start + count - 1`. */
  cellsFreeMemoryBytes(start: number, count: number, options?: CallOptions): Promise<Counter[]>;
  freePages(
    sizesKib: number[],
    startCell: number,
    cellCount: number,
    options?: CallOptions,
  ): Promise<FreePages[]>;

  domainList(query?: { active?: boolean }, options?: CallOptions): Promise<DomainRef[]>;
  domainLookup(uuid: string, options?: CallOptions): Promise<DomainRef>;
  /** Defines (or redefines) from XML with VIR_DOMAIN_DEFINE_VALIDATE unless `validate` is false. */
  domainDefine(xml: string, flags?: { validate?: boolean }, options?: CallOptions): Promise<DomainRef>;
  domainCreate(
    uuid: string,
    flags?: { paused?: boolean; forceBoot?: boolean },
    options?: CallOptions,
  ): Promise<void>;
  domainShutdown(uuid: string, mode?: 'default' | 'acpi' | 'agent', options?: CallOptions): Promise<void>;
  domainReboot(uuid: string, mode?: 'default' | 'acpi' | 'agent', options?: CallOptions): Promise<void>;
  domainReset(uuid: string, options?: CallOptions): Promise<void>;
  domainDestroy(uuid: string, flags?: { graceful?: boolean }, options?: CallOptions): Promise<void>;
  domainSuspend(uuid: string, options?: CallOptions): Promise<void>;
  domainResume(uuid: string, options?: CallOptions): Promise<void>;
  domainUndefine(
    uuid: string,
    flags?: { nvram?: boolean; managedSave?: boolean; snapshotsMetadata?: boolean; keepNvram?: boolean },
    options?: CallOptions,
  ): Promise<void>;
  domainXml(
    uuid: string,
    flags?: { inactive?: boolean; secure?: boolean },
    options?: CallOptions,
  ): Promise<string>;
  /** The `<metadata>` element of that XML namespace, or null when the domain has none. */
  domainGetMetadata(uuid: string, namespaceUri: string, options?: CallOptions): Promise<string | null>;
  /** `xml` null removes the element. Affects the persistent definition, and the live one when the domain is active. */
  domainSetMetadata(
    uuid: string,
    namespaceUri: string,
    prefix: string,
    xml: string | null,
    options?: CallOptions,
  ): Promise<void>;
  domainState(uuid: string, options?: CallOptions): Promise<DomainStateInfo>;
  domainInfo(uuid: string, options?: CallOptions): Promise<DomainInfo>;
  domainSetAutostart(uuid: string, on: boolean, options?: CallOptions): Promise<void>;
  domainManagedSave(uuid: string, options?: CallOptions): Promise<void>;
  /**
   * Statistics of all domains, always with NOWAIT: a guest that is busy with another job gives a short record
   * instead of blocking. The first call after a QEMU froze can still hang in it, until the deadline; the next ones
   * find it busy. So keep statistics on a connection of their own, with a short deadline.
   */
  allDomainStats(query?: { groups?: number }, options?: CallOptions): Promise<StatsRecord[]>;
  domainSetVcpus(
    uuid: string,
    count: number,
    flags?: { live?: boolean; config?: boolean; maximum?: boolean },
    options?: CallOptions,
  ): Promise<void>;
  domainSetMemoryKib(
    uuid: string,
    kib: number,
    flags?: { live?: boolean; config?: boolean; maximum?: boolean },
    options?: CallOptions,
  ): Promise<void>;
  /** `disk` is its target, as `vda`. libvirt's test driver cannot say. */
  domainBlockInfo(uuid: string, disk: string, options?: CallOptions): Promise<BlockInfo>;
  /**
   * Gives a disk of a running domain this size, larger or smaller, and tells the guest. libvirt's test driver cannot, and
   * a domain that is off is refused with `OPERATION_INVALID`.
   */
  domainBlockResize(uuid: string, disk: string, capacityBytes: number, options?: CallOptions): Promise<void>;
  /**
   * Lets a vCPU run on these CPUs of the host alone: in the definition that outlives a stop, and in the running copy
   * where there is one, each if it can have so many. libvirt's test driver cannot.
   */
  domainPinVcpu(uuid: string, vcpu: number, cpus: readonly number[], options?: CallOptions): Promise<void>;
  /** The same of the threads that work for all vCPUs. */
  domainPinEmulator(uuid: string, cpus: readonly number[], options?: CallOptions): Promise<void>;

  /** virDomainMigrateToURI3. `parameters` use libvirt's names (`destination_name`, `bandwidth`, ...). */
  domainMigrate(
    uuid: string,
    destinationUri: string,
    flags: number,
    parameters?: Record<string, TypedValue>,
    options?: CallOptions,
  ): Promise<void>;
  domainJobStats(uuid: string, flags?: { completed?: boolean }, options?: CallOptions): Promise<JobInfo>;
  domainAbortJob(uuid: string, options?: CallOptions): Promise<void>;

  poolList(options?: CallOptions): Promise<PoolInfo[]>;
  poolDefine(xml: string, options?: CallOptions): Promise<PoolInfo>;
  poolBuild(pool: string, options?: CallOptions): Promise<void>;
  poolStart(pool: string, options?: CallOptions): Promise<void>;
  poolStop(pool: string, options?: CallOptions): Promise<void>;
  poolUndefine(pool: string, options?: CallOptions): Promise<void>;
  poolRefresh(pool: string, options?: CallOptions): Promise<void>;
  poolInfo(pool: string, options?: CallOptions): Promise<PoolInfo>;
  poolSetAutostart(pool: string, on: boolean, options?: CallOptions): Promise<void>;
  volumeList(pool: string, options?: CallOptions): Promise<VolumeInfo[]>;
  /** Creates a volume from XML (a `<backingStore>` in it makes a copy-on-write child). */
  volumeCreate(pool: string, xml: string, options?: CallOptions): Promise<VolumeInfo>;
  volumeInfo(pool: string, volume: string, options?: CallOptions): Promise<VolumeInfo>;
  volumeResize(
    pool: string,
    volume: string,
    capacityBytes: number,
    flags?: { shrink?: boolean; allocate?: boolean },
    options?: CallOptions,
  ): Promise<void>;
  volumeDelete(pool: string, volume: string, options?: CallOptions): Promise<void>;
}
