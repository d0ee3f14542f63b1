/**
 * The disks of VMs: where each lies, and how it comes and goes. A volume is named after its VM's id, and gets that
 * name only when it is whole (PROTOCOL.md O1).
 */
import type { VolumeAccount, VolumeRef, VolumeRequest } from '../hypervisor.js';

export interface FoundVolume {
  uid: string;
  file: string;
  whole: boolean;
}

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

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const wholePattern = new RegExp(`^(${uuid})\\.qcow2$`);
const partialPattern = new RegExp(`^(${uuid})\\.[0-9a-f]+\\.partial$`);
const trashPattern = new RegExp(`^${uuid}\\.(\\d+)(?:-(\\d+))?\\.qcow2$`);

export const volumeFile = (uid: string): string => `${uid}.qcow2`;
export const partialFile = (uid: string, attempt: string): string => `${uid}.${attempt}.partial`;
export const trashFile = (uid: string, wallMs: number, keepUntilWallMs: number): string =>
  `${uid}.${Math.floor(wallMs)}-${Math.ceil(keepUntilWallMs)}.qcow2`;

/** What a file name in a volume folder says, or null when it is nothing of ours. */
export function readVolumeFile(file: string): FoundVolume | null {
  const whole = wholePattern.exec(file)?.[1];
  if (whole !== undefined) return { uid: whole, file, whole: true };
  const partial = partialPattern.exec(file)?.[1];
  return partial === undefined ? null : { uid: partial, file, whole: false };
}

/**
 * When the volume was thrown away, and until when it is to be kept, which agents of before did not say; null when the file is
 * not one of the trash.
 */
export function readTrashFile(file: string): { thrownWallMs: number; keepUntilWallMs: number | null } | null {
  const [, thrown, until] = trashPattern.exec(file) ?? [];
  if (thrown === undefined) return null;
  return { thrownWallMs: Number(thrown), keepUntilWallMs: until === undefined ? null : Number(until) };
}
