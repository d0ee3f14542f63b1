import tap, { test } from 'tap';
import { cli } from '../../cli/run-cli.js';
import { Federation, newVm } from './federation.js';
import { identityCaller, settle } from './access/callers.js';
import { serve } from './access/server.js';

const federation = await Federation.start(tap, ['--lease-ms', '60000']);
const { api, scheduler } = federation;
const secovia = (...args: string[]) => cli(args, { server: scheduler.address, nowMs: Date.now() });
const agent = await federation.host('zg-1');
tap.teardown(() => agent.close());

test('a federation in which all is well', async (t) => {
  t.same((await api.call('ListAlarms', {})).alarms, []);
  t.match(await secovia('alarms', '--check'), { code: 0, out: '', err: /there is nothing to see to\./ });
});

test('a VM that has vanished is an alarm, and a monitor hears of it', async (t) => {
  await api.call('CreateVm', newVm('web'));
  const desired = await agent.desired('web');
  agent.answer(desired);
  await federation.becomes(
    'administrations/adm/vms/web',
    'runs',
    ({ state }) => state === 'VM_STATE_RUNNING',
  );
  agent.answer(desired, { state: 'DOMAIN_STATE_MISSING' });
  const { stateTime } = await federation.becomes(
    'administrations/adm/vms/web',
    'is missing',
    ({ state }) => state === 'VM_STATE_MISSING',
  );
  const { alarms } = await api.call('ListAlarms', {});
  t.match(alarms, [
    {
      name: 'alarms/vm-missing.administrations.adm.vms.web',
      code: 'VM_MISSING',
      severity: 'ALARM_SEVERITY_CRITICAL',
      about: 'administrations/adm/vms/web',
      message: /^VM "web" of "adm" has vanished from its host/,
      advice: /secovia vm start adm\/web/,
    },
  ]);
  t.same(alarms[0]?.sinceTime, stateTime);
  const shown = await secovia('alarms', '--check');
  t.match(shown, { code: 7, err: /one alarm is critical\./ });
  t.match(shown.out, /^SEVERITY +CODE +ABOUT +SINCE +WHAT, AND WHAT TO DO$/m);
  t.match(
    shown.out,
    /^CRITICAL +VM_MISSING +adm\/web +\d+s +VM "web" of "adm" has vanished.* → find out who removed it; then secovia vm start adm\/web/m,
  );
  t.equal((await secovia('alarms')).code, 0, 'without --check it only shows');
  const json = await secovia('alarms', '--check', '-o', 'json');
  t.match(json, { code: 7 });
  t.match(JSON.parse(json.out), { alarms: [{ code: 'VM_MISSING', severity: 'ALARM_SEVERITY_CRITICAL' }] });
  t.match(await secovia('alarms', '-o', 'name'), { out: 'alarms/vm-missing.administrations.adm.vms.web\n' });
});

test('alarms are filtered by what they are about, how severe they are, and since when', async (t) => {
  const codes = async (filter: string) =>
    (await api.call('ListAlarms', { filter })).alarms.map(({ code }) => code);
  t.same(await codes('severity = CRITICAL AND about:"vms/web"'), ['VM_MISSING']);
  t.same(await codes('severity = WARNING'), []);
  t.same(await codes('since > "2099-01-01T00:00:00Z"'), []);
  t.same(await codes('code = HOST_LOST OR code = VM_MISSING'), ['VM_MISSING']);
  t.match(await api.fails('ListAlarms', { filter: 'colour = red' }), { reason: 'INVALID_FIELDS' });
  t.match(await api.fails('ListAlarms', { pageToken: 'x' }), { reason: 'INVALID_FIELDS' });
  const args = ['--severity', 'warning', '--about', 'administrations/adm/vms/web', '--filter', 'code:VM'];
  t.match((await secovia('alarms', ...args)).out, /VM_MISSING/);
  t.match(await secovia('alarms', '--severity', 'notice', '--about', 'hosts/zg-1'), {
    code: 0,
    err: /no alarm matches/,
  });
  t.match(await secovia('alarms', '--severity', 'grave'), { code: 2, err: /notice, warning, critical/ });
});

test('the same alarm has the same since after a restart', async (t) => {
  const since = async () =>
    (await api.call('ListAlarms', { filter: 'code = VM_MISSING' })).alarms[0]?.sinceTime;
  const before = await since();
  await scheduler.stop();
  await scheduler.start();
  t.same(await since(), before);
  t.ok(before);
});

test('pages go from the most severe to the least, and from the newest to the oldest', async (t) => {
  const served = await serve(t, (world) => {
    settle(world);
    for (const host of ['zg-1', 'zg-2', 'sk-1', 'bg-1']) {
      world.nowMs += 1000;
      world.run({ type: 'host.disconnected', id: host, reason: 'the stream ended' });
    }
    world.run({ type: 'host.lapsed', id: 'zg-1', reason: 'its lease has ended' });
    world.nowMs += 50 * 86_400_000;
  });
  const about: string[] = [];
  let pageToken = '';
  do {
    const page = await served.root.call('ListAlarms', { pageSize: 2, pageToken, filter: 'code:HOST' });
    t.ok(page.alarms.length <= 2);
    about.push(...page.alarms.map((alarm) => alarm.about));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  t.same(about, ['hosts/zg-1', 'hosts/bg-1', 'hosts/sk-1', 'hosts/zg-2']);
  const { state } = served.world;
  const seenBy = async (id: string) =>
    (
      await served.as(identityCaller(state, id)).call('ListAlarms', { filter: 'code:HOST OR code:VM' })
    ).alarms.map(({ code, about }) => `${code} ${about}`);
  t.same(await seenBy('auditor'), [
    'HOST_LOST hosts/zg-1',
    'HOST_SUSPECT hosts/bg-1',
    'HOST_SUSPECT hosts/sk-1',
    'HOST_SUSPECT hosts/zg-2',
  ]);
  t.same(await seenBy('north-op'), ['HOST_LOST hosts/zg-1', 'HOST_SUSPECT hosts/zg-2']);
  // Their host is not theirs, but that nobody knows what their VMs do is.
  t.same(await seenBy('city-user'), []);
  for (const vm of state.vms.values()) if (vm.administration === 'hr-city') served.world.see(vm, 'running');
  t.same(await seenBy('city-user'), ['VM_UNKNOWN administrations/hr-city/vms/web']);
  t.match(await served.as(identityCaller(state, 'portal')).fails('ListAlarms', {}), {
    reason: 'ROLE_MAY_NOT',
  });
});
