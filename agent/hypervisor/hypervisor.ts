/**
 * What the agent asks of a hypervisor, in the project's own words. libvirt stands behind it on a real host
 * (libvirt/), and an in-memory host in demonstrations and simulations (fake/); both pass the same contract suite.
 *
 * A call that fails rejects with a `HypervisorError`, whose fault says what the caller may conclude from it.
 */

/** Why a domain is powered off, as far as the hypervisor remembers. */
export type OffReason =
  | 'shutdown'
  | 'destroyed'
  | 'crashed'
  | 'migrated'
  | 'saved'
  | 'failed'
  | 'daemon'
  | 'unknown';

/** The reason of a domain that is paused only because its start is under way. */
export const startingUp = 'starting up';

export type Power =
  | { kind: 'running' }
  | { kind: 'paused'; reason: string }
  | { kind: 'stopping' }
  | { kind: 'off'; reason: OffReason }
  /** The guest crashed, and its process is still there. */
  | { kind: 'crashed' };

/** What a domain says about itself: kept in its `<metadata>`, so it lives and dies with the domain. */
export interface VmMetadata {
  uid: string;
  term: number;
  /** The newest generation that was reached; 0 before the first. */
  generation: number;
  /** Of the spec that the domain was defined with; empty when it is not known. */
  specHash: string;
  /** The newest reboot that was begun. */
  rebootCount: number;
  /** What its volume had when it was looked at last, for a definition; left out by agents of older versions. */
  diskMib?: number;
}

/** What of a VM's size is its domain's own. */
export interface ComputeSize {
  vcpus: number;
  memoryMib: number;
}

export interface ObservedDomain {
  uid: string;
  name: string;
  power: Power;
  /** Null when the domain does not carry Secovia's element: then it is somebody else's (O1). */
  metadata: VmMetadata | null;
  /** What it runs with; of one that is off, what its definition says. */
  compute: ComputeSize;
}

/** What of a domain of ours can be told from its definition alone, for a VM whose record was lost. */
export interface DomainAccount {
  /** As it was given by `Blueprint.title`. */
  title: string;
  metadata: VmMetadata;
  compute: ComputeSize;
  /** Left out when it has nothing of the kind. Of extras those that are devices. */
  hardware?: Hardware | undefined;
  /** Where its disk is; null when that is no place where VMs have theirs. */
  poolPath: string | null;
  /** What of it no VM can have, in words; empty when there is nothing. */
  problem: string;
}

/** What a VM's whole volume says of itself. */
export interface VolumeAccount {
  sizeMib: number;
  /** 64 hexadecimal digits, of the image that it was made from; empty when that is not known. */
  imageSha256: string;
}

/** A running domain's way to another host. */
export interface Leaving {
  /** How much of what is to be carried over is there, 0 to 100. It may go back: a busy guest changes what was carried. */
  percent: number;
}

export interface MoveControl {
  onProgress(leaving: Leaving): void;
  /** Ends the hand-over, if it can still be ended. */
  signal: AbortSignal;
}

/** One line of the list of all domains; `ours` says whether it carries Secovia's element. */
export interface DomainSummary {
  uid: string;
  name: string;
  power: Power;
  ours: boolean;
}

/** Where a VM's disk is: `poolPath` is a shared pool's folder, or empty for the host's own pool. */
export interface VolumeRef {
  uid: string;
  poolPath: string;
}

export type ImageFormat = 'qcow2' | 'raw';

export interface VolumeRequest extends VolumeRef {
  sizeMib: number;
  /** The verified image that the volume is a copy-on-write child of. */
  backing: { path: string; format: ImageFormat };
}

/** How an extra may be called. */
export const extraName = /^[a-z0-9]([a-z0-9._/:-]{0,61}[a-z0-9])?$/;

/** What of the machine a domain has to itself, beyond a share of its CPUs and memory. */
export interface Hardware {
  /** Counted extras by name; which devices stand for them the hypervisor chooses. */
  extras: Readonly<Record<string, number>>;
  /** The size of the pages that its memory is made of; 0 for ordinary memory. */
  hugepageKib: number;
  /** The host's NUMA cells that it has in equal parts, ascending by id; empty for one that floats over all. */
  cells: readonly number[];
  /** Each vCPU has a CPU of its cell to itself. */
  dedicatedCpus: boolean;
}

/** Everything a domain is made from. */
export interface Blueprint extends VolumeRef {
  name: string;
  title: string;
  vcpus: number;
  memoryMib: number;
  /** Left out by most. */
  hardware?: Hardware | undefined;
  metadata: VmMetadata;
}

export type HypervisorFault =
  /** The hypervisor cannot be reached; nothing is known about the call. */
  | 'unavailable'
  /** No answer in time; the work may still complete (O6). */
  | 'timeout'
  /** There is no such domain. */
  | 'absent'
  /** The request itself is refused and will be refused again. */
  | 'invalid'
  | 'noSpace'
  /** It failed, and may succeed later. */
  | 'failed';

export class HypervisorError extends Error {
  override readonly name = 'HypervisorError';
  constructor(
    readonly fault: HypervisorFault,
    message: string,
  ) {
    super(message);
  }
}

export type HypervisorEvent =
  | { kind: 'available' }
  | { kind: 'unavailable'; error: string }
  /** Something happened to this domain: look again. */
  | { kind: 'changed'; uid: string }
  | { kind: 'rebooted'; uid: string };

