/**
 * The disks of VMs: where each lies, and how it comes and goes. A volume is named after its VM's id, and gets that
 * name only when it is whole (PROTOCOL.md O1).
 */
import type { VolumeAccount, VolumeRef, VolumeRequest } from '../hypervisor.js';
import type { FoundVolume } from '../volume-names.js';

export interface Volumes {
  path(volume: VolumeRef): string;
  exists(volume: VolumeRef): Promise<boolean>;
  create(request: VolumeRequest): Promise<void>;
  /** Gives the MiB that it has then. */
  grow(volume: VolumeRef, sizeMib: number): Promise<number>;
  trash(volume: VolumeRef, keepUntilWallMs: number): Promise<void>;
  remove(volume: VolumeRef): Promise<void>;
  list(): Promise<FoundVolume[]>;
  read(volume: VolumeRef): Promise<VolumeAccount | null>;
  /** The folder of the shared pool, empty for the host's own, in which this file is the VM's volume; null when it is none. */
  poolOf(uid: string, file: string): string | null;
  emptyTrash(poolPath: string, olderThanMs: number): Promise<number | null>;
}
