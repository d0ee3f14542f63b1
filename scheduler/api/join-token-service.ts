/**
 * JoinTokenService: what lets hosts join. The secret is in the first answer to the call that makes it and nowhere else:
 * neither in the journal nor among the answers that are kept for calls that are repeated.
 */
import { hash, randomBytes } from 'node:crypto';
import type { CreateJoinTokenRequest__Output } from '../../proto/gen/secovia/v1/CreateJoinTokenRequest.js';
import type { DeleteJoinTokenRequest__Output } from '../../proto/gen/secovia/v1/DeleteJoinTokenRequest.js';
import type { ListJoinTokensRequest__Output } from '../../proto/gen/secovia/v1/ListJoinTokensRequest.js';
import { encodeJoinWord } from '../../proto/join-token.js';
import { isUsable } from '../core/access/decide-token.js';
import { refuse } from '../core/refusal.js';
import { joinTokenMessage } from '../render/join-token.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';

const defaultTtlSeconds = 3600;
const shortestTtlSeconds = 60;
const longestTtlSeconds = 30 * 24 * 3600;
const mostUses = 1000;
const secretBytes = 32;
const idBytes = 6;
/** At most, of a host's name. */
const bytesOfHostName = 72;

const withoutTls = refuse(
  'precondition',
  'NO_AUTHORITY',
  'this scheduler runs without TLS, where hosts join without a token: secovia-agent join --insecure --scheduler HOST:PORT --site SITE --host HOST',
);

/** `advertise` are the addresses at which hosts reach this scheduler, HOST:PORT. */
export function joinTokenService(advertise: readonly string[]) {
  return {
    CreateJoinToken: mutation((request: CreateJoinTokenRequest__Output, { engine, authority }, caller) => {
      const fields = new Fields();
      const site = fields.name('site', 'site', request.site);
      const ttlSeconds = fields.whole(
        'ttl_seconds',
        request.ttlSeconds || defaultTtlSeconds,
        shortestTtlSeconds,
        longestTtlSeconds,
      );
      const uses = fields.whole('uses', request.uses || 1, 1, mostUses);
      if (fields.refusal) return { refusal: fields.refusal };
      if (authority === null) return { refusal: withoutTls };
      const secret = randomBytes(secretBytes);
      const outcome = engine.run({
        type: 'token.create',
        id: `t${randomBytes(idBytes).toString('hex')}`,
        site,
        secretHash: hash('sha256', secret, 'hex'),
        endMs: engine.now() + ttlSeconds * 1000,
        uses,
        creator: caller.identity,
      });
      if (outcome.refusal) return outcome;
      const joinToken = joinTokenMessage(outcome.reply);
      const token = encodeJoinWord({
        addresses: advertise,
        federation: engine.state.federation.name,
        site,
        fingerprint: authority.fingerprint,
        token: outcome.reply.id,
        secret: secret.toString('base64url'),
      });
      return { response: { joinToken, token }, kept: { joinToken, token: '' } };
    }),

    ListJoinTokens: query((request: ListJoinTokensRequest__Output, { engine }, caller) => {
      const fields = new Fields();
      const page = pageOf(fields, request, 'join tokens');
      if (fields.refusal) return { refusal: fields.refusal };
      const nowMs = engine.now();
      const sight = sightOf(engine, caller);
      const { items, nextPageToken } = pageById(
        page,
        engine.state.access.tokens.values(),
        (token) => isUsable(token, nowMs) && sight.token(token),
        ({ used }) => used.length * bytesOfHostName,
      );
      return { response: { joinTokens: items.map(joinTokenMessage), nextPageToken } };
    }),

    DeleteJoinToken: mutation((request: DeleteJoinTokenRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.name('name', 'join token', request.name);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'token.delete', id });
      if (outcome.refusal) return outcome;
      return { response: {} };
    }),
  };
}
