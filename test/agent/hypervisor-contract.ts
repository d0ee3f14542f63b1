/**
 * What every `Hypervisor` must do, as tests: run against the fake, libvirt's test driver, and real QEMU hosts. A
 * rule that only one of them keeps is a rule that the converger cannot rely on.
 */
import type { Test } from 'tap';
import type {
  Blueprint,
  Hypervisor,
  HypervisorEvent,
  VmMetadata,
} from '../../agent/hypervisor/hypervisor.js';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import { until } from './until.js';

export interface ContractSubject {
  hypervisor: Hypervisor;
  /** An image that a volume can be a child of. */
  backing: { path: string; format: 'qcow2' | 'raw' };
  /** Numbers the VMs of this run; on a shared host they must not meet those of another. */
  uid(number: number): string;
  /** Volumes are kept in the trash for a while; libvirt's test driver has none. */
  hasTrash: boolean;
  /** Volumes can grow; libvirt's test driver cannot. */
  canGrow: boolean;
  /** Another hypervisor of this kind, to which domains can go; left out where there is none. */
  peer?: { hypervisor: Hypervisor; uri: string };
  close(): Promise<void>;
}

const deadlineMs = 30_000;

function metadataOf(uid: string, change: Partial<VmMetadata> = {}): VmMetadata {
  return { uid, term: 3, generation: 0, specHash: 'abcd', rebootCount: 0, ...change };
}

function blueprintOf(uid: string, change: Partial<Blueprint> = {}): Blueprint {
  const metadata = metadataOf(uid);
  const name = `contract-${uid.slice(-6)}`;
  return { uid, poolPath: '', name, title: name, vcpus: 1, memoryMib: 96, metadata, ...change };
}

async function fault(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof HypervisorError ? error.fault : `not a HypervisorError: ${error}`;
  }
}

