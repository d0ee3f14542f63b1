import t from 'tap';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const plovdiv = {
  name: 'administrations/plovdiv',
  title: 'Община Пловдив',
  parent: 'administrations/bulgaria',
  country: 'BG',
  claimed: { vcpus: 5, memoryMib: 3072, diskMib: 20_480, vms: 4, extras: {} },
  createTime: ago(7200),
};

t.test('create sends the tree and any script', async (t) => {
  server.on('AdministrationService', 'CreateAdministration', (request) => ({
    administration: { ...request.administration, name: `administrations/${request.administrationId}` },
  }));
  const result = await secovia(
    ...['administration', 'create', 'plovdiv', '--country', 'BG', '--parent', 'bulgaria'],
    ...['--title', 'Община Пловдив'],
  );
  t.match(result, { code: 0, out: 'created administration plovdiv\n' });
  t.match(server.sent('AdministrationService', 'CreateAdministration'), [
    {
      administrationId: 'plovdiv',
      administration: { country: 'BG', parent: 'administrations/bulgaria', title: 'Община Пловдив' },
    },
  ]);
});

t.test('list, show and delete', async (t) => {
  server.on('AdministrationService', 'ListAdministrations', () => ({
    administrations: [{ name: 'administrations/bulgaria', country: 'BG', createTime: ago(10) }, plovdiv],
  }));
  server.on('AdministrationService', 'GetAdministration', () => ({ administration: plovdiv }));
  server.on('AdministrationService', 'DeleteAdministration', () => ({}));
  t.equal(
    (await secovia('administration', 'list')).out,
    [
      'NAME      COUNTRY  PARENT    VMS  VCPUS  MEMORY    DISK  AGE  TITLE           NOTE',
      'bulgaria  BG                   0      0   0 MiB   0 MiB  10s',
      'plovdiv   BG       bulgaria    4      5   3 GiB  20 GiB   2h  Община Пловдив',
      '',
    ].join('\n'),
  );
  const { out } = await secovia('administration', 'show', 'plovdiv');
  t.match(out, /^Parent +bulgaria$/m);
  t.match(out, /^Held by its VMs +4 VMs, 5 vCPUs, 3 GiB memory, 20 GiB disk$/m);
  t.match(JSON.parse((await secovia('administration', 'show', 'plovdiv', '-o', 'json')).out), {
    administration: { title: 'Община Пловдив', claimed: { vms: 4 } },
  });
  t.match(await secovia('administration', 'delete', 'plovdiv'), { out: 'deleted administration plovdiv\n' });
  t.match(server.sent('AdministrationService', 'DeleteAdministration'), [
    { name: 'administrations/plovdiv' },
  ]);
});

t.test('the tree is drawn, those of one parent by name', async (t) => {
  const names = [
    ['town', 'region'],
    ['other', ''],
    ['region', 'country'],
    ['country', ''],
    ['city', 'region'],
    ['orphan', 'gone'],
  ] as const;
  server.on('AdministrationService', 'ListAdministrations', () => ({
    administrations: names.map(([id, parent]) => ({
      name: `administrations/${id}`,
      parent: parent === '' ? '' : `administrations/${parent}`,
      country: 'HR',
      suspended: id === 'city',
    })),
  }));
  const { out } = await secovia('administration', 'list', '--tree');
  t.same(
    out.split('\n').map((line) => line.slice(0, 10).trimEnd()),
    ['NAME', 'country', '  region', '    city', '    town', 'orphan', 'other', ''],
  );
  t.match(out, /^ {4}city .*suspended$/m);
  t.notMatch(out, /PARENT/);
  t.equal(
    JSON.parse((await secovia('administration', 'list', '--tree', '-o', 'json')).out).administrations.length,
    6,
  );
  server.on('AdministrationService', 'ListAdministrations', () => ({}));
  t.match(await secovia('administration', 'list', '--tree'), { out: '', err: /no administration yet/ });
});

t.test('update, move, suspend and resume', async (t) => {
  const answer = { administration: { name: 'administrations/plovdiv' } };
  for (const method of ['UpdateAdministration', 'MoveAdministration'] as const)
    server.on('AdministrationService', method, () => answer);
  for (const method of ['SuspendAdministration', 'ResumeAdministration'] as const)
    server.on('AdministrationService', method, () => answer);
  t.match(await secovia('administration', 'update', 'plovdiv', '--stopped-vms', 'free'), {
    out: 'updated administration plovdiv\n',
  });
  await secovia(
    'administration',
    'update',
    'plovdiv',
    '--title',
    '',
    '--stopped-vms',
    'inherit',
    '--etag',
    '"1"',
  );
  t.match(server.sent('AdministrationService', 'UpdateAdministration'), [
    { updateMask: { paths: ['stopped_vms'] }, administration: { stoppedVms: 'STOPPED_VM_POLICY_FREE' } },
    {
      updateMask: { paths: ['title', 'stopped_vms'] },
      administration: { title: '', stoppedVms: 'STOPPED_VM_POLICY_UNSPECIFIED', etag: '"1"' },
    },
  ]);
  t.match(await secovia('administration', 'update', 'plovdiv'), { code: 2, err: /nothing to change/ });
  t.match(await secovia('administration', 'move', 'plovdiv', '--parent', 'south'), {
    out: 'moved administration plovdiv under south\n',
  });
  t.match(await secovia('administration', 'move', 'plovdiv', '--root'), {
    out: 'moved administration plovdiv to the top\n',
  });
  t.match(server.sent('AdministrationService', 'MoveAdministration'), [
    { name: 'administrations/plovdiv', parent: 'administrations/south' },
    { parent: '' },
  ]);
  t.match(await secovia('administration', 'move', 'plovdiv'), { code: 2, err: /move it where\?/ });
  t.match(await secovia('administration', 'suspend', 'plovdiv', 'other'), {
    out: 'suspended administration plovdiv\nsuspended administration other\n',
  });
  t.match(await secovia('administration', 'resume', 'plovdiv'), { out: 'resumed administration plovdiv\n' });
});

t.test('show tells whose it is, and what its stopped VMs hold', async (t) => {
  server.on('AdministrationService', 'GetAdministration', () => ({
    administration: {
      ...plovdiv,
      partner: 'partners/acme',
      suspended: true,
      stoppedVms: 'STOPPED_VM_POLICY_FREE' as const,
    },
  }));
  const { out } = await secovia('administration', 'show', 'plovdiv');
  t.match(out, /^Partner +acme$/m);
  t.match(out, /^Suspended +yes: its subtree/m);
  t.match(out, /^Stopped VMs +give their vCPUs and memory up until they start$/m);
});
