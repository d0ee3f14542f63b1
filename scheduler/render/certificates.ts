/** Certificates as messages. */
import type { Certificate as CertificateMessage } from '../../proto/gen/secovia/v1/Certificate.js';
import type { Certificate } from '../core/access/model.js';
import { timestamp } from './basics.js';

export function certificateMessage({ serial, issuedMs, endMs, revokedMs }: Certificate): CertificateMessage {
  return {
    serial,
    issueTime: timestamp(issuedMs),
    expireTime: timestamp(endMs),
    revokeTime: timestamp(revokedMs ?? 0),
  };
}
