import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import type { Credentials } from '../../../proto/credentials.js';
import { makeAuthority } from '../../../scheduler/trust/authority-folder.js';
import { refuse } from '../../../scheduler/core/refusal.js';
import { cutRevoked } from '../../../scheduler/trust/revocation.js';
import { signedBy } from '../api/secure-scheduler.js';
import { type Scope, temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';
import { WhoAmI } from './who-am-i.js';

const day = 24 * 3600 * 1000;
const lab = 'spiffe://lab';

test('a certificate proves its owner, once a connection', async (t) => {
  const who = await WhoAmI.start(t);
  for (const [path, subject] of [
    ['host/zg-1', { kind: 'host', id: 'zg-1' }],
    ['admin/root', { kind: 'identity', id: 'root' }],
    ['operator/carnet/ana', { kind: 'identity', id: 'ana' }],
    ['administration/town/clerk', { kind: 'identity', id: 'clerk' }],
    ['auditor/court', { kind: 'identity', id: 'court' }],
    ['portal/web', { kind: 'identity', id: 'web' }],
  ] as const) {
    const credentials = await signedBy(who.authority, `${lab}/${path}`);
    const caller = await who.ask(credentials);
    t.match(caller, { identity: `${lab}/${path}`, onBehalf: '', subject }, path);
    t.match(JSON.stringify(caller), /"serial":"[0-9a-f]{32}"/);
    t.match(caller, { certificateEndMs: Math.floor(credentials.endMs / 1000) * 1000 });
  }
});

test('whoever shows no certificate is nobody, and hears why', async (t) => {
  const who = await WhoAmI.start(t);
  t.match(await who.ask(who.trust), {
    identity: 'nobody',
    subject: { kind: 'nobody', reason: /no certificate/ },
  });
});

test('certificates that prove nothing are refused with the reason', async (t) => {
  const who = await WhoAmI.start(t);
  const { authority, trust } = who;
  const stranger = await makeAuthority(temporaryFolder(t), 'lab', null, Date.now());
  const from = (credentials: Credentials): Credentials => ({ ...credentials, ...trust });
  const refusals: [string, Credentials, RegExp][] = [
    [
      'of another authority',
      from(await signedBy(stranger, `${lab}/admin/root`)),
      /WRONG_AUTHORITY.*not signed/,
    ],
    ['self-signed by an authority that took the name', { ...from(await selfSigned(t)) }, /WRONG_AUTHORITY/],
    [
      'of another federation',
      from(await signedBy(authority, 'spiffe://other/admin/root')),
      /WRONG_FEDERATION/,
    ],
    [
      'of nobody that there could be',
      from(await signedBy(authority, `${lab}/emperor/x`)),
      /WRONG_FEDERATION/,
    ],
    ['with two URIs', from(await signedBy(authority, `${lab}/admin/root,URI:${lab}/host/a`)), /NO_IDENTITY/],
    ['named after the scheduler', from(await signedBy(authority, `${lab}/scheduler`)), /NOT_A_CLIENT/],
    ['of the scheduler itself', from(await serverCredentials(who)), /NOT_A_CLIENT/],
  ];
  for (const [what, credentials, words] of refusals) {
    const answer = await who.ask(credentials);
    t.match(answer, { kind: 'unauthenticated' }, what);
    t.match(JSON.stringify(answer), words, what);
  }
});

/** A root with the right name of its own making, used as if it were a member. */
async function selfSigned(t: Scope): Promise<Credentials> {
  const { makeRoot } = await import('../../../scheduler/trust/certificates.js');
  const { pem, key } = await makeRoot('lab', Date.now());
  t.teardown(() => {});
  return { authority: pem, federation: 'lab', chain: pem, key, uri: '', startMs: 0, endMs: 0 };
}

/** The server certificate, in the hands of a thief. */
async function serverCredentials({ authority }: WhoAmI): Promise<Credentials> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signed = await authority.signServer(publicKey, 'lab', Date.now(), day);
  if ('kind' in signed) throw new Error(signed.message);
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { authority: '', federation: 'lab', chain: signed.chainPem, key, uri: '', startMs: 0, endMs: 0 };
}

