import t from 'tap';
import { ago } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const nfs = {
  name: 'storagePools/nfs-1',
  kind: 'STORAGE_POOL_KIND_SHARED' as const,
  site: 'sites/sofia-1',
  path: '/srv/nfs-1',
  hosts: ['hosts/a', 'hosts/b'],
  capacityMib: 10 * 1024 * 1024,
  claimedMib: 12 * 1024,
  createTime: ago(300),
};

t.test('create declares a shared pool', async (t) => {
  server.on('StoragePoolService', 'CreateStoragePool', ({ storagePool, storagePoolId }) => ({
    storagePool: { ...storagePool, name: `storagePools/${storagePoolId}` },
  }));
  const words = 'pool create nfs-1 --site sofia-1 --path /srv/nfs-1 --host a --host b --capacity 10TiB';
  t.match(await secovia(...words.split(' ')), { code: 0, out: 'created pool nfs-1\n' });
  t.match(server.sent('StoragePoolService', 'CreateStoragePool'), [
    {
      storagePoolId: 'nfs-1',
      storagePool: {
        kind: 'STORAGE_POOL_KIND_SHARED',
        site: 'sites/sofia-1',
        path: '/srv/nfs-1',
        hosts: ['hosts/a', 'hosts/b'],
        capacityMib: 10 * 1024 * 1024,
      },
    },
  ]);
  t.match(await secovia('pool', 'create', 'x', '--site', 's', '--path', '/p', '--capacity', '1GiB'), {
    code: 2,
    err: /required option '--host <host>' not specified/,
  });
});

t.test('list, show and delete', async (t) => {
  server.on('StoragePoolService', 'ListStoragePools', () => ({ storagePools: [nfs] }));
  server.on('StoragePoolService', 'GetStoragePool', () => ({ storagePool: nfs }));
  server.on('StoragePoolService', 'DeleteStoragePool', () => ({}));
  t.equal(
    (await secovia('pool', 'list')).out,
    'NAME   KIND    SITE     HOSTS           DISK  AGE  PATH\n' +
      'nfs-1  shared  sofia-1      2  12 GiB/10 TiB   5m  /srv/nfs-1\n',
  );
  t.match((await secovia('pool', 'show', 'nfs-1')).out, /^Hosts +a\n +b$/m);
  t.match(JSON.parse((await secovia('pool', 'list', '-o', 'json')).out), {
    storagePools: [{ name: 'storagePools/nfs-1', kind: 'STORAGE_POOL_KIND_SHARED' }],
  });
  t.match(await secovia('pool', 'delete', 'nfs-1'), { code: 0, out: 'deleted pool nfs-1\n' });
});

t.test(
  'update says the hosts anew, adds and removes some of those that are there, and the capacity',
  async (t) => {
    server.on('StoragePoolService', 'GetStoragePool', () => ({ storagePool: { ...nfs, etag: '"4"' } }));
    server.on('StoragePoolService', 'UpdateStoragePool', ({ storagePool }) => ({ storagePool }));
    const update = (...words: string[]) => secovia('pool', 'update', 'nfs-1', ...words);
    t.match(await update('--add-host', 'c', '--remove-host', 'a'), { code: 0, out: 'updated pool nfs-1\n' });
    t.match(await update('--host', 'b', '--capacity', '12TiB'), { code: 0 });
    t.match(await update('--capacity', '1TiB', '--etag', '"9"'), { code: 0 });
    const name = 'storagePools/nfs-1';
    t.match(server.sent('StoragePoolService', 'UpdateStoragePool'), [
      { storagePool: { name, hosts: ['hosts/b', 'hosts/c'], etag: '"4"' }, updateMask: { paths: ['hosts'] } },
      {
        storagePool: { name, hosts: ['hosts/b'], capacityMib: 12 * 1024 * 1024, etag: '' },
        updateMask: { paths: ['hosts', 'capacity_mib'] },
      },
      { storagePool: { capacityMib: 1024 * 1024, etag: '"9"' }, updateMask: { paths: ['capacity_mib'] } },
    ]);
    t.match(await update(), { code: 2, err: /nothing to change: say for example --add-host/ });
    t.match(await update('--host', 'b', '--add-host', 'c'), { code: 2, err: /cannot be used with/ });
  },
);