export async function hypervisorContract(t: Test, open: () => Promise<ContractSubject>): Promise<void> {
  const subject = await open();
  const { hypervisor, backing } = subject;
  const events: HypervisorEvent[] = [];
  t.equal(await fault(hypervisor.list()), 'unavailable', 'before it is opened');
  hypervisor.open((event) => events.push(event));
  await until('available', () => hypervisor.availability().available, deadlineMs);
  const created = new Set<string>();
  t.teardown(async () => {
    for (const uid of created) {
      await hypervisor.destroy(uid);
      await hypervisor.undefine(uid);
      await hypervisor.removeVolume({ uid, poolPath: '' });
    }
    await subject.close();
  });
  const make = async (number: number, change: Partial<Blueprint> = {}): Promise<string> => {
    const uid = subject.uid(number);
    created.add(uid);
    await hypervisor.createVolume({ uid, poolPath: '', sizeMib: 64, backing });
    await hypervisor.define(blueprintOf(uid, change));
    return uid;
  };
  const power = async (uid: string) => (await hypervisor.inspect(uid))?.power;

  await t.test('says what the machine is', async (t) => {
    const machine = await hypervisor.machine();
    t.ok(machine.cpus > 0 && machine.memoryMib > 0);
    t.not(machine.architecture, '');
    t.ok(events.some((event) => event.kind === 'available'));
  });

  await t.test('a domain that is not there', async (t) => {
    const uid = subject.uid(1);
    t.equal(await hypervisor.inspect(uid), null);
    t.notOk((await hypervisor.list()).some((domain) => domain.uid === uid));
    t.equal(await fault(hypervisor.start(uid, '')), 'absent', 'start');
    for (const call of ['shutdown', 'reboot', 'reset'] as const) {
      t.equal(await fault(hypervisor[call](uid)), 'absent', call);
    }
    t.equal(await fault(hypervisor.record(uid, metadataOf(uid))), 'absent');
    t.equal(await fault(hypervisor.destroy(uid)), 'none', 'what is not there need not be destroyed');
    t.equal(await fault(hypervisor.undefine(uid)), 'none');
  });

  await t.test('a volume comes whole, and goes', async (t) => {
    const uid = subject.uid(2);
    const volume = { uid, poolPath: '' };
    t.equal(await hypervisor.volumeExists(volume), false);
    await hypervisor.createVolume({ ...volume, sizeMib: 64, backing });
    t.equal(await hypervisor.volumeExists(volume), true);
    const listed = (await hypervisor.listVolumes()).filter((found) => found.uid === uid);
    t.match(listed, [{ uid, whole: true }]);
    t.equal(listed.length, 1, 'and nothing unfinished');
    await hypervisor.removeVolume(volume);
    t.equal(await hypervisor.volumeExists(volume), false);
    t.equal(await fault(hypervisor.removeVolume(volume)), 'none', 'removing twice is fine');
  });

  const trashTest = async (t: Test) => {
    const uid = subject.uid(3);
    const volume = { uid, poolPath: '' };
    await hypervisor.createVolume({ ...volume, sizeMib: 64, backing });
    const inAnHour = Date.now() + 3600_000;
    await hypervisor.trashVolume(volume, inAnHour);
    t.equal(await hypervisor.volumeExists(volume), false);
    t.equal(await fault(hypervisor.trashVolume(volume, inAnHour)), 'none', 'twice is fine');
    t.equal(
      await hypervisor.emptyTrash('', 0),
      0,
      'it is kept as long as was said, whoever empties the trash',
    );
    await hypervisor.createVolume({ ...volume, sizeMib: 64, backing });
    await hypervisor.trashVolume(volume, Date.now());
    t.equal(await hypervisor.emptyTrash('', 3600_000), 1);
    t.equal(await hypervisor.emptyTrash('', 0), 0);
  };
  if (subject.hasTrash) await t.test('the trash', trashTest);

  await t.test('defined, started, destroyed, undefined', async (t) => {
    const uid = await make(4);
    t.match(await hypervisor.inspect(uid), { uid, power: { kind: 'off' }, metadata: metadataOf(uid) });
    const [listed] = (await hypervisor.list()).filter((domain) => domain.uid === uid);
    t.match(listed, { uid, ours: true, power: { kind: 'off' } });
    events.length = 0;
    await hypervisor.start(uid, '');
    t.same(await power(uid), { kind: 'running' });
    t.equal(await fault(hypervisor.start(uid, '')), 'none', 'started twice is started once');
    await until('an event', () => events.some((event) => event.kind === 'changed' && event.uid === uid));
    await hypervisor.destroy(uid);
    t.match(await power(uid), { kind: 'off', reason: 'destroyed' });
    t.equal(await fault(hypervisor.destroy(uid)), 'none');
    await hypervisor.undefine(uid);
    t.equal(await hypervisor.inspect(uid), null);
    t.equal(await fault(hypervisor.undefine(uid)), 'none');
    t.equal(await hypervisor.volumeExists({ uid, poolPath: '' }), true, 'its volume is another matter');
  });

  await t.test('what a domain was made from is read back from it, off and running', async (t) => {
    const uid = subject.uid(30);
    t.equal(await hypervisor.describe(uid), null);
    t.equal(await hypervisor.readVolume({ uid, poolPath: '' }), null);
    await make(30, { title: 'administrations/city/vms/web' });
    const account = {
      title: 'administrations/city/vms/web',
      metadata: metadataOf(uid),
      compute: { vcpus: 1, memoryMib: 96 },
      poolPath: '',
      problem: '',
    };
    t.match(await hypervisor.describe(uid), account);
    t.equal((await hypervisor.describe(uid))?.hardware, undefined);
    await hypervisor.start(uid, '');
    t.match(await hypervisor.describe(uid), account);
    t.match(await hypervisor.readVolume({ uid, poolPath: '' }), { sizeMib: 64 });
    await hypervisor.destroy(uid);
  });

  await t.test('what is recorded is read again, off and running', async (t) => {
    const uid = await make(5);
    const off = metadataOf(uid, { generation: 1, term: 4, rebootCount: 2, specHash: 'ef01' });
    await hypervisor.record(uid, off);
    t.same((await hypervisor.inspect(uid))?.metadata, off);
    await hypervisor.start(uid, '');
    const running = { ...off, generation: 7 };
    await hypervisor.record(uid, running);
    t.same((await hypervisor.inspect(uid))?.metadata, running);
    await hypervisor.destroy(uid);
    t.same((await hypervisor.inspect(uid))?.metadata, running, 'also after it is off');
  });

  await t.test('redefined: the same domain with other sizes and marks', async (t) => {
    const uid = await make(6);
    const { name } = (await hypervisor.inspect(uid)) ?? { name: '' };
    const metadata = metadataOf(uid, { specHash: 'new', generation: 2 });
    await hypervisor.define(blueprintOf(uid, { name, memoryMib: 128, vcpus: 2, metadata }));
    t.match(await hypervisor.inspect(uid), { uid, name, metadata });
    t.equal((await hypervisor.list()).filter((domain) => domain.uid === uid).length, 1);
  });

  await t.test(
    'redefined while it runs: it goes on as it is, and is the new one when it is off',
    async (t) => {
      const before = { vcpus: 2, memoryMib: 96 };
      const after = { vcpus: 1, memoryMib: 128 };
      const uid = await make(9, before);
      t.match(await hypervisor.inspect(uid), { compute: before });
      await hypervisor.start(uid, '');
      const { name = '', metadata: marks } = (await hypervisor.inspect(uid)) ?? {};
      const metadata = metadataOf(uid, { specHash: 'new', diskMib: 64 });
      await hypervisor.define(blueprintOf(uid, { name, ...after, metadata }));
      t.match(await hypervisor.inspect(uid), {
        power: { kind: 'running' },
        compute: before,
        metadata: marks,
      });
      const recorded = { ...metadata, generation: 2 };
      await hypervisor.record(uid, recorded);
      t.match(await hypervisor.inspect(uid), { compute: before, metadata: recorded });
      await hypervisor.destroy(uid);
      t.match(await hypervisor.inspect(uid), { compute: after, metadata: recorded });
      await hypervisor.start(uid, '');
      t.match(await hypervisor.inspect(uid), { compute: after });
    },
  );

  await t.test('a running domain is given vCPUs, as many as it has room for, until it is off', async (t) => {
    const uid = await make(10);
    t.equal(await fault(hypervisor.addVcpus(uid, 2)), 'failed', 'it is off');
    await hypervisor.start(uid, '');
    await hypervisor.addVcpus(uid, 2);
    t.match(await hypervisor.inspect(uid), { compute: { vcpus: 2, memoryMib: 96 } });
    t.equal(await fault(hypervisor.addVcpus(uid, 500)), 'invalid');
    t.match(await hypervisor.inspect(uid), { compute: { vcpus: 2 } });
    await hypervisor.destroy(uid);
    t.match(await hypervisor.inspect(uid), { compute: { vcpus: 1 } }, 'its definition says nothing of that');
    t.equal(await fault(hypervisor.addVcpus(subject.uid(99), 2)), 'absent');
  });

  const growTest = async (t: Test) => {
    const uid = await make(7);
    const volume = { uid, poolPath: '' };
    t.equal(await hypervisor.growVolume(volume, 128), 128);
    t.equal(await hypervisor.growVolume(volume, 32), 128, 'nothing to do');
    await hypervisor.start(uid, '');
    t.equal(await hypervisor.growVolume(volume, 100), 128, 'nor while it runs');
    t.equal(await hypervisor.growVolume(volume, 256), 256);
    t.equal(await hypervisor.growVolume(volume, 32), 256);
    await hypervisor.destroy(uid);
    t.equal(await hypervisor.growVolume(volume, 32), 256, 'it is as large when it is off');
    t.equal(await hypervisor.growVolume(volume, 300), 300);
    t.equal(await hypervisor.volumeExists(volume), true);
  };
  if (subject.canGrow) await t.test('a volume grows, off and running, and never shrinks', growTest);

  const control = (signal: AbortSignal, onProgress = () => undefined) => ({ signal, onProgress });
  const never = new AbortController().signal;

  await t.test('a domain that is nowhere on its way', async (t) => {
    const uid = await make(11);
    t.equal(await hypervisor.leaving(uid), null, 'it is off');
    await hypervisor.start(uid, '');
    t.equal(await hypervisor.leaving(uid), null);
    t.equal(await fault(hypervisor.abortMigration(uid)), 'none', 'there is nothing to end');
    t.equal(await hypervisor.leaving(subject.uid(99)), null);
    t.equal(await fault(hypervisor.abortMigration(subject.uid(99))), 'none');
    const nowhere = hypervisor.migrate(uid, 'qemu+tcp://127.0.0.1:1/system', control(never));
    t.match(await fault(nowhere), /^(failed|invalid)$/);
    t.same(await power(uid), { kind: 'running' }, 'it runs on');
    t.ok(hypervisor.availability().available, 'and the hypervisor is not taken for dead');
  });

  const moveTest = async (t: Test, peer: NonNullable<ContractSubject['peer']>) => {
    const uid = await make(12);
    await hypervisor.start(uid, '');
    const metadata = metadataOf(uid, { generation: 5, diskMib: 64 });
    await hypervisor.record(uid, metadata);
    await hypervisor.migrate(uid, peer.uri, control(never));
    t.equal(await hypervisor.inspect(uid), null, 'nothing of it is here');
    t.match(await peer.hypervisor.inspect(uid), { uid, power: { kind: 'running' }, metadata });
    await peer.hypervisor.destroy(uid);
    t.match(await peer.hypervisor.inspect(uid), { power: { kind: 'off' }, metadata }, 'it is defined there');
    await peer.hypervisor.undefine(uid);
    const calledOff = AbortSignal.abort();
    const other = await make(13);
    await hypervisor.start(other, '');
    t.equal(await fault(hypervisor.migrate(other, peer.uri, control(calledOff))), 'failed');
    t.same(await power(other), { kind: 'running' });
    t.equal(await peer.hypervisor.inspect(other), null);
  };
  const { peer } = subject;
  if (peer !== undefined)
    await t.test('a running domain goes to another hypervisor', (t) => moveTest(t, peer));

  await t.test('titles are text, whatever is in them', async (t) => {
    const title = `a <b> & "c" 'd' ]]> ć – 中`;
    const uid = await make(8, { title });
    t.match(await hypervisor.inspect(uid), { uid, metadata: metadataOf(uid) });
  });
}