test('a certificate whose time has not come, or has gone, proves nothing: by the clock of the scheduler', async (t) => {
  const who = await WhoAmI.start(t);
  const life = { nowMs: who.nowMs, lifeMs: day };
  const admin = who.client(await signedBy(who.authority, `${lab}/admin/root`, life));
  const host = who.client(await signedBy(who.authority, `${lab}/host/a`, life));
  t.match(await admin.ask(), { subject: { id: 'root' } });
  t.match(await host.ask(), { subject: { id: 'a' } });
  const began = who.nowMs;
  who.nowMs = began - 2 * 60_000;
  t.match(await admin.ask(), { reason: 'CERTIFICATE_NOT_YET_VALID', message: /compare the clocks/ });
  who.nowMs = began - 30_000;
  t.match(await admin.ask(), { subject: { id: 'root' } }, 'clocks may differ a little');
  who.nowMs = began + day;
  t.match(
    await admin.ask(),
    { reason: 'CERTIFICATE_EXPIRED', message: /another one issued/ },
    'on an open connection',
  );
  t.match(await admin.ask('renew'), { reason: 'CERTIFICATE_EXPIRED' });
  t.match(await host.ask(), { reason: 'CERTIFICATE_EXPIRED', message: /may only be renewed/ });
  t.match(await host.ask('renew'), { subject: { kind: 'host', id: 'a' } });
  t.match(await host.ask('link'), { subject: { kind: 'host', id: 'a' } }, 'its site may be in recovery');
  t.match(await admin.ask('link'), { reason: 'CERTIFICATE_EXPIRED' });
  who.nowMs = began + 31 * day - 2000;
  t.match(await host.ask('renew'), { subject: { kind: 'host', id: 'a' } });
  who.nowMs = began + 31 * day;
  t.match(await host.ask('renew'), { reason: 'CERTIFICATE_EXPIRED', message: /join again/ });
});

test('a certificate that had expired before the connection was made is told as such', async (t) => {
  const who = await WhoAmI.start(t);
  const life = { nowMs: who.nowMs - 3 * day, lifeMs: day };
  const host = who.client(await signedBy(who.authority, `${lab}/host/a`, life));
  t.match(await host.ask(), { reason: 'CERTIFICATE_EXPIRED' });
  t.match(await host.ask('renew'), { subject: { kind: 'host', id: 'a' } });
  // TLS tells one complaint of several: the age must not hide who signed it.
  const stranger = await makeAuthority(temporaryFolder(t), 'lab', null, Date.now());
  const forged = { ...(await signedBy(stranger, `${lab}/host/a`, life)), ...who.trust };
  t.match(await who.client(forged).ask('renew'), { reason: 'WRONG_AUTHORITY' });
});

test('what is revoked, disabled or gone is refused at once, and its connections end', async (t) => {
  const who = await WhoAmI.start(t);
  const { touchedBy } = await import('./touched-by.js');
  const good = await signedBy(who.authority, `${lab}/admin/root`);
  const lost = await signedBy(who.authority, `${lab}/admin/root`);
  const [one, other] = [who.client(good), who.client(lost)];
  const serialOf = async (client: typeof one) => {
    const answer = await client.ask();
    return 'subject' in answer && 'serial' in answer.subject ? answer.subject.serial : '';
  };
  const certificates = [
    { serial: await serialOf(one), issuedMs: 0, endMs: good.endMs },
    { serial: await serialOf(other), issuedMs: 0, endMs: lost.endMs, revokedMs: 1 },
  ];
  cutRevoked(who.connections, touchedBy({ identity: { id: 'root', certificates } }));
  t.match(await other.ask(), { reason: 'CERTIFICATE_REVOKED' });
  t.match(await one.ask(), { subject: { id: 'root' } });
  await eventually(
    'the connection has ended',
    () => who.connections.size,
    (size) => size === 1,
  );
  cutRevoked(who.connections, touchedBy({ identity: { id: 'root', certificates, disabled: true } }));
  t.match(await one.ask(), { reason: 'CERTIFICATE_REVOKED' });
  const host = who.client(await signedBy(who.authority, `${lab}/host/a`));
  const { subject } = (await host.ask()) as { subject: { id: string; serial: string } };
  t.match(subject, { id: 'a' });
  cutRevoked(who.connections, touchedBy({ host: { id: 'a', certificates: [] } }));
  t.match(await host.ask(), { subject }, 'one that is only forgotten goes on');
  const gone = [{ serial: subject.serial, issuedMs: 0, endMs: good.endMs, revokedMs: 1 }];
  cutRevoked(who.connections, touchedBy({ host: { id: 'a', certificates: gone } }));
  t.match(await host.ask(), { reason: 'CERTIFICATE_REVOKED' });
  await eventually(
    'all have ended',
    () => who.connections.size,
    (size) => size === 0,
  );
});

test('strangers make room for newer ones, and members keep theirs', async (t) => {
  const who = await WhoAmI.start(t, { limits: { strangers: 3, strangerLifeMs: 60_000 } });
  const member = who.client(await signedBy(who.authority, `${lab}/admin/root`));
  t.match(await member.ask(), { subject: { id: 'root' } });
  const ended: number[] = [];
  for (let index = 0; index < 8; index += 1) {
    const socket = connectTls({
      ...{ port: who.port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false },
    });
    socket.on('error', () => {});
    socket.resume().on('close', () => ended.push(index));
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    await eventually(
      'it is taken in',
      () => who.connections.size,
      (size) => size >= Math.min(4, index + 2),
    );
  }
  await eventually(
    'the oldest have gone',
    () => ended.length,
    (count) => count === 5,
  );
  t.same(ended.sort(), [0, 1, 2, 3, 4]);
  t.match(await member.ask(), { subject: { id: 'root' } });
  const another = who.client(await signedBy(who.authority, `${lab}/admin/root`));
  t.match(await another.ask(), { subject: { id: 'root' } }, 'who has a certificate still gets in');
});

