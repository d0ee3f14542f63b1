import { test } from 'tap';
import { openTest } from './opened.js';

const poolXml = (name: string) =>
  `<pool type='dir'><name>${name}</name><target><path>/nowhere/${name}</path></target></pool>`;

const volumeXml = (name: string, backing = '') =>
  `<volume><name>${name}</name><capacity unit='MiB'>1</capacity>` +
  `<target><format type='qcow2'/></target>${backing}</volume>`;

test('a pool is defined, built, started, stopped and undefined', async (t) => {
  const connection = await openTest(t);
  t.match(await connection.poolDefine(poolXml('made')), { name: 'made', active: false, state: 0 });
  await connection.poolBuild('made');
  await connection.poolStart('made');
  await connection.poolRefresh('made');
  await connection.poolSetAutostart('made', true);
  const info = await connection.poolInfo('made');
  t.match(info, { name: 'made', active: true, state: 2, uuid: /^[0-9a-f-]{36}$/ });
  t.ok(info.capacityBytes > 0 && info.availableBytes > 0);
  t.same((await connection.poolList()).map((pool) => pool.name).sort(), ['default-pool', 'made']);
  await connection.poolStop('made');
  t.equal((await connection.poolInfo('made')).active, false);
  await connection.poolUndefine('made');
  await t.rejects(connection.poolInfo('made'), { code: 49 });
});

test('volumes are created, listed, described and deleted', async (t) => {
  const connection = await openTest(t);
  await connection.poolDefine(poolXml('filled'));
  await connection.poolStart('filled');
  t.match(await connection.volumeCreate('filled', volumeXml('base')), {
    name: 'base',
    path: '/nowhere/filled/base',
    type: 0,
    capacityBytes: 1048576,
  });
  const backing = "<backingStore><path>/nowhere/filled/base</path><format type='qcow2'/></backingStore>";
  t.match(await connection.volumeCreate('filled', volumeXml('child', backing)), { name: 'child' });
  const names = async () => (await connection.volumeList('filled')).map((volume) => volume.name).sort();
  t.same(await names(), ['base', 'child']);
  t.same(await connection.volumeInfo('filled', 'child'), {
    name: 'child',
    path: '/nowhere/filled/child',
    type: 0,
    capacityBytes: 1048576,
    allocationBytes: 1048576,
  });
  await connection.volumeDelete('filled', 'child');
  t.same(await names(), ['base']);
});
