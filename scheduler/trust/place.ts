/** Where the authority is, for whoever has no need of it. */
import { join } from 'node:path';

export function authorityFolder(dataDir: string): string {
  return join(dataDir, 'authority');
}
