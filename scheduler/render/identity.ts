/** Identities as messages. */
import type { Certificate as CertificateMessage } from '../../proto/gen/secovia/v1/Certificate.js';
import type { Identity as IdentityMessage } from '../../proto/gen/secovia/v1/Identity.js';
import type { Role__Output as RoleName } from '../../proto/gen/secovia/v1/Role.js';
import type { Certificate, Identity, Role } from '../core/access/model.js';
import { identityUri } from '../core/access/uris.js';
import { etagOf } from '../core/etag.js';
import { timestamp } from './basics.js';
import { nameOf } from './names.js';

export const roleNames: Record<Role, RoleName> = {
  federation_administrator: 'ROLE_FEDERATION_ADMINISTRATOR',
  partner_operator: 'ROLE_PARTNER_OPERATOR',
  administration_administrator: 'ROLE_ADMINISTRATION_ADMINISTRATOR',
  administration_user: 'ROLE_ADMINISTRATION_USER',
  auditor: 'ROLE_AUDITOR',
  portal: 'ROLE_PORTAL',
};

export function certificateMessage({
  serial,
  issuedMs,
  endMs,
  revokedMs = 0,
}: Certificate): CertificateMessage {
  return {
    serial,
    issueTime: timestamp(issuedMs),
    expireTime: timestamp(endMs),
    revokeTime: timestamp(revokedMs),
  };
}

/** Of its certificates those that have not expired. */
export function identityMessage(federation: string, identity: Identity, nowMs: number): IdentityMessage {
  const { partner, administration } = identity;
  return {
    name: nameOf('identity', identity.id),
    title: identity.title,
    role: roleNames[identity.role],
    partner: partner === null ? '' : nameOf('partner', partner),
    administration: administration === null ? '' : nameOf('administration', administration),
    serves: identity.serves.map((id) => nameOf('administration', id)),
    disabled: identity.disabled,
    uri: identityUri(federation, identity),
    certificates: identity.certificates.filter(({ endMs }) => endMs > nowMs).map(certificateMessage),
    etag: etagOf(identity.revision),
    createTime: timestamp(identity.createdMs),
    updateTime: timestamp(identity.updatedMs),
  };
}
