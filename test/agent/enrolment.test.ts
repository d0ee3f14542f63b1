/**
 * How a host comes into a federation: the real agent and the real scheduler, over TLS, from the token to a host that is
 * ready.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { readCredentials } from '../../proto/credentials.js';
import { decodeJoinWord, encodeJoinWord, type JoinWord } from '../../proto/join-token.js';
import { SecureScheduler } from '../scheduler/api/secure-scheduler.js';
import { AgentProcess } from './agent-process.js';
import { becomes, hostOf, identityOf, newHost, newToken, runCommand, runJoin } from './secure-host.js';

const scheduler = await SecureScheduler.start(t);
const { api } = scheduler;
for (const siteId of ['zagreb', 'skopje']) {
  await api.call('CreateSite', { siteId, site: { partner: 'p', country: 'HR' } });
}

t.test('a token makes a host of a machine, and a second one is told that it was used', async (t) => {
  const agent = newHost(t);
  const token = await newToken(api);
  const joined = await runCommand(agent, token, '--host', 'first', '--rack', 'r1');
  t.match(
    joined,
    { code: 0, out: /^first has joined lab at site zagreb; its certificate is good until / },
    joined.err,
  );
  const identity = identityOf(agent);
  t.equal(statSync(join(identity, 'key.pem')).mode & 0o777, 0o600);
  t.equal(statSync(identity).mode & 0o777, 0o700);
  t.equal(readCredentials(identity).uri, 'spiffe://lab/host/first');
  t.notOk(existsSync(`${identity}.joining`), 'the key is where it belongs');
  const text = readFileSync(agent.configFile, 'utf8');
  t.match(parse(text), {
    scheduler: scheduler.address,
    host: 'first',
    site: 'zagreb',
    rack: 'r1',
    federation: 'lab',
  });

  agent.start();
  await becomes(api, 'first', 'READY');
  t.match(agent.status().stdout, /^identity +certificate for 6 d, renewed in [45] d$/m);

  t.match(await runJoin(agent, await newToken(api), { host: 'first' }), {
    err: /has joined already, as spiffe:\/\/lab\/host\/first.* say --new-key/,
  });
  const thief = newHost(t);
  t.match(await runCommand(thief, token, '--host', 'thief'), {
    code: 1,
    err: /^secovia-agent: the join token was used already; make another with: secovia token create --site zagreb\n$/,
  });
  t.notOk(existsSync(identityOf(thief)));
  t.equal(parse(readFileSync(thief.configFile, 'utf8')).scheduler, undefined, 'nothing is written');
});

t.test('what is wrong with a token is said in a sentence', async (t) => {
  const agent = newHost(t);
  const word = decodeJoinWord(await newToken(api)) as JoinWord;
  const wrong = (change: Partial<JoinWord>) => encodeJoinWord({ ...word, ...change });
  const cases: [string, string, RegExp][] = [
    [
      'another authority',
      wrong({ fingerprint: '0'.repeat(64) }),
      /is not the scheduler that made this token/,
    ],
    ['another secret', wrong({ secret: 'A'.repeat(43) }), /is not one of this federation, or was deleted/],
    ['another token', wrong({ token: 't000000000000' }), /is not one of this federation, or was deleted/],
    ['another site', wrong({ site: 'skopje' }), /is for hosts of another site/],
    [
      'nobody there',
      wrong({ addresses: ['127.0.0.1:1'] }),
      /no scheduler answers at 127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    ],
    [
      'another federation',
      wrong({ federation: 'other' }),
      /no scheduler answers at .*not the scheduler of federation other/,
    ],
  ];
  for (const [what, token, message] of cases) {
    t.match((await runJoin(agent, token, { host: 'unlucky' })).err, message, what);
  }
  t.notOk(existsSync(identityOf(agent)));
  const plain = await runJoin(
    agent,
    encodeJoinWord({ ...word, addresses: ['127.0.0.1:1', scheduler.address] }),
    { host: 'second-try' },
  );
  t.match(plain.out, /second-try has joined/, 'the next address is tried');
});

t.test('the answer that was lost is given again', async (t) => {
  const agent = newHost(t);
  const token = await newToken(api);
  const identity = identityOf(agent);
  t.equal((await runJoin(agent, token, { host: 'lost' })).err, '');
  const chain = readFileSync(join(identity, 'certificate.pem'), 'utf8');
  // As it was before the answer came.
  mkdirSync(`${identity}.joining`, { mode: 0o700 });
  renameSync(join(identity, 'key.pem'), join(`${identity}.joining`, 'key.pem'));
  rmSync(identity, { recursive: true });
  t.equal((await runJoin(agent, token, { host: 'lost' })).err, '');
  t.equal(readFileSync(join(identity, 'certificate.pem'), 'utf8'), chain);
  t.equal((await hostOf(api, 'lost'))?.certificates.length, 1);
});

t.test('an agent that has not joined says what to do', async (t) => {
  const agent = new AgentProcess({ insecure: false, scheduler: scheduler.address });
  t.teardown(() => agent.dispose());
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /^secovia-agent: there is no certificate in .*: run secovia-agent join TOKEN first/);
  mkdirSync(identityOf(agent), { recursive: true });
  writeFileSync(join(identityOf(agent), 'key.pem'), 'no key', { mode: 0o644 });
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /others can read .*key\.pem/);
});
