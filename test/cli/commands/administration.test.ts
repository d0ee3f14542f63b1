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
      'NAME      COUNTRY  PARENT    VMS  VCPUS  MEMORY    DISK  AGE  TITLE',
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
