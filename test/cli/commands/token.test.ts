import t from 'tap';
import { ago, host } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const joinToken = {
  name: 'joinTokens/t0b4c',
  site: 'sites/sofia-1',
  usesLeft: 1,
  expireTime: ago(-3600),
  hosts: ['hosts/a', 'hosts/b'],
  creator: 'spiffe://see/admin/root',
  createTime: ago(300),
};

t.test('create prints the word alone, and says beside it what it is good for', async (t) => {
  server.on('JoinTokenService', 'CreateJoinToken', () => ({ joinToken, token: 'secovia-join-1.abc' }));
  const made = await secovia('token', 'create', '--site', 'sofia-1', '--ttl', '8h', '--uses', '3');
  t.match(made, {
    code: 0,
    out: /^secovia-join-1\.abc\n$/,
    err: /with this, one host can join at site sofia-1 until .*: secovia-agent join TOKEN/,
  });
  t.match(server.sent('JoinTokenService', 'CreateJoinToken'), [
    { site: 'sites/sofia-1', ttlSeconds: 28_800, uses: 3, requestId: /^[0-9a-f-]{36}$/ },
  ]);
  const json = await secovia('token', 'create', '--site', 'sofia-1', '--output', 'json');
  t.match(JSON.parse(json.out), { joinToken: { name: 'joinTokens/t0b4c' }, token: 'secovia-join-1.abc' });
  t.equal(json.err, '');
  t.equal((await secovia('token', 'create', '--site', 'sofia-1', '-o', 'name')).out, 'joinTokens/t0b4c\n');
});

t.test('create says when the word was lost, and refuses what no token can be', async (t) => {
  server.on('JoinTokenService', 'CreateJoinToken', () => ({ joinToken, token: '' }));
  t.match(await secovia('token', 'create', '--site', 'sofia-1'), {
    code: 4,
    out: '',
    err: /join token t0b4c was made, and its word was lost on the way\. Delete it with secovia token delete t0b4c/,
  });
  for (const [words, err] of [
    [['--ttl', '59s'], /A token is good for 1m to 30d/],
    [['--ttl', '31d'], /A token is good for 1m to 30d/],
    [['--ttl', '60'], /Say the unit/],
    [['--uses', '0'], /whole number from 1 to 1000/],
    [['--uses', 'x'], /whole number from 1 to 1000/],
  ] as const) {
    t.match(await secovia('token', 'create', '--site', 's', ...words), { code: 2, err });
  }
  t.match(await secovia('token', 'create'), {
    code: 2,
    err: /required option '--site <site>' not specified/,
  });
});

t.test('list and delete', async (t) => {
  server.on('JoinTokenService', 'ListJoinTokens', () => ({ joinTokens: [joinToken] }));
  t.equal(
    (await secovia('token', 'list')).out,
    [
      'NAME   SITE     LEFT  ENDS IN  AGE  BY                       HOSTS',
      't0b4c  sofia-1     1       1h   5m  spiffe://see/admin/root  a,b',
      '',
    ].join('\n'),
  );
  server.on('JoinTokenService', 'ListJoinTokens', () => ({ joinTokens: [] }));
  t.match(await secovia('token', 'list'), { code: 0, err: /Make one with secovia token create/ });
  server.on('JoinTokenService', 'DeleteJoinToken', () => ({}));
  t.match(await secovia('token', 'delete', 't0b4c', 'joinTokens/t1'), {
    code: 0,
    out: 'deleted join token t0b4c\ndeleted join token t1\n',
  });
  t.match(server.sent('JoinTokenService', 'DeleteJoinToken'), [
    { name: 'joinTokens/t0b4c' },
    { name: 'joinTokens/t1' },
  ]);
});

t.test('a host is quarantined, released and revoked', async (t) => {
  server.on('HostService', 'QuarantineHost', ({ name }) => ({ host: host({ name }) }));
  server.on('HostService', 'ReleaseHost', ({ name }) => ({ host: host({ name }) }));
  server.on('HostService', 'RevokeHost', ({ name }) => ({ host: host({ name, revoked: true }) }));
  t.match(await secovia('host', 'quarantine', 'a', 'b', '--reason', 'odd'), {
    code: 0,
    out: 'quarantined host a\nquarantined host b\n',
  });
  t.match(server.sent('HostService', 'QuarantineHost'), [
    { name: 'hosts/a', reason: 'odd' },
    { name: 'hosts/b', reason: 'odd' },
  ]);
  t.match(await secovia('host', 'release', 'a'), { code: 0, out: 'released host a\n' });
  t.match(await secovia('host', 'revoke', 'a'), { code: 2, err: /asks before it revokes.*say --yes/ });
  t.same(server.sent('HostService', 'RevokeHost'), [], 'nobody has said yes');
  t.match(await secovia('host', 'revoke', 'a', '--yes', '--reason', 'stolen'), {
    code: 0,
    out: 'revoked the certificates of host a\n',
  });
  t.match(server.sent('HostService', 'RevokeHost'), [{ name: 'hosts/a', reason: 'stolen' }]);
});

t.test('show tells of certificates, and that they were revoked', async (t) => {
  const certificates = [
    { serial: '0a', issueTime: ago(9 * 86_400), expireTime: ago(2 * 86_400) },
    { serial: '0b', issueTime: ago(86_400), expireTime: ago(-86_400), revokeTime: ago(60) },
  ];
  server.on('HostService', 'GetHost', () => ({ host: host({ certificates, revoked: true }) }));
  const { out } = await secovia('host', 'show', 'sofia-1-a');
  t.match(out, /^Certificates +0a ended .*\n +0b until .*, revoked .*$/m);
  t.match(out, /^Revoked +yes: its certificates are refused until it enrols anew$/m);
  server.on('HostService', 'ListHosts', () => ({ hosts: [host({ revoked: true })] }));
  t.match((await secovia('host', 'list')).out, /revoked$/m);
});