test('a stranger may not stay, and one owner cannot have all connections', async (t) => {
  const who = await WhoAmI.start(t, { limits: { strangerLifeMs: 100, perOwner: 2, total: 4 } });
  const nobody = who.client(who.trust);
  t.match(await nobody.ask(), { identity: 'nobody' });
  await eventually(
    'nobody is there',
    () => who.connections.size,
    (size) => size === 0,
  );
  const credentials = await signedBy(who.authority, `${lab}/portal/web`);
  for (let index = 0; index < 2; index += 1)
    t.match(await who.client(credentials).ask(), { subject: { id: 'web' } });
  await t.rejects(who.client(credentials).ask(), { code: 14 }, 'the third is turned away');
  t.match(await who.ask(await signedBy(who.authority, `${lab}/admin/root`)), { subject: { id: 'root' } });
  t.equal(who.connections.strangers, 0);
});

test('with a certificate that is good no more one is a stranger, and takes no room of its owner', async (t) => {
  const who = await WhoAmI.start(t, { limits: { strangerLifeMs: 60_000, perOwner: 2 } });
  const stolen = await signedBy(who.authority, `${lab}/portal/web`);
  who.isMember = () => false;
  const thieves = [1, 2, 3].map(() => who.client(stolen));
  for (const thief of thieves) t.match(await thief.ask(), { subject: { id: 'web' } }, 'it can be told why');
  t.equal(who.connections.strangers, 3);
  who.isMember = () => true;
  t.match(await who.ask(await signedBy(who.authority, `${lab}/portal/web`)), { subject: { id: 'web' } });
});

test('a portal without a token is itself, and with one whoever the verifier says', async (t) => {
  const asked: unknown[] = [];
  const who = await WhoAmI.start(t, {
    tokens: {
      verify: (token, portal, administration) => {
        asked.push([token, portal.identity, administration]);
        return token === 'good'
          ? { ...portal, onBehalf: 'issuer user' }
          : refuse('unauthenticated', 'INVALID_TOKEN', 'no');
      },
    },
  });
  const portal = who.client(await signedBy(who.authority, `${lab}/portal/web`));
  t.match(await portal.ask(), { subject: { kind: 'identity', id: 'web' }, onBehalf: '' });
  const header = { authorization: 'Bearer good', 'secovia-administration': 'town' };
  t.match(await portal.ask('who', header), { onBehalf: 'issuer user' });
  t.same(asked, [['good', `${lab}/portal/web`, 'town']]);
  t.match(await portal.ask('who', { authorization: 'Bearer bad' }), { reason: 'INVALID_TOKEN' });
  for (const authorization of ['Basic good', 'Bearer', 'Bearer a b'])
    t.match(await portal.ask('who', { authorization }), { reason: 'INVALID_TOKEN' }, authorization);
  t.equal(asked.length, 2);
  const admin = who.client(await signedBy(who.authority, `${lab}/admin/root`));
  t.match(
    await admin.ask('who', header),
    { subject: { id: 'root' }, onBehalf: '' },
    'nobody else has tokens',
  );
  t.equal(asked.length, 2);
});

test('only HTTP/2 is spoken, and only over TLS 1.3', async (t) => {
  const who = await WhoAmI.start(t);
  const { rootPem: ca } = who.authority;
  const { key, chain: cert } = await signedBy(who.authority, `${lab}/admin/root`);
  const base = { port: who.port, host: '127.0.0.1', ca, key, cert, checkServerIdentity: () => undefined };
  const attempt = (change: object) =>
    new Promise<string>((resolve) => {
      const socket = connectTls({ ...base, ALPNProtocols: ['h2'], ...change });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('close', () => resolve('closed'));
      socket.on('data', () => {
        resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
        socket.destroy();
      });
    });
  t.equal(await attempt({}), 'TLSv1.3 h2');
  t.match(await attempt({ maxVersion: 'TLSv1.2' }), /PROTOCOL_VERSION/);
  t.match(await attempt({ ALPNProtocols: ['http/1.1'] }), /NO_APPLICATION_PROTOCOL|closed|ECONNRESET/);
  t.match(await attempt({ ALPNProtocols: [] }), /closed|ECONNRESET/);
});

test('the scheduler’s certificate is exchanged while connections go on', async (t) => {
  const who = await WhoAmI.start(t);
  const serial = () =>
    new Promise<string>((resolve, reject) => {
      // The clock of TLS itself stands still here.
      const socket = connectTls({ port: who.port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const credentials = await signedBy(who.authority, `${lab}/admin/root`, { lifeMs: 100 * day });
  const open = who.client(credentials);
  t.match(await open.ask(), { subject: { id: 'root' } });
  const first = await serial();
  await who.refresh();
  t.equal(await serial(), first, 'not before it is due');
  who.nowMs += 21 * day;
  await who.refresh();
  t.not(await serial(), first);
  t.match(await open.ask(), { subject: { id: 'root' } });
});
