import { once } from 'node:events';
import { createServer } from 'node:tls';
import { test } from 'tap';
import { secureChannel } from '../../../proto/credentials.js';
import { makeAuthority } from '../../../scheduler/trust/authority-folder.js';
import { signedBy } from '../api/secure-scheduler.js';
import { temporaryFolder } from '../scope.js';
import { WhoAmI, WhoClient } from './who-am-i.js';

const lab = 'spiffe://lab';

test('a client trusts no server but its scheduler', async (t) => {
  const who = await WhoAmI.start(t);
  const own = await signedBy(who.authority, `${lab}/admin/root`);
  const stranger = await makeAuthority(temporaryFolder(t), 'lab', null, Date.now());
  await t.rejects(
    who.ask({ ...own, authority: stranger.rootPem }),
    { code: 14, details: /self-signed certificate in certificate chain/ },
    'of another authority',
  );
  await t.rejects(
    who.ask({ ...own, federation: 'other' }),
    { code: 14, details: /the server is not the scheduler of federation other/ },
    'of another federation',
  );
  t.ok(secureChannel(own).options['grpc.ssl_target_name_override'], 'an address is not sent as a name');
});

test('a member of the federation cannot play its scheduler', async (t) => {
  const who = await WhoAmI.start(t);
  const host = await signedBy(who.authority, `${lab}/host/evil`);
  const pretender = await signedBy(who.authority, `${lab}/scheduler`);
  for (const [thief, words] of [
    [host, /the server is not the scheduler|unsuitable certificate purpose/],
    [pretender, /unsuitable certificate purpose/],
  ] as const) {
    const server = createServer({ key: thief.key, cert: thief.chain, ALPNProtocols: ['h2'] });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as { port: number };
    const client = new WhoClient(`127.0.0.1:${port}`, await signedBy(who.authority, `${lab}/admin/root`));
    t.teardown(() => client.close());
    await t.rejects(client.ask(), { code: 14, details: words });
  }
});
