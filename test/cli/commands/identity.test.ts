import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import t from 'tap';
import type { Identity } from '../../../proto/gen/secovia/v1/Identity.js';
import { temporaryFolder } from '../../scheduler/scope.js';
import { ago } from '../fixtures.js';
import { cli, nowMs } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const folder = temporaryFolder(t);

const inDays = (days: number) => ({ seconds: nowMs / 1000 + days * 86_400, nanos: 0 });
const ops: Identity = {
  name: 'identities/ops',
  title: 'Дежурни',
  role: 'ROLE_PARTNER_OPERATOR',
  partner: 'partners/acme',
  uri: 'spiffe://lab/operator/acme/ops',
  certificates: [
    { serial: 'aa', issueTime: ago(100), expireTime: inDays(60), revokeTime: ago(50) },
    { serial: 'bb', issueTime: ago(100), expireTime: inDays(30) },
  ],
  etag: '"4"',
  createTime: ago(7200),
};
const web: Identity = {
  name: 'identities/web',
  role: 'ROLE_PORTAL',
  serves: ['administrations/croatia', 'administrations/slovenia'],
  disabled: true,
  createTime: ago(10),
};

t.test('create sends who it is to be, and needs no certificate', async (t) => {
  server.on('IdentityService', 'CreateIdentity', ({ identityId, identity }) => ({
    identity: { ...identity, name: `identities/${identityId}` },
  }));
  t.match(await secovia('identity', 'create', 'ops', '--role', 'partner-operator', '--partner', 'acme'), {
    code: 0,
    out: 'created identity ops; it has no certificate yet: secovia identity certificate ops --out DIRECTORY\n',
  });
  t.match(server.sent('IdentityService', 'CreateIdentity'), [
    {
      identityId: 'ops',
      identity: { role: 'ROLE_PARTNER_OPERATOR', partner: 'partners/acme', administration: '', serves: [] },
      requestId: /^[0-9a-f-]{36}$/,
    },
  ]);
  t.match(await secovia('identity', 'create', 'x'), { code: 2, err: /--role <role>/ });
  t.match(await secovia('identity', 'create', 'x', '--role', 'king'), {
    code: 2,
    err: /Allowed choices are/,
  });
  t.match(await secovia('identity', 'create', 'x', '--role', 'auditor', '--days', '3'), {
    code: 2,
    err: /say --out as well/,
  });
});

t.test('with --out a request for its certificate follows, and the folder holds what came', async (t) => {
  server.on('IdentityService', 'IssueCertificate', ({ name }) => ({
    identity: { name },
    certificateChain: 'the chain\n',
    authority: 'the root\n',
  }));
  const out = join(folder, 'ana');
  const words = ['identity', 'create', 'ana', '--role', 'auditor', '--out', out, '--days', '30'];
  t.match(await secovia(...words), { code: 0, out: `created identity ana; its credentials are in ${out}\n` });
  const [sent] = server.sent('IdentityService', 'IssueCertificate');
  t.match(sent, { name: 'identities/ana', days: 30 });
  t.ok((sent?.signingRequest.length ?? 0) > 100, 'a signing request, and no key');
  t.equal(readFileSync(join(out, 'certificate.pem'), 'utf8'), 'the chain\n');
  t.equal(readFileSync(join(out, 'authority.pem'), 'utf8'), 'the root\n');
  t.match(readFileSync(join(out, 'key.pem'), 'utf8'), /BEGIN PRIVATE KEY/);
});

t.test(
  'a folder with a slash at its end is that folder, and what is called alike beside it stays',
  async (t) => {
    const out = join(folder, 'ops');
    mkdirSync(`${out}.new`);
    writeFileSync(join(`${out}.new`, 'key.pem'), 'mine');
    const words = ['identity', 'create', 'ops', '--role', 'auditor', '--out', `${out}/`];
    t.match(await secovia(...words), { code: 0 });
    t.equal(readFileSync(join(out, 'certificate.pem'), 'utf8'), 'the chain\n');
    t.equal(readFileSync(join(`${out}.new`, 'key.pem'), 'utf8'), 'mine');
  },
);

