import { status } from '@grpc/grpc-js';
import t from 'tap';
import { packStatus } from '../../../proto/errors.js';
import { ago, vm, webUid } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const refused = vm({
  name: 'administrations/city/vms/db-1',
  state: 'VM_STATE_FAILED',
  host: '',
  error: packStatus(status.RESOURCE_EXHAUSTED, 'the disk is full\x1b[2J', {}),
});
const away = vm({
  name: 'administrations/town/vms/mail',
  state: 'VM_STATE_UNKNOWN',
  lastKnownState: 'VM_STATE_RUNNING',
});

t.test('list goes through every page and shows the first before it asks for the second', async (t) => {
  let shownBeforeSecondPage = '';
  let shown = '';
  server.on('VmService', 'ListVms', ({ pageToken }) => {
    if (pageToken === '') return { vms: [vm(), refused], nextPageToken: 'more' };
    shownBeforeSecondPage = shown;
    return { vms: [away] };
  });
  const result = await cli(['vm', 'list'], {
    server: server.address,
    watch: ({ out }) => {
      shown = out;
    },
  });
  t.equal(
    result.out,
    [
      'NAME       STATE    HOST       SITE     CLASS     AGREEMENT  VCPUS  MEMORY    DISK  IMAGE  AGE  NOTE',
      'city/web   RUNNING  sofia-1-a  sofia-1  internal                 2   2 GiB  10 GiB  tiny    5h',
      'city/db-1  FAILED              sofia-1  internal                 2   2 GiB  10 GiB  tiny    5h  the disk is full\\x1b[2J',
      'town/mail  UNKNOWN (was RUNNING)  sofia-1-a  sofia-1  internal                 2   2 GiB  10 GiB  tiny    5h',
      '',
    ].join('\n'),
  );
  t.match(shownBeforeSecondPage, /city\/db-1/);
  const sent = server.sent('VmService', 'ListVms');
  t.match(sent, [{ parent: 'administrations/-', pageSize: 1000 }, { pageToken: 'more' }]);
});

t.test('list is of one administration, of the usual one, or of all', async (t) => {
  server.on('VmService', 'ListVms', () => ({ vms: [vm()] }));
  const usual = { server: server.address, env: { SECOVIA_ADMINISTRATION: 'town' } };
  const before = server.sent('VmService', 'ListVms').length;
  await secovia('vm', 'list', '-A', 'city', '--filter', 'state = RUNNING');
  await cli(['vm', 'list'], usual);
  await cli(['vm', 'list', '--all'], usual);
  t.match(server.sent('VmService', 'ListVms').slice(before), [
    { parent: 'administrations/city', filter: 'state = RUNNING' },
    { parent: 'administrations/town', filter: '' },
    { parent: 'administrations/-' },
  ]);
  t.match(await secovia('vm', 'list', '--all', '-A', 'city'), { code: 2, err: /cannot be used with/ });
});

t.test('JSON of many pages is one object', async (t) => {
  server.on('VmService', 'ListVms', ({ pageToken }) => {
    const page = pageToken === '' ? 0 : Number(pageToken);
    // A page may be empty and still have a next one.
    if (page === 1) return { vms: [], nextPageToken: '2' };
    return { vms: [vm({ title: `page ${page}` })], nextPageToken: page < 3 ? String(page + 1) : '' };
  });
  const { out } = await secovia('vm', 'list', '-o', 'json');
  const parsed = JSON.parse(out) as { vms: { title: string }[] };
  t.same(Object.keys(parsed), ['vms']);
  t.same(
    parsed.vms.map(({ title }) => title),
    ['page 0', 'page 2', 'page 3'],
  );
  t.match(parsed.vms[0], {
    name: 'administrations/city/vms/web',
    spec: { vcpus: 2, memoryMib: 2048 },
    state: 'VM_STATE_RUNNING',
    createTime: '2026-11-23T02:00:00Z',
    labels: { env: 'prod' },
    deletionProtection: false,
    operation: '',
  });
});

t.test('an empty first page does not end the list', async (t) => {
  server.on('VmService', 'ListVms', ({ pageToken }) =>
    pageToken === '' ? { vms: [], nextPageToken: 'x' } : { vms: [vm()] },
  );
  t.match((await secovia('vm', 'list')).out, /^NAME.*\ncity\/web/);
  t.match(JSON.parse((await secovia('vm', 'list', '-o', 'json')).out), { vms: [{ uid: webUid }] });
});

t.test('show takes a name, a name with its administration, a UUID, or several', async (t) => {
  server.on('VmService', 'GetVm', () => ({ vm: vm() }));
  await secovia('vm', 'show', '-A', 'city', 'web');
  await secovia('vm', 'show', 'city/web', webUid, 'administrations/city/vms/web');
  t.same(
    server.sent('VmService', 'GetVm').map(({ name }) => name),
    [
      'administrations/city/vms/web',
      'administrations/city/vms/web',
      `vms/${webUid}`,
      'administrations/city/vms/web',
    ],
  );
  t.match(await secovia('vm', 'show', 'web'), {
    code: 2,
    err: /Write ADMINISTRATION\/web, or say --administration/,
  });
});

