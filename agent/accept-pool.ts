/** `secovia-agent accept-pool`: a shared pool is to be where it is now, though it was on another file system before. */
import { resolve } from 'node:path';
import type { AgentConfig } from './config.js';
import { fileSystem, PoolFolders } from './hypervisor/pool-folders.js';
import { HypervisorError } from './hypervisor/hypervisor.js';
import { OperatorError } from './operator-error.js';
import { PoolMounts } from './state/pool-mounts.js';

/** Returns the sentence to print. @throws OperatorError */
export async function acceptPool(
  folder: string,
  { dataDir, poolDirectories }: Pick<AgentConfig, 'dataDir' | 'poolDirectories'>,
): Promise<string> {
  const path = resolve(folder);
  const mounts = new PoolMounts(dataDir);
  try {
    const now = await new PoolFolders(poolDirectories, mounts).mountNow(path);
    if (now === null) throw new OperatorError('this system does not say what is mounted where');
    const before = await mounts.accept(path, now);
    const isSame = before?.mountPoint === now.mountPoint;
    const where = isSame
      ? 'as before'
      : `from now on${before === null ? '' : `, no more on ${fileSystem(before)}`}`;
    return `The shared pool ${path} is used on ${fileSystem(now)} ${where}.`;
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    if (error instanceof HypervisorError) throw new OperatorError(error.message);
    throw new OperatorError(`it could not be written down: ${(error as Error).message}`);
  }
}
