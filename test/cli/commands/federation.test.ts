import t from 'tap';
import { packageVersion } from '../../../cli/version.js';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const federation = {
  title: 'balkans',
  epoch: { incarnation: 2, counter: 9, instance: 'x' },
  version: '0.1.0',
  sequence: 9_007_199_254_740_991,
  siteCount: 2,
  hostCount: 5,
  readyHostCount: 4,
  vmCount: 120,
  recoveringSites: ['sites/sofia-1'],
  recoveryReason: 'the journal stands behind hosts/sofia-1-a',
  startTime: ago(60),
};

t.test('show says how it stands, and how to end recovery', async (t) => {
  server.on('FederationService', 'GetFederation', () => ({ federation }));
  const { out } = await secovia('federation', 'show');
  t.match(out, /^Hosts +5, 4 ready$/m);
  t.match(out, /^Epoch +incarnation 2, counter 9$/m);
  t.match(out, /^Recovering sites +sofia-1$/m);
  t.match(out, /^To end recovery +secovia federation end-recovery sofia-1, after a look at its hosts$/m);
  t.match(JSON.parse((await secovia('federation', 'show', '-o', 'json')).out), {
    federation: { sequence: '9007199254740991', recoveringSites: ['sites/sofia-1'] },
  });
});

t.test('end-recovery names one site', async (t) => {
  server.on('FederationService', 'EndRecovery', () => ({
    federation: { ...federation, recoveringSites: [] },
  }));
  t.match(await secovia('federation', 'end-recovery', 'sofia-1'), {
    code: 0,
    out: /^ended recovery on site sofia-1\nFederation +balkans$/m,
  });
  await secovia('federation', 'end-recovery', 'sofia-1', '--force');
  t.match(server.sent('FederationService', 'EndRecovery'), [
    { site: 'sites/sofia-1', force: false },
    { site: 'sites/sofia-1', force: true },
  ]);
});

t.test('version tells both, and does not wait for a scheduler that is away', async (t) => {
  server.on('FederationService', 'GetFederation', () => ({ federation }));
  t.equal(
    (await secovia('version')).out,
    `secovia ${packageVersion()}\nscheduler 0.1.0 at ${server.address}\n`,
  );
  t.match(await cli(['version'], { server: '127.0.0.1:1' }), {
    code: 0,
    out: `secovia ${packageVersion()}\nscheduler: no answer at 127.0.0.1:1\n`,
    err: '',
  });
  t.same(JSON.parse((await cli(['version', '-o', 'json'], { server: '127.0.0.1:1' })).out), {
    cli: packageVersion(),
    scheduler: null,
    server: '127.0.0.1:1',
  });
  t.match(await secovia('--version'), { code: 0, out: `secovia ${packageVersion()}\n` });
});
