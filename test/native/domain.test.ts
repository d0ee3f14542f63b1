import { test } from 'tap';
import { DomainState, ErrorCode } from '../../native/index.js';
import { domainXml, openTest, uuidOf } from './opened.js';

test('a domain lives from definition to undefinition', async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(1);
  t.same(await connection.domainDefine(domainXml('one', uuid)), { name: 'one', uuid, id: -1 });
  t.same(await connection.domainLookup(uuid), { name: 'one', uuid, id: -1 });
  t.same(await connection.domainList({ active: false }), [{ name: 'one', uuid, id: -1 }]);

  const state = async () => (await connection.domainState(uuid)).state;
  t.equal(await state(), DomainState.SHUTOFF);
  await connection.domainCreate(uuid);
  t.equal(await state(), DomainState.RUNNING);
  const active = await connection.domainList({ active: true });
  t.same(active.map((domain) => domain.name).sort(), ['one', 'test']);
  t.ok(active.every((domain) => domain.id > 0));

  await connection.domainSuspend(uuid);
  t.equal(await state(), DomainState.PAUSED);
  await connection.domainResume(uuid);
  await connection.domainReboot(uuid);
  await connection.domainReset(uuid);
  t.equal(await state(), DomainState.RUNNING);
  await connection.domainShutdown(uuid);
  t.equal(await state(), DomainState.SHUTOFF);
  await connection.domainCreate(uuid);
  await connection.domainDestroy(uuid);
  t.equal(await state(), DomainState.SHUTOFF);

  await connection.domainUndefine(uuid);
  t.same(
    (await connection.domainList()).map((domain) => domain.name),
    ['test'],
  );
});

test('a managed save is kept, told, and needs its flag to be thrown away', async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(2);
  await connection.domainDefine(domainXml('saved', uuid));
  await connection.domainCreate(uuid);
  await connection.domainManagedSave(uuid);
  t.match(await connection.domainInfo(uuid), { state: DomainState.SHUTOFF, hasManagedSave: true });
  await t.rejects(connection.domainUndefine(uuid, { managedSave: false }), { code: 55 });
  await connection.domainUndefine(uuid, { managedSave: true });
  await t.rejects(connection.domainLookup(uuid), { code: 42 });
});

test('info has sizes as they were defined, and counters beyond 2^53 as bigint', async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(3);
  await connection.domainDefine(domainXml('informed', uuid));
  await connection.domainSetAutostart(uuid, true);
  const info = await connection.domainInfo(uuid);
  t.match(info, { maxMemoryKib: 65536, memoryKib: 65536, vcpus: 1, persistent: true, autostart: true });
  // The test driver tells the wall clock in nanoseconds here, which no double can hold.
  t.type(info.cpuTimeNs, 'bigint');
  t.ok(info.cpuTimeNs > BigInt(Number.MAX_SAFE_INTEGER));
  await connection.domainSetAutostart(uuid, false);
  t.equal((await connection.domainInfo(uuid)).autostart, false);
});

test('metadata is set, replaced, read and removed, running or not', async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(4);
  const uri = 'urn:secovia:test';
  await connection.domainDefine(domainXml('noted', uuid));
  t.equal(await connection.domainGetMetadata(uuid, uri), null);
  await connection.domainSetMetadata(uuid, uri, 's', '<vm generation="1"/>');
  t.equal(await connection.domainGetMetadata(uuid, uri), '<vm generation="1"/>');

  await connection.domainCreate(uuid);
  await connection.domainSetMetadata(uuid, uri, 's', '<vm generation="2">Čačak &amp; Ärger</vm>');
  t.match(await connection.domainGetMetadata(uuid, uri), /generation="2">Čačak &amp; Ärger</);
  for (const inactive of [false, true]) {
    t.match(await connection.domainXml(uuid, { inactive }), /xmlns:s="urn:secovia:test" generation="2"/);
  }
  await connection.domainSetMetadata(uuid, uri, 's', null);
  t.equal(await connection.domainGetMetadata(uuid, uri), null);
  t.notMatch(await connection.domainXml(uuid, { inactive: true }), /urn:secovia:test/);
});

test('vCPUs and memory change where the flags say', async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(5);
  await connection.domainDefine(domainXml('resized', uuid));
  await connection.domainSetVcpus(uuid, 3, { config: true });
  await connection.domainSetMemoryKib(uuid, 32768, { config: true });
  t.match(await connection.domainXml(uuid), /current='3'>4</);
  t.match(await connection.domainXml(uuid), /<currentMemory unit='KiB'>32768</);
  await connection.domainCreate(uuid);
  await connection.domainSetVcpus(uuid, 2, { live: true });
  await connection.domainSetMemoryKib(uuid, 16384n as unknown as number, { live: true });
  t.match(await connection.domainInfo(uuid), { vcpus: 2, memoryKib: 16384 });
  t.match(await connection.domainXml(uuid, { inactive: true }), /current='3'>4</);
});

test("disks that libvirt's test driver cannot resize are refused, and a domain that is not there is not found", async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(9);
  await connection.domainDefine(domainXml('grown', uuid));
  await connection.domainCreate(uuid);
  await t.rejects(connection.domainBlockResize(uuid, 'vda', 2 ** 30), {
    code: ErrorCode.NO_SUPPORT,
    call: 'domainBlockResize',
  });
  await t.rejects(connection.domainBlockInfo(uuid, 'vda'), { name: 'LibvirtError', call: 'domainBlockInfo' });
  const nobody = uuidOf(99);
  await t.rejects(connection.domainBlockResize(nobody, 'vda', 1024), { code: ErrorCode.NO_DOMAIN });
  await t.rejects(connection.domainBlockInfo(nobody, 'vda'), { code: ErrorCode.NO_DOMAIN });
});

test("what libvirt's test driver cannot pin is refused, and what is not there is not found", async (t) => {
  const connection = await openTest(t);
  const uuid = uuidOf(8);
  await connection.domainDefine(domainXml('pinned', uuid));
  await t.rejects(connection.domainPinVcpu(uuid, 0, [0, 1]), { message: /PinVcpuFlags/ });
  const nobody = uuidOf(99);
  await t.rejects(connection.domainPinVcpu(nobody, 0, [1]), { code: ErrorCode.NO_DOMAIN });
  await t.rejects(connection.domainPinEmulator(nobody, [1]), { code: ErrorCode.NO_DOMAIN });
});

test('a definition is validated unless that is switched off', async (t) => {
  const connection = await openTest(t);
  const xml = domainXml('odd', uuidOf(6)).replace('<name>', '<unheard-of/><name>');
  await t.rejects(connection.domainDefine(xml), { code: 92, message: /failed to validate against schema/ });
  t.match(await connection.domainDefine(xml, { validate: false }), { name: 'odd' });
});

test('statistics come for every domain, in one call', async (t) => {
  const connection = await openTest(t);
  await connection.domainDefine(domainXml('counted', uuidOf(7)));
  const records = await connection.allDomainStats({ groups: 1 });
  t.same(
    records.map((record) => record.uuid).sort(),
    (await connection.domainList()).map((domain) => domain.uuid).sort(),
  );
  t.same(records.find((record) => record.uuid === uuidOf(7))?.values, {
    'state.state': DomainState.SHUTOFF,
    'state.reason': 0,
  });
});