t.test('show prints a sheet that explains', async (t) => {
  server.on('VmService', 'GetVm', () => ({
    vm: {
      ...away,
      labels: { env: 'prod', tier: 'web' },
      deletionProtection: true,
      generation: 4,
      observedGeneration: 3,
      operation: 'operations/op-9',
      spec: {
        ...away.spec,
        extras: { 'gpu:a30': 2, 'sriov-vf': 1 },
        hugepageSizeKib: 1_048_576,
        numa: { cells: 2, dedicatedCpus: true },
      },
      numaCells: [0, 2],
      placement: { sites: [], countries: ['BG', 'RO'], excludedHosts: ['hosts/x'] },
    },
  }));
  const { out } = await secovia('vm', 'show', 'town/mail');
  for (const line of [
    /^State +UNKNOWN \(was RUNNING\)$/m,
    /^Labels +env=prod\n +tier=web$/m,
    /^Memory +2 GiB$/m,
    /^Pool +the host's own$/m,
    /^Hugepages +1GiB$/m,
    /^NUMA +2 cells \(0, 2\), dedicated CPUs$/m,
    /^Extras +gpu:a30=2, sriov-vf=1$/m,
    /^Only countries +BG, RO$/m,
    /^Not on hosts +x$/m,
    /^When the guest shuts down +stay-stopped$/m,
    /^When the lease is lost +keep$/m,
    /^Deletion protection +on$/m,
    /^Operation +op-9$/m,
    /^Generation +4, the host has reached 3$/m,
  ]) {
    t.match(out, line);
  }
  t.match(JSON.parse((await secovia('vm', 'show', 'town/mail', '-o', 'json')).out), {
    vm: { state: 'VM_STATE_UNKNOWN', lastKnownState: 'VM_STATE_RUNNING', labels: { tier: 'web' } },
  });
});

t.test('hostile text is harmless in a table, on a sheet and in JSON', async (t) => {
  const title = 'x\x1b]0;owned\x07\u202e\x9b2J\nNAME';
  server.on('VmService', 'GetVm', () => ({ vm: vm({ title, labels: { 'a\x1b[2J': '\r' } }) }));
  const sheet = await secovia('vm', 'show', 'city/web');
  t.match(sheet.out, /^Title +x\\x1b\]0;owned\\x07\\u202e\\x9b2J\\nNAME$/m);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(sheet.out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  const json = await secovia('vm', 'show', 'city/web', '-o', 'json');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notMatch(json.out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  t.match(JSON.parse(json.out), { vm: { title } });
});

t.test('a VM that waits for a stop and a start shows both sizes, and what it holds', async (t) => {
  const waiting = vm({
    currentSize: { vcpus: 1, memoryMib: 4096, diskMib: 20_480 },
    heldSize: { vcpus: 2, memoryMib: 4096, diskMib: 20_480 },
    restartRequired: true,
  });
  server.on('VmService', 'GetVm', () => ({ vm: waiting }));
  server.on('VmService', 'ListVms', () => ({ vms: [waiting] }));
  const { out } = await secovia('vm', 'show', 'city/web');
  t.match(out, /^vCPUs +2, has 1 until it is stopped and started$/m);
  t.match(out, /^Memory +2 GiB, has 4 GiB until it is stopped and started$/m);
  t.match(out, /^Disk +10 GiB, has 20 GiB$/m);
  t.match(out, /^Held meanwhile +2 vCPUs, 4 GiB of memory, disk 20 GiB$/m);
  t.match(out, /^Note +2 vCPUs and 2 GiB of memory after the next stop and start$/m);
  t.match((await secovia('vm', 'list', '-A', 'city')).out, /2 vCPUs and 2 GiB of memory after the next stop/);
});

t.test('class, agreement, parking and breach are shown', async (t) => {
  const guest = vm({
    dataClass: 'dataClasses/personal',
    agreement: 'agreements/help',
    breachTime: ago(7200),
    parked: true,
    state: 'VM_STATE_STOPPED',
    desiredPowerState: 'POWER_STATE_STOPPED',
  });
  server.on('VmService', 'GetVm', () => ({ vm: guest }));
  const { out } = await secovia('vm', 'show', 'city/web');
  t.match(out, /^Data class +personal$/m);
  t.match(out, /^Agreement +help$/m);
  t.match(out, /^In breach since +2026-11-23T05:00:00Z \(2h ago\)$/m);
  t.match(out, /^Parked +yes: it takes its vCPUs and memory again when it starts$/m);
  server.on('VmService', 'ListVms', () => ({ vms: [guest, { ...guest, breachTime: null }] }));
  const list = (await secovia('vm', 'list')).out;
  t.match(list, /personal +help .*may not be here any more; see secovia residency breaches$/m);
  t.match(list, /holds no vCPUs and no memory while stopped$/m);
});
