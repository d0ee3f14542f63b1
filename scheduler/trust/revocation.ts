/** Whoever is revoked, disabled or gone is so on connections that are open, too. */
import type { Certificate } from '../core/access/model.js';
import type { Touched } from '../core/touched.js';
import type { Connections } from './connections.js';

/** Ends the connections that a commit has taken the ground from. */
export function cutRevoked(connections: Connections, { written, removed }: Touched): void {
  for (const { id, disabled, certificates } of written.identity.values()) {
    connections.cut('identity', id, (serial) => disabled || !isGood(certificates, serial));
  }
  for (const { id } of removed.identity.values()) connections.cut('identity', id);
  for (const { id, state, certificates = [] } of written.host.values()) {
    // One that is only forgotten was renewed long ago, and the host's stream goes on.
    connections.cut('host', id, (serial) => state === 'retired' || isRevoked(certificates, serial));
  }
}

function isRevoked(certificates: readonly Certificate[], serial: string): boolean {
  return certificates.some((one) => one.serial === serial && one.revokedMs !== undefined);
}

function isGood(certificates: readonly Certificate[], serial: string): boolean {
  return certificates.some((one) => one.serial === serial && one.revokedMs === undefined);
}