export interface Availability {
  available: boolean;
  /** What went wrong last; empty when nothing did. */
  error: string;
  /** For people, e.g. `9.0.0`; empty before the first connection. */
  version: string;
}

export interface NumaCellFacts {
  id: number;
  cpus: number;
  /** The numbers of the CPUs of each core, ascending. */
  cores: number[][];
  memoryMib: number;
  hugepages: { sizeKib: number; count: number }[];
}

/** What the hypervisor knows about the machine. */
export interface MachineFacts {
  architecture: string;
  cpuModel: string;
  cpuFeatures: string[];
  accelerators: string[];
  cpus: number;
  memoryMib: number;
  sockets: number;
  coresPerSocket: number;
  threadsPerCore: number;
  numaCells: NumaCellFacts[];
  version: string;
  hypervisorVersion: string;
}

export interface Hypervisor {
  /** Begins to connect, and keeps connecting until `close`. Events come after this call has returned. */
  open(listener: (event: HypervisorEvent) => void): void;
  close(): Promise<void>;
  availability(): Availability;
  machine(): Promise<MachineFacts>;

  /** Every domain of the host, whosever it is. */
  list(): Promise<DomainSummary[]>;
  /** The domain with this UUID as it is now, or null when there is none. */
  inspect(uid: string): Promise<ObservedDomain | null>;
  /** What the domain with this UUID is, or null when there is none of ours. */
  describe(uid: string): Promise<DomainAccount | null>;

  /**
   * Defines the domain, or redefines the one that has this UUID. One that runs goes on as it is, marks included: it has
   * the new definition when it is off.
   */
  define(blueprint: Blueprint): Promise<void>;
  /** Its disk is in the pool at `poolPath`; empty for the host's own. */
  start(uid: string, poolPath: string): Promise<void>;
  /** Presses the power button; the guest may not react. */
  shutdown(uid: string): Promise<void>;
  /** Asks the guest to reboot; it may not react. */
  reboot(uid: string): Promise<void>;
  reset(uid: string): Promise<void>;
  /** Pulls the plug; fine when the domain is off already. */
  destroy(uid: string): Promise<void>;
  /** Forgets a domain that is off; fine when it is gone already. */
  undefine(uid: string): Promise<void>;
  /**
   * Gives a running domain so many vCPUs, more than it has. The definition that it was started from has room for some;
   * beyond that it is refused as `invalid`.
   */
  addVcpus(uid: string, vcpus: number): Promise<void>;
  /** Writes the domain's metadata, of its definition and of its running copy. */
  record(uid: string, metadata: VmMetadata): Promise<void>;

  /** Whether this domain is being handed over, also by an agent that is gone; null when it is not, or is not there. */
  leaving(uid: string): Promise<Leaving | null>;
  /**
   * Hands the running domain over to the hypervisor at `peerUri`: when this ends well it runs there, defined and with its
   * marks, and nothing of it is here. Else it is here as it was, unless nothing is known (`unavailable`, `timeout`). It ends
   * only when nothing is under way any more; one that was called off may have gone all the same.
   */
  migrate(uid: string, peerUri: string, control: MoveControl): Promise<void>;
  /** Ends a hand-over that nobody here waits for; fine when there is none. It is over some time after. */
  abortMigration(uid: string): Promise<void>;

  /** Whether the VM's whole volume is there. Unfinished ones do not count. */
  volumeExists(volume: VolumeRef): Promise<boolean>;
  /**
   * Makes the VM's volume: under a temporary name first, and under its own when it is whole (O1). It gets its own name before
   * this ends or never, also when this ends with `timeout`: later another host may have one of that name (F4).
   */
  createVolume(request: VolumeRequest): Promise<void>;
  /**
   * Grows the volume to at least this size, also while its domain runs, which then sees it; never shrinks it.
   *
   * @returns the MiB that it has now.
   */
  growVolume(volume: VolumeRef, sizeMib: number): Promise<number>;
  /**
   * Moves the VM's volume to the trash, where it is kept until the wall clock says this, whatever the settings of the host that
   * empties it, and clears its unfinished ones and its console log. However long that takes, this ends
   * only when nothing of it is under way any more, and never with `timeout`.
   */
  trashVolume(volume: VolumeRef, keepUntilWallMs: number): Promise<void>;
  /** Deletes the VM's volume for good: only for one that no guest ever wrote to. It ends as `trashVolume` does. */
  removeVolume(volume: VolumeRef): Promise<void>;
  /**
   * File names in the folder of the host's own pool that look like volumes of VMs, with the uid in each. On a shared pool are
   * those of VMs of other hosts as well.
   */
  listVolumes(): Promise<{ uid: string; file: string; whole: boolean }[]>;
  /** What the VM's whole volume is, or null when there is none, or it is no disk that a VM can have. */
  readVolume(volume: VolumeRef): Promise<VolumeAccount | null>;
  /**
   * Deletes the trash of one pool that may go by now. What agents of before threw away says no time, and goes when it is older
   * than this.
   *
   * @returns how many volumes went; null when the pool has no trash, or is not mounted.
   */
  emptyTrash(poolPath: string, olderThanMs: number): Promise<number | null>;
}
