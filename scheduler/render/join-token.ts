/** A join token as a message: everything but the secret, of which nothing but a hash is kept. */
import type { JoinToken as JoinTokenMessage } from '../../proto/gen/secovia/v1/JoinToken.js';
import type { JoinToken } from '../core/access/model.js';
import { timestamp } from './basics.js';
import { nameOf } from './names.js';

export function joinTokenMessage(token: JoinToken): JoinTokenMessage {
  return {
    name: nameOf('join token', token.id),
    site: nameOf('site', token.site),
    expireTime: timestamp(token.endMs),
    usesLeft: token.usesLeft,
    hosts: [...new Set(token.used.map(({ host }) => nameOf('host', host)))],
    creator: token.creator,
    createTime: timestamp(token.createdMs),
  };
}
