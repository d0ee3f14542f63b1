import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { writeCredentials } from '../../proto/credentials.js';
import type { CertificateAuthority } from '../../scheduler/trust/authority.js';
import { makeAuthority } from '../../scheduler/trust/authority-folder.js';
import { ServerCertificate } from '../../scheduler/trust/server-certificate.js';
import { signedBy } from '../scheduler/api/secure-scheduler.js';
import { type Scope, temporaryFolder } from '../scheduler/scope.js';
import { AgentProcess } from './agent-process.js';
import { SchedulerDouble } from './scheduler-double.js';
import { until } from './until.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-secure-link-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const authority = await makeAuthority(folder, 'lab', null, Date.now());

/** A scheduler of this authority, and an agent whose credentials are in its data folder. */
async function setUp(t: Scope, settings: Record<string, unknown> = {}) {
  const scheduler = await serving(t, authority);
  const agent = new AgentProcess({ insecure: false, scheduler: scheduler.address, ...settings });
  agent.configure({ checkpointKey: scheduler.checkpointKey.toString('base64') });
  t.teardown(() => agent.dispose());
  return { scheduler, agent, identity: join(agent.folder, 'data', 'identity') };
}

async function serving(t: Scope, of: CertificateAuthority): Promise<SchedulerDouble> {
  const certificate = new ServerCertificate(temporaryFolder(t), of, 'lab');
  await certificate.refresh(Date.now());
  const scheduler = new SchedulerDouble();
  await scheduler.listen(0, { ...certificate.context(), ca: [of.rootPem] });
  t.teardown(() => scheduler.close());
  return scheduler;
}

t.test('an agent shows the certificate that is in its folder when it connects', async (t) => {
  const { scheduler, agent, identity } = await setUp(t);
  writeCredentials(identity, await signedBy(authority, 'spiffe://lab/host/h1'));
  agent.start();
  await until('it is linked', () => scheduler.linked, 60_000);
  const [first] = scheduler.certificates;
  t.ok(first);
  // As a renewal leaves it.
  const renewed = join(temporaryFolder(t), 'renewed');
  writeCredentials(renewed, await signedBy(authority, 'spiffe://lab/host/h1'));
  cpSync(renewed, identity, { recursive: true });
  scheduler.hangUp();
  await until('it is linked again', () => scheduler.linked, 60_000);
  t.equal(scheduler.certificates.length, 2);
  t.not(scheduler.certificates[1], first, 'with the newer certificate');
  t.notMatch(agent.stderr, /DeprecationWarning/);
});

t.test('an agent tells its scheduler from others, and says why it does not link', async (t) => {
  const { agent, identity } = await setUp(t);
  const stranger = await serving(t, await makeAuthority(temporaryFolder(t), 'lab', null, Date.now()));
  writeCredentials(identity, await signedBy(authority, 'spiffe://lab/host/h1'));
  agent.configure({ scheduler: stranger.address });
  agent.start();
  await until(
    'it says why',
    () => {
      const { stdout } = agent.status('--json');
      return /no connection to [^"]*: self-signed certificate/.test(stdout);
    },
    60_000,
  );
  t.notOk(stranger.linked);
  t.same(stranger.hellos, []);
});

t.test('an agent without credentials that could be used ends, and says what to do', async (t) => {
  const { agent, identity } = await setUp(t);
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /there is no certificate in .*\/data\/identity: run secovia-agent join TOKEN first/);
  writeCredentials(identity, await signedBy(authority, 'spiffe://lab/host/h1'));
  rmSync(join(identity, 'key.pem'));
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /there is no key\.pem in /);
});

t.test('without TLS an agent calls a scheduler on this machine alone', async (t) => {
  const { agent } = await setUp(t, { insecure: true, scheduler: '192.0.2.1:7443' });
  agent.start();
  t.equal(await agent.exited(), 1);
  t.match(agent.stderr, /without TLS .* on its own machine only, and 192\.0\.2\.1:7443 is elsewhere/);
});
