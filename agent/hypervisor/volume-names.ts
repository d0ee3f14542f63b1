/** How the files of VMs' disks are called, in the folder of a pool and in its trash. */

export interface FoundVolume {
  uid: string;
  file: string;
  whole: boolean;
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
