/** Certificates that last for seconds: the real agent renews them as it would over months. */
import t from 'tap';
import { readCredentials } from '../../proto/credentials.js';
import { SecureScheduler } from '../scheduler/api/secure-scheduler.js';
import { becomes, hostOf, identityOf, newHost, newToken, runJoin } from './secure-host.js';
import { until } from './until.js';

const { api } = await SecureScheduler.start(t, ['--host-certificate-ms', '15000']);
await api.call('CreateSite', { siteId: 'zagreb', site: { partner: 'p', country: 'HR' } });

t.test(
  'certificates are renewed under a stream that goes on, and after their end at the start',
  async (t) => {
    const agent = newHost(t);
    t.equal((await runJoin(agent, await newToken(api), { host: 'steady' })).err, '');
    const first = readCredentials(identityOf(agent));
    agent.start();
    await becomes(api, 'steady', 'READY');
    const connected = (await hostOf(api, 'steady'))?.connectTime;
    await until('it is renewed', () => agent.log.some(({ event }) => event === 'certificate.renewed'));
    const second = readCredentials(identityOf(agent));
    t.ok(second.endMs > first.endMs);
    t.equal(second.key, first.key);
    await until('the first has ended', () => Date.now() > first.endMs);
    const leaseEnd = Number((await hostOf(api, 'steady'))?.leaseExpireTime?.seconds);
    await until(
      'another lease',
      async () => Number((await hostOf(api, 'steady'))?.leaseExpireTime?.seconds) > leaseEnd,
    );
    t.same((await hostOf(api, 'steady'))?.connectTime, connected, 'the stream is the one that it was');
    t.notOk(agent.log.some(({ event }) => event === 'link.down'));

    await agent.kill();
    const { endMs } = readCredentials(identityOf(agent));
    await until('its certificate has ended', () => Date.now() > endMs);
    const renewals = agent.log.filter(({ event }) => event === 'certificate.renewed').length;
    const links = agent.log.filter(({ event }) => event === 'link.up').length;
    agent.start();
    await until(
      'it is linked again',
      () => agent.log.filter(({ event }) => event === 'link.up').length > links,
    );
    t.equal(agent.log.filter(({ event }) => event === 'certificate.renewed').length, renewals + 1);
  },
);
