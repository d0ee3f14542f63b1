/**
 * Where a shared pool really is, symbolic links followed: its name was looked at before, and whoever else mounts the pool
 * could have put something else there.
 */
import { lstat, realpath } from 'node:fs/promises';
import { someFolder } from '../allowed-folders.js';
import { isAllowedPool } from '../converge/pool-policy.js';
import { HypervisorError } from './hypervisor.js';

/**
 * Looks before anything is read or written there.
 *
 * @throws HypervisorError when it is not there, or leads out of what is allowed.
 */
export async function requirePool(path: string, poolDirectories: readonly string[]): Promise<void> {
  const real = await realpath(path).catch(() => null);
  const entry = real === null ? null : await lstat(real).catch(() => null);
  if (real === null || !entry?.isDirectory()) {
    throw new HypervisorError('failed', `the shared pool's folder ${path} is not there: is it mounted?`);
  }
  if (await someFolder(poolDirectories, (folder) => isAllowedPool(real, [folder]))) return;
  throw new HypervisorError(
    'invalid',
    `the shared pool's folder ${path} is not in one of this host's poolDirectories`,
  );
}
