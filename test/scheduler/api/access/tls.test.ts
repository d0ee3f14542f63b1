/** Identities in earnest: made and certified from the command line, over TLS, and refused at once when they are taken away. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { readCredentials } from '../../../../proto/credentials.js';
import { newKey } from '../../../../proto/signing-request.js';
import { cli } from '../../../cli/run-cli.js';
import { temporaryFolder } from '../../scope.js';
import type { Api, MethodName } from '../client.js';
import { SecureScheduler } from '../secure-scheduler.js';
import { Watcher } from '../watcher.js';

const secure = await SecureScheduler.start(tap);
const root = secure.api;
const folder = temporaryFolder(tap);
const at = (name: string) => join(folder, name);

/** `secovia ARGS` with credentials; the first administrator's unless said otherwise. */
const secovia = (args: string[], identity = secure.credentialsFolder) =>
  cli(args, {
    server: secure.address,
    nowMs: Date.now(),
    env: { SECOVIA_INSECURE: '0', SECOVIA_IDENTITY: identity },
  });

for (const [siteId, partner, country] of [
  ['zagreb', 'north', 'HR'],
  ['skopje', 'south', 'MK'],
] as const)
  await root.call('CreateSite', { siteId, site: { partner, country } });
for (const [administrationId, country] of [
  ['hr', 'HR'],
  ['mk', 'MK'],
] as const)
  await root.call('CreateAdministration', { administrationId, administration: { country } });

/** Somebody, made from the command line. */
async function somebody(id: string, ...words: string[]): Promise<Api> {
  const made = await secovia(['identity', 'create', id, ...words, '--out', at(id)]);
  if (made.code !== 0) throw new Error(made.err);
  return secure.as(readCredentials(at(id)));
}

const hr = ['--role', 'administration-administrator', '--administration', 'hr'];

test('an identity is made with its key on this machine, and is who it says it is', async (t) => {
  const made = await secovia([
    'identity',
    'create',
    'ana',
    ...hr,
    '--title',
    'Ana',
    '--out',
    at('ana'),
    '--days',
    '3',
  ]);
  t.match(made, { code: 0, out: `created identity ana; its credentials are in ${at('ana')}\n` });
  t.equal(statSync(join(at('ana'), 'key.pem')).mode & 0o777, 0o600);
  const { uri, endMs, startMs } = readCredentials(at('ana'));
  t.equal(uri, 'spiffe://lab/administration/hr/ana');
  t.ok(Math.abs(endMs - startMs - 3 * 24 * 3600_000) < 3600_000);
  const { out } = await secovia(['whoami'], at('ana'));
  t.match(out, /You are +spiffe:\/\/lab\/administration\/hr\/ana/);
  t.match(out, /Role +administration-administrator/);
  t.match(out, /Administration +hr/);
  t.match(
    (await secovia(['site', 'create', 'x', '--partner', 'north', '--country', 'HR'], at('ana'))).err,
    /may not call/,
  );
  t.match((await secovia(['administration', 'show', 'mk'], at('ana'))).err, /there is no administration/);
  t.match((await secovia(['identity', 'list', '-o', 'name'], at('ana'))).out, 'identities/ana\n');
});

test('what cannot be written is said before anybody is made', async (t) => {
  writeFileSync(at('taken'), '');
  const taken = await secovia(['identity', 'create', 'late', ...hr, '--out', at('taken')]);
  t.match(taken, { code: 2, err: /is there already/ });
  t.match(await root.fails('GetIdentity', { name: 'identities/late' }), { code: status.NOT_FOUND });
  const refused = await secovia([
    'identity',
    'create',
    'late',
    '--role',
    'auditor',
    '--partner',
    'north',
    '--out',
    at('late'),
  ]);
  t.equal(refused.code === 0, false);
  t.equal(existsSync(at('late')), false, 'and what is refused leaves no folder');
});

test('everybody renews their own certificate, in place and with the key that they have', async (t) => {
  const bob = await somebody('bob', '--role', 'administration-user', '--administration', 'hr');
  const before = readFileSync(join(at('bob'), 'certificate.pem'), 'utf8');
  const key = readFileSync(join(at('bob'), 'key.pem'), 'utf8');
  const renewed = await secovia(['identity', 'certificate', 'bob', '--out', at('bob')], at('bob'));
  t.match(renewed, { code: 0, out: `the certificate of bob is in ${at('bob')}\n` });
  t.not(readFileSync(join(at('bob'), 'certificate.pem'), 'utf8'), before);
  t.equal(readFileSync(join(at('bob'), 'key.pem'), 'utf8'), key);
  t.match((await secovia(['whoami'], at('bob'))).out, /hr\/bob/);
  t.ok(await bob.call('GetCaller', {}), 'the one before is good as well');
  const other = await secovia(['identity', 'certificate', 'ana', '--out', at('bob')], at('bob'));
  t.match(other, { code: 2, err: /has the credentials of .*bob/ });
  const hidden = await secovia(['identity', 'certificate', 'ana', '--out', at('mine')], at('bob'));
  t.match(hidden.err, /there is no identity/);
  t.equal(existsSync(at('mine')), false);
});

