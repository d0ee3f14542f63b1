/** A portal over real TLS, acting for users whose tokens a real issuer on loopback has signed. */
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import {
  definitionOf,
  encode,
  type Failure,
  failureOf,
  type MethodName,
  type RequestOf,
  type ResponseOf,
} from '../api/client.js';
import { SecureScheduler } from '../api/secure-scheduler.js';
import { eventually } from '../within.js';
import { Issuer } from './issuer.js';

const issuer = await Issuer.start(t);
const secure = await SecureScheduler.start(t, ['--oidc-issuer', issuer.url]);
const { api } = secure;
for (const [administrationId, parent] of [
  ['croatia', ''],
  ['zagreb', 'administrations/croatia'],
  ['slovenia', ''],
] as const)
  await api.call('CreateAdministration', { administrationId, administration: { country: 'HR', parent } });
const portal = await secure.identity('citizens', 'ROLE_PORTAL', { serves: ['administrations/croatia'] });
const operator = await secure.identity('somebody', 'ROLE_AUDITOR');

const claim = 'secovia_administrations';

interface Acting {
  token?: string;
  administration?: string;
}

/** A call with the headers of a portal. */
function asking<M extends MethodName>(
  method: M,
  request: RequestOf<M>,
  { token, administration }: Acting,
  channel = portal.channel,
): Promise<ResponseOf<M>> {
  const { path, responseDeserialize } = definitionOf(method);
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  if (administration !== undefined) metadata.set('secovia-administration', administration);
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      encode(method, request as object),
      metadata,
      (error, bytes) =>
        error ? reject(error) : resolve(responseDeserialize(bytes as Buffer) as ResponseOf<M>),
    );
  });
}

async function refused<M extends MethodName>(
  method: M,
  request: RequestOf<M>,
  acting: Acting,
): Promise<Failure> {
  try {
    await asking(method, request, acting);
  } catch (error) {
    return failureOf(error as grpc.ServiceError);
  }
  throw new Error(`${method} was accepted`);
}

t.test('without a token a portal is itself, and may do nothing', async (t) => {
  t.match(await asking('GetCaller', {}, {}), { role: 'ROLE_PORTAL', uri: 'spiffe://lab/portal/citizens' });
  for (const method of ['ListVms', 'ListAdministrations', 'ListIdentities'] as const)
    t.match(await refused(method, {}, {}), { code: grpc.status.PERMISSION_DENIED }, method);
});

t.test('with a token it is that user, in the administration that the token names', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'], sub: 'ivana' });
  t.match(await asking('GetCaller', {}, { token }), {
    uri: 'spiffe://lab/portal/citizens',
    onBehalf: `${issuer.url} ivana`,
    role: 'ROLE_ADMINISTRATION_USER',
    administration: 'administrations/zagreb',
  });
  const { administrations } = await asking('ListAdministrations', {}, { token });
  t.notOk(administrations.some(({ name }) => name === 'administrations/slovenia'));
  t.match(await refused('CreateAdministration', { administrationId: 'more' }, { token }), {
    code: grpc.status.PERMISSION_DENIED,
  });
});

t.test(
  'an administrator’s token administers below its administration, and the record says for whom',
  async (t) => {
    const token = await issuer.sign({ [claim]: ['croatia:administrator'], sub: 'marko' });
    const administration = { country: 'HR', parent: 'administrations/croatia' };
    await asking('CreateAdministration', { administrationId: 'split', administration }, { token });
    const { entries } = await eventually(
      'the record has it',
      () => api.call('ListAuditEntries', { filter: 'resource:"administrations/split"' }),
      (answer) => answer.entries.length > 0,
    );
    t.match(entries[0], { identity: 'spiffe://lab/portal/citizens', onBehalf: `${issuer.url} marko` });
  },
);

t.test('a portal acts in no administration that it does not serve, whatever the token says', async (t) => {
  const token = await issuer.sign({ [claim]: ['slovenia:administrator', 'zagreb'] });
  const there = { token, administration: 'slovenia' };
  t.match(await refused('ListVms', {}, there), { code: grpc.status.PERMISSION_DENIED });
  t.ok(
    await asking('ListVms', {}, { token, administration: 'zagreb' }),
    'and goes on in those that it serves',
  );
});

t.test('nor in one that the token is not for', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'] });
  for (const administration of ['croatia', 'nowhere'])
    t.match(await refused('ListVms', {}, { token, administration }), {
      code: grpc.status.PERMISSION_DENIED,
      reason: 'NOT_IN_ADMINISTRATION',
    });
});

t.test('wrong tokens are nobody’s', async (t) => {
  const expired = await issuer.sign({ [claim]: ['zagreb'], exp: Math.floor(Date.now() / 1000) - 3600 });
  t.match(await refused('ListVms', {}, { token: expired }), {
    code: grpc.status.UNAUTHENTICATED,
    reason: 'TOKEN_EXPIRED',
  });
  const [, body] = (await issuer.sign({ [claim]: ['zagreb'] })).split('.');
  const head = Buffer.from('{"alg":"none"}').toString('base64url');
  t.match(await refused('ListVms', {}, { token: `${head}.${body}.` }), {
    code: grpc.status.UNAUTHENTICATED,
    reason: 'INVALID_TOKEN',
  });
});

t.test('a token makes nobody else but a portal anything more', async (t) => {
  const token = await issuer.sign({ [claim]: ['croatia:administrator'] });
  const caller = await asking('GetCaller', {}, { token }, operator.channel);
  t.match(caller, { role: 'ROLE_AUDITOR', onBehalf: '' });
});

t.test('a portal that is disabled acts for nobody any more', async (t) => {
  const token = await issuer.sign({ [claim]: ['zagreb'] });
  await asking('ListVms', {}, { token });
  await api.call('UpdateIdentity', { identity: { name: 'identities/citizens', disabled: true } });
  const failure = await refused('ListVms', {}, { token });
  t.ok(
    failure.code === grpc.status.UNAUTHENTICATED || failure.code === grpc.status.UNAVAILABLE,
    `${failure.code} ${failure.message}`,
  );
});
