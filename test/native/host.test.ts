import { test } from 'tap';
import { nativeStatus } from '../../native/index.js';
import { openTest, TEST_URI } from './opened.js';

test('the host tells what it is', async (t) => {
  const connection = await openTest(t);
  t.equal(connection.uri, TEST_URI);
  t.equal(await connection.isAlive(), true);
  t.match(await connection.hostname(), /./);
  t.match(await connection.capabilities(), /^<capabilities>.*<cells num='2'>/s);
  t.same(await connection.nodeInfo(), {
    model: 'i686',
    memoryKib: 3145728,
    cpus: 16,
    mhz: 1400,
    nodes: 2,
    sockets: 2,
    cores: 2,
    threads: 2,
  });
  t.equal(await connection.hypervisorVersion(), 2);
});

test('the library and the connection agree on the version', async (t) => {
  const connection = await openTest(t);
  const version = await connection.libVersion();
  const status = nativeStatus();
  if (!status.available) throw new Error(status.reason);
  const [major, minor, patch] = status.libvirtVersion.split('.').map(Number);
  t.equal((major ?? 0) * 1_000_000 + (minor ?? 0) * 1000 + (patch ?? 0), version);
});

test('memory and pages are told by cell', async (t) => {
  const connection = await openTest(t);
  t.same(await connection.cellsFreeMemoryBytes(0, 2), [2097152, 4194304]);
  t.same(await connection.cellsFreeMemoryBytes(1, 1), [4194304]);
  t.same(await connection.cellsFreeMemoryBytes(0, 64), [2097152, 4194304], 'only the cells that exist');
  t.ok((await connection.freeMemoryBytes()) > 0);
  // The test driver numbers its answers in the order of the wire: cell by cell, size by size.
  t.same(await connection.freePages([4, 2048], 0, 2), [
    { sizeKib: 4, free: [19, 97] },
    { sizeKib: 2048, free: [45, 201] },
  ]);
});
