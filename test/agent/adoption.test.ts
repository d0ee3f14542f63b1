/** Orphans: what a host tells of them, and how one is taken over under a permit without being touched. */
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import type { VmMetadata } from '../../agent/hypervisor/hypervisor.js';
import { Orphans } from '../../agent/orphans.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const none = { epoch: null, checkpoint: null, permits: [] };
const marks: VmMetadata = { uid, term: 3, generation: 7, specHash: 'abcd', rebootCount: 2, diskMib: 1024 };

/** The scheduler's word about an orphan, long after: its journal was restored. */
const adopts = (change: Partial<VmDesired> = {}) =>
  wanted({ term: 70_000, generation: 8, rebootCount: 2, adopts: 'domain', diskExists: true, ...change });

/** A VM that runs, or is off, and of which the agent has no permit any more. */
function orphaned(role: 'run' | 'stopped' = 'run'): World {
  const world = new World();
  world.desired(wanted({ role }));
  world.settle();
  world.host.record(uid, { ...(world.host.inspect(uid)?.metadata as VmMetadata), ...marks, specHash: '' });
  world.disk = { ...none };
  world.crash();
  world.settle();
  world.host.calls.length = 0;
  world.attempts.length = 0;
  return world;
}

/** What the host tells, with everything looked at. */
function told(world: World, orphans = new Orphans(world.ledger)): Orphans {
  orphans.domainsListed(world.host.list());
  orphans.volumesListed(world.host.listVolumes());
  for (const one of orphans.toDescribe('all')) {
    const domain = world.host.describe(one);
    const volume = world.host.readVolume({ uid: one, poolPath: domain?.poolPath ?? '' });
    orphans.described(one, { domain, volume, problem: '' });
  }
  return orphans;
}

t.test('an orphan that runs is taken over as it is: marked anew, and nothing else done to it', async (t) => {
  const world = orphaned();
  world.desired(adopts());
  world.settle();
  t.same(world.host.calls, [], 'neither defined, nor stopped, nor started');
  t.match(world.host.inspect(uid), { power: { kind: 'running' }, metadata: { term: 70_000, generation: 8 } });
  t.match(world.observations.get(uid), { state: 'running', term: 70_000, generation: 8, error: null });
  t.same(world.violations, []);
});

t.test(
  'an agent that is killed in the middle of an adoption takes the domain over all the same',
  async (t) => {
    for (let effects = 0; effects < 8; effects++) {
      const world = orphaned();
      world.desired(adopts());
      for (let done = 0; done < effects && world.pending.length > 0; done++) world.perform();
      if (world.pending.length > 0) world.perform(0, true);
      world.desired(adopts());
      world.settle();
      t.same(world.host.calls, [], `killed at effect ${effects}`);
      t.match(world.observations.get(uid), { state: 'running', term: 70_000, generation: 8 });
    }
  },
);

t.test('one that is off stays off', async (t) => {
  const world = orphaned('stopped');
  world.desired(adopts({ role: 'stopped' }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'stopped', term: 70_000, generation: 8 });
  t.equal(world.host.calls.filter(({ call }) => call === 'start').length, 0);
  t.same(world.violations, []);
});

t.test('an orphan that has gone meanwhile is refused, and neither made nor started anew', async (t) => {
  const world = orphaned();
  world.host.lose(uid);
  world.desired(adopts());
  world.settle();
  t.match(world.observations.get(uid), {
    state: 'refused',
    generation: 8,
    error: { code: 9, message: /its domain is not on this host any more/ },
  });
  t.same(world.host.calls, []);
  t.ok(world.host.hasVolumeOf(uid), 'its disk is left alone');
});

