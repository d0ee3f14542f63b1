/** What becomes of an agent whose host is revoked while it runs. */
import t from 'tap';
import { readCredentials } from '../../proto/credentials.js';
import { SecureScheduler } from '../scheduler/api/secure-scheduler.js';
import { becomes, hostOf, identityOf, newHost, newToken, runJoin } from './secure-host.js';
import { until } from './until.js';

const { api } = await SecureScheduler.start(t);
await api.call('CreateSite', { siteId: 'zagreb', site: { partner: 'p', country: 'HR' } });

t.test('a revoked host is cut off and says so, and enrols anew with another key', async (t) => {
  const agent = newHost(t);
  t.equal((await runJoin(agent, await newToken(api), { host: 'robbed' })).err, '');
  agent.start();
  await becomes(api, 'robbed', 'READY');
  const { key } = readCredentials(identityOf(agent));
  await api.call('RevokeHost', { name: 'hosts/robbed', reason: 'stolen' });
  const status = await until('it says so', () => {
    const { code, stdout } = agent.status();
    return /rejected .*(HOST_REVOKED|UNAUTHENTICATED)/.test(stdout) && { code, stdout };
  });
  t.equal(status.code, 1);
  t.match((await hostOf(api, 'robbed'))?.state, 'HOST_STATE_SUSPECT');
  t.match(await runJoin(agent, await newToken(api), { host: 'robbed' }), { err: /say --new-key/ });
  t.equal((await runJoin(agent, await newToken(api), { host: 'robbed', newKey: true })).err, '');
  t.not(readCredentials(identityOf(agent)).key, key);
  await agent.kill();
  agent.start();
  await becomes(api, 'robbed', 'READY');
  t.match(await hostOf(api, 'robbed'), { revoked: false });
});