t.test('where no folder can be made nothing is asked of the scheduler', async (t) => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const before = server.sent('IdentityService', 'CreateIdentity').length;
  const words = ['identity', 'create', 'lost', '--role', 'auditor', '--out', join(file, 'lost')];
  t.match(await secovia(...words), { code: 2, err: /cannot be made: .*a-file is no folder/ });
  t.equal(server.sent('IdentityService', 'CreateIdentity').length, before);
});

t.test('when the certificate fails it is said that the identity is there', async (t) => {
  server.on('IdentityService', 'IssueCertificate', () => {
    throw new Refused(status.FAILED_PRECONDITION, 'no authority');
  });
  const out = join(folder, 'half');
  const failed = await secovia('identity', 'create', 'half', '--role', 'auditor', '--out', out);
  t.match(
    failed.err,
    /identity half was created without a certificate: .*identity certificate half --out .*half\./,
  );
  t.not(failed.code, 0);
  t.equal(existsSync(out), false);
});

t.test('a signing request from elsewhere is read as PEM or DER', async (t) => {
  server.on('IdentityService', 'IssueCertificate', ({ name }) => ({
    identity: { name },
    certificateChain: 'the chain\n',
    authority: 'the root\n',
  }));
  const der = Buffer.from('a request');
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  for (const [name, content] of [
    ['pem', pem],
    ['der', der],
  ] as const) {
    const file = join(folder, `${name}.csr`);
    writeFileSync(file, content);
    const out = join(folder, name);
    const made = await secovia('identity', 'certificate', 'web', '--signing-request', file, '--out', out);
    t.match(made, { code: 0, out: `the certificate of web is in ${out}\n` });
    t.same(server.sent('IdentityService', 'IssueCertificate').at(-1)?.signingRequest, der);
    t.equal(existsSync(join(out, 'key.pem')), false);
  }
  const missing = await secovia(
    'identity',
    'certificate',
    'web',
    '--signing-request',
    '/none',
    '--out',
    join(folder, 'n'),
  );
  t.match(missing, { code: 2, err: /cannot be read/ });
  mkdirSync(join(folder, 'full'));
  t.match(await secovia('identity', 'certificate', 'web', '--out', join(folder, 'full')), {
    code: 2,
    err: /there are no credentials .*choose another folder/,
  });
  t.match(await secovia('identity', 'certificate', 'web'), { code: 2, err: /--out <directory>/ });
});

t.test('list and show', async (t) => {
  server.on('IdentityService', 'ListIdentities', () => ({ identities: [ops, web] }));
  t.equal(
    (await secovia('identity', 'list')).out,
    [
      'NAME  ROLE              OF                 CERTIFICATE UNTIL  AGE  TITLE    NOTE',
      'ops   partner-operator  acme               2026-12-23          2h  Дежурни',
      'web   portal            croatia, slovenia  none               10s           disabled',
      '',
    ].join('\n'),
  );
  t.equal((await secovia('identity', 'list', '-o', 'name')).out, 'identities/ops\nidentities/web\n');
  await secovia('identity', 'list', '--filter', 'role = PORTAL');
  t.match(server.sent('IdentityService', 'ListIdentities').at(-1), { filter: 'role = PORTAL' });
  server.on('IdentityService', 'ListIdentities', () => ({}));
  t.match(await secovia('identity', 'list'), { out: '', err: /no identity that you see/ });
  server.on('IdentityService', 'GetIdentity', () => ({ identity: ops }));
  const { out } = await secovia('identity', 'show', 'ops');
  t.match(out, /^Role +partner-operator$/m);
  t.match(out, /^URI +spiffe:\/\/lab\/operator\/acme\/ops$/m);
  t.match(out, /^Certificates +aa until .*, revoked .*\n +bb until /m);
  t.match(JSON.parse((await secovia('identity', 'show', 'ops', '-o', 'json')).out), {
    identity: { name: 'identities/ops', role: 'ROLE_PARTNER_OPERATOR' },
  });
});