t.test(
  'a disk alone gets a domain over itself, off; where it is gone nothing is made from the image',
  async (t) => {
    const world = orphaned('stopped');
    world.host.lose(uid);
    const disk = { adopts: 'disk', role: 'stopped', term: 1, generation: 2 } as const;
    world.desired(adopts(disk));
    world.settle();
    t.same(world.attempts, [`define ${uid} 1`]);
    t.equal(world.host.calls.filter(({ call }) => call === 'createVolume').length, 0);
    t.match(world.observations.get(uid), { state: 'stopped', generation: 2 });
    const empty = orphaned('stopped');
    empty.host.lose(uid);
    empty.host.removeVolume({ uid, poolPath: '' });
    empty.desired(adopts(disk));
    empty.settle();
    t.match(empty.observations.get(uid), {
      state: 'refused',
      error: { message: /its disk is not on this host/ },
    });
    t.notOk(empty.host.hasVolumeOf(uid));
  },
);

t.test('a VM that is no orphan and comes back after others had it begins anew, as ever', async (t) => {
  const world = orphaned();
  world.desired(wanted({ term: 70_000, generation: 8 }));
  world.settle();
  t.ok(world.host.calls.some(({ call }) => call === 'undefine'));
});

t.test('a domain without a permit is told with all that can be read of it', async (t) => {
  const world = orphaned();
  const orphans = told(world);
  t.same(orphans.texts(), [`domain web-00000000 ${uid}`, `volume ${uid}.qcow2`]);
  t.match(orphans.found(), [
    {
      uid,
      kind: 'domain',
      vmName: 'administrations/a/vms/web',
      running: true,
      vcpus: 1,
      memoryMib: 128,
      diskMib: 1024,
      poolPath: '',
      term: 3,
      generation: 7,
      rebootCount: 2,
      problem: '',
    },
  ]);
});

t.test(
  'what has a permit is an orphan when the whole set leaves it out, and until it is spoken of',
  async (t) => {
    const world = new World();
    world.desired(wanted({ term: 5, generation: 9 }));
    world.settle();
    const orphans = new Orphans(world.ledger);
    told(world, orphans);
    t.same(orphans.texts(), [], 'nobody has said the whole set yet');
    orphans.synced(new Set([uid]));
    t.same(orphans.texts(), []);
    orphans.synced(new Set());
    t.same(orphans.texts().length, 2);
    told(world, orphans);
    t.match(orphans.found(), [{ term: 5, generation: 9, kind: 'domain' }]);
    orphans.claimed(uid);
    t.same(orphans.texts(), []);
    t.same(orphans.found(), []);
  },
);

t.test('what has become of an orphan since it was looked at is looked at again', async (t) => {
  const world = orphaned();
  const orphans = told(world);
  t.match(orphans.found(), [{ kind: 'domain' }]);
  world.host.lose(uid);
  orphans.domainsListed(world.host.list());
  t.same(orphans.found(), []);
  t.same(orphans.toDescribe('new'), [uid]);
  told(world, orphans);
  t.match(orphans.found(), [{ kind: 'disk', vcpus: 0, running: false }]);
});

t.test('what cannot be adopted says why', async (t) => {
  const world = orphaned('stopped');
  const problem = () => told(world).found()[0]?.problem;
  t.equal(problem(), '');
  world.host.powerOff(uid, 'migrated');
  t.match(problem(), /may run there/);
  world.host.powerOff(uid, 'shutdown');
  world.host.removeVolume({ uid, poolPath: '' });
  t.match(problem(), /its disk is not there/);
  const orphans = new Orphans(world.ledger);
  orphans.volumesListed([{ uid, file: `${uid}.ab.partial`, whole: false }]);
  t.same(orphans.toDescribe('new'), [uid]);
  t.same(orphans.found(), [], 'nobody has looked at it');
  orphans.described(uid, { domain: null, volume: null, problem: '' });
  t.same(orphans.toDescribe('new'), []);
  t.match(orphans.found(), [{ kind: 'disk', problem: /only half made/ }]);
  orphans.volumesListed([]);
  t.same(orphans.found(), []);
});

t.test('the disk of an adoption that was refused is an orphan again', async (t) => {
  const world = orphaned();
  world.host.lose(uid);
  world.desired(adopts());
  world.settle();
  const orphans = told(world);
  orphans.synced(new Set([uid]));
  t.same(orphans.texts(), [`volume ${uid}.qcow2`]);
  t.match(orphans.found(), [{ kind: 'disk', term: 70_000, diskMib: 1024, problem: '' }]);
});
