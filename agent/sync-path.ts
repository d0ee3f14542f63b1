import { open } from 'node:fs/promises';

/** Returns when a file's content, or the names in a folder, will survive a power loss. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
