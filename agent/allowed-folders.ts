import { realpath } from 'node:fs/promises';

/**
 * Whether one of the folders that the settings name allows something, as it is named or where it really leads. That the name says
 * enough is looked at first, and one folder is asked after the other only as long as none does: one of them may hang.
 */
export async function someFolder(
  folders: readonly string[],
  allows: (folder: string) => boolean,
): Promise<boolean> {
  if (folders.some(allows)) return true;
  for (const folder of folders) {
    const leadsTo = await realpath(folder).catch(() => null);
    if (leadsTo !== null && allows(leadsTo)) return true;
  }
  return false;
}