t.test('update sends what is said and nothing else', async (t) => {
  server.on('IdentityService', 'UpdateIdentity', ({ identity }) => ({ identity }));
  for (const [words, sent] of [
    [['--disable'], { identity: { disabled: true }, updateMask: { paths: ['disabled'] } }],
    [
      ['--enable', '--title', ''],
      { identity: { disabled: false, title: '' }, updateMask: { paths: ['title', 'disabled'] } },
    ],
    [
      ['--serves', 'a', '--serves', 'b', '--etag', '"4"'],
      { identity: { serves: ['administrations/a', 'administrations/b'], etag: '"4"' } },
    ],
  ] as const) {
    t.match(await secovia('identity', 'update', 'web', ...words), { code: 0, out: 'updated identity web\n' });
    t.match(server.sent('IdentityService', 'UpdateIdentity').at(-1), sent);
  }
  t.match(await secovia('identity', 'update', 'web'), { code: 2, err: /nothing to change/ });
  t.match(await secovia('identity', 'update', 'web', '--enable', '--disable'), { code: 2 });
});

t.test('revoke says which, and delete asks', async (t) => {
  server.on('IdentityService', 'RevokeCertificates', ({ name }) => ({ identity: { name } }));
  t.match(await secovia('identity', 'revoke', 'ops', '--serial', 'AB', '--serial', 'cd'), {
    out: 'revoked certificates of ops\n',
  });
  t.match(server.sent('IdentityService', 'RevokeCertificates').at(-1), { serials: ['ab', 'cd'] });
  t.match(await secovia('identity', 'revoke', 'ops', '--all'), { out: 'revoked all certificates of ops\n' });
  t.match(await secovia('identity', 'revoke', 'ops'), { code: 2, err: /which certificates\?/ });
  t.match(await secovia('identity', 'revoke', 'ops', '--serial', 'xyz'), {
    code: 2,
    err: /identity show prints it/,
  });
  server.on('IdentityService', 'DeleteIdentity', () => ({}));
  t.match(await secovia('identity', 'delete', 'ops'), { code: 2, err: /say --yes/ });
  const asked = { server: server.address, terminal: 'stdin' as const };
  t.match(await cli(['identity', 'delete', 'ops'], { ...asked, input: 'n\n' }), {
    err: /nothing was deleted/,
  });
  t.equal(server.sent('IdentityService', 'DeleteIdentity').length, 0);
  t.match(await cli(['identity', 'delete', 'ops'], { ...asked, input: 'y\n' }), {
    out: 'deleted identity ops\n',
  });
  t.match(await secovia('identity', 'delete', 'ops', '--yes'), { code: 0 });
});

t.test('whoami shows whom the scheduler sees', async (t) => {
  server.on('IdentityService', 'GetCaller', () => ({
    uri: 'spiffe://lab/portal/web',
    onBehalf: 'https://issuer.test ana',
    role: 'ROLE_ADMINISTRATION_USER' as const,
    administration: 'administrations/zagreb',
    federation: 'lab',
    expireTime: inDays(3),
  }));
  const { out } = await secovia('whoami');
  t.match(out, /^You are +spiffe:\/\/lab\/portal\/web$/m);
  t.match(out, /^For +https:\/\/issuer.test ana$/m);
  t.match(out, /^Role +administration-user$/m);
  t.match(out, /^Administration +zagreb$/m);
  t.equal((await secovia('whoami', '-o', 'name')).out, 'spiffe://lab/portal/web\n');
  server.on('IdentityService', 'GetCaller', () => ({
    uri: 'insecure',
    role: 'ROLE_FEDERATION_ADMINISTRATOR' as const,
  }));
  t.match((await secovia('whoami')).out, /You are +insecure/);
});

t.test('names are completed', async (t) => {
  server.on('IdentityService', 'ListIdentities', () => ({ identities: [ops, web] }));
  const { out } = await secovia('__complete', 'bash', '--', 'identity', 'show', '');
  t.match(out, /^ops/m);
  t.match(out, /^web/m);
  const roles = await secovia('__complete', 'bash', '--', 'identity', 'create', 'x', '--role', 'adm');
  t.match(roles.out, /administration-administrator[\s\S]*administration-user/);
});
