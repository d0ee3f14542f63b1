/** Whoever is revoked, disabled or gone is so on connections that are open, too. */
import { type Caller, shownBy } from '../core/access/caller.js';
import { isOfRevokedKey } from '../core/access/certificates.js';
import type { Certificate } from '../core/access/model.js';
import type { Touched } from '../core/touched.js';
import type { Connections } from './connections.js';

/** Ends the connections that a commit has taken the ground from. */
export function cutRevoked(connections: Connections, { written, removed }: Touched): void {
  for (const { id, disabled, certificates } of written.identity.values()) {
    connections.cut('identity', id, (caller) => disabled || !isGood(certificates, caller));
  }
  for (const { id } of removed.identity.values()) connections.cut('identity', id);
  for (const { id, state, certificates = [] } of written.host.values()) {
    // One that is only forgotten was renewed long ago, and the host's stream goes on.
    connections.cut('host', id, (caller) => state === 'retired' || isRevoked(certificates, caller));
  }
}

function isRevoked(certificates: readonly Certificate[], caller: Caller): boolean {
  const shown = shownBy(caller);
  return shown !== null && isOfRevokedKey(certificates, shown);
}

function isGood(certificates: readonly Certificate[], { subject }: Caller): boolean {
  const serial = 'serial' in subject ? subject.serial : '';
  return certificates.some((one) => one.serial === serial && one.revokedMs === undefined);
}