test('a key that is kept elsewhere is certified by its request', async (t) => {
  const { signingRequest, keyPem } = await newKey();
  writeFileSync(at('web.csr'), signingRequest);
  const made = await secovia([
    ...['identity', 'create', 'web', '--role', 'portal', '--serves', 'hr'],
    ...['--signing-request', at('web.csr'), '--out', at('web')],
  ]);
  t.match(made, { code: 0 });
  t.equal(existsSync(join(at('web'), 'key.pem')), false);
  writeFileSync(join(at('web'), 'key.pem'), keyPem, { mode: 0o600 });
  const portal = secure.as(readCredentials(at('web')));
  t.match(await portal.call('GetCaller', {}), { role: 'ROLE_PORTAL', serves: ['administrations/hr'] });
  t.match(await portal.fails('ListVms', {}), { code: status.PERMISSION_DENIED });
});

test('whoever is disabled, revoked or deleted is refused at once, on the connection that is open', async (t) => {
  const ways: [string, string[]][] = [
    ['disabled', ['identity', 'update', 'disabled', '--disable']],
    ['revoked', ['identity', 'revoke', 'revoked', '--all']],
    ['deleted', ['identity', 'delete', 'deleted', '--yes']],
  ];
  for (const [id, words] of ways) {
    const api = await somebody(id, ...hr);
    t.ok(await api.call('ListVms', {}), id);
    const watcher = new Watcher(api);
    await watcher.next('SYNCED');
    t.match(await secovia(words), { code: 0 });
    await watcher.heard.over();
    const failure = await api.fails('ListVms', {});
    t.equal(failure.code, status.UNAUTHENTICATED, `${id}: ${failure.message}`);
  }
  t.match(await secovia(['identity', 'update', 'disabled', '--enable']), { code: 0 });
  t.match((await secovia(['whoami'], at('disabled'))).out, /hr\/disabled/);
});

test('one certificate of several is revoked by its serial', async (t) => {
  await somebody('two', ...hr);
  await secovia(['identity', 'certificate', 'two', '--out', at('two-2')]);
  const { identity } = await root.call('GetIdentity', { name: 'identities/two' });
  t.equal(identity?.certificates.length, 2);
  const serial = identity?.certificates[0]?.serial ?? '';
  t.match(await secovia(['identity', 'revoke', 'two', '--serial', serial]), { code: 0 });
  t.match((await secovia(['whoami'], at('two'))).code !== 0, true);
  t.match((await secovia(['whoami'], at('two-2'))).out, /hr\/two/);
  t.match((await secovia(['identity', 'show', 'two'])).out, new RegExp(`${serial} until .*revoked`));
});

test('over TLS too what may be done is what the table says', async (t) => {
  const people = {
    operator: await somebody('op', '--role', 'partner-operator', '--partner', 'north'),
    admin: await somebody('adm', ...hr),
    user: await somebody('usr', '--role', 'administration-user', '--administration', 'hr'),
    auditor: await somebody('aud', '--role', 'auditor'),
    nobody: secure.as(null),
  };
  const denied = status.PERMISSION_DENIED;
  const sample: [keyof typeof people, MethodName, object, status][] = [
    ['operator', 'CordonSite', { name: 'sites/zagreb' }, status.OK],
    ['operator', 'CordonSite', { name: 'sites/skopje' }, denied],
    ['operator', 'GetAdministration', { name: 'administrations/mk' }, status.NOT_FOUND],
    ['operator', 'CreateVm', { parent: 'administrations/hr' }, denied],
    ['admin', 'CordonSite', { name: 'sites/zagreb' }, denied],
    ['admin', 'GetAdministration', { name: 'administrations/hr' }, status.OK],
    ['admin', 'GetAdministration', { name: 'administrations/mk' }, status.NOT_FOUND],
    ['user', 'ListIdentities', {}, status.OK],
    ['user', 'SettleMonth', {}, denied],
    ['auditor', 'ListAdministrations', {}, status.OK],
    ['auditor', 'CordonSite', { name: 'sites/zagreb' }, denied],
    ['nobody', 'GetCaller', {}, status.UNAUTHENTICATED],
    ['nobody', 'ListSites', {}, status.UNAUTHENTICATED],
    ['nobody', 'CreateIdentity', { identityId: 'x' }, status.UNAUTHENTICATED],
  ];
  for (const [who, method, request, code] of sample) {
    const outcome = await people[who].call(method, request as never).then(
      () => status.OK,
      (error: { code: status }) => error.code,
    );
    t.equal(outcome, code, `${who}: ${method} ${JSON.stringify(request)}`);
  }
});

test('the first administrator is the last while there is no other', async (t) => {
  const deletion = await secovia(['identity', 'delete', 'root', '--yes']);
  t.match(deletion, { err: /last federation administrator/ });
  await somebody('second', '--role', 'federation-administrator');
  t.match(await secovia(['identity', 'update', 'root', '--disable'], at('second')), { code: 0 });
  t.match((await secovia(['whoami'])).err, /disabled/);
  t.match(await secovia(['identity', 'update', 'root', '--enable'], at('second')), { code: 0 });
});
