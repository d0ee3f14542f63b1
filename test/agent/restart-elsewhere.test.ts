/**
 * What a host does that may have lost VMs to others while it was away: after a boot it starts nothing on its own that may
 * run elsewhere, it uses the disk that is there and never makes a second one, and it takes away what is not its any more.
 */
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const poolPath = '/pools/a';
const volume = { uid, poolPath };

const mobile = (change: Partial<VmDesired> = {}) =>
  wanted({ restartsElsewhere: true, storagePoolPath: poolPath, ...change });

function withDisk(world: World, sizeMib = 1024): World {
  world.host.createVolume({ ...volume, sizeMib, backing: { path: '/image', format: 'qcow2' } });
  return world;
}

const starts = (world: World) => world.attempts.filter((attempt) => attempt.startsWith('start')).length;
const made = (world: World) => world.host.calls.filter(({ call }) => call === 'createVolume').length;

t.test('O2: after a boot a VM that restarts elsewhere waits for the scheduler, and says so', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.reboot();
  world.settle();
  t.match(world.observations.get(uid), {
    state: 'stopped',
    error: null,
    progress: 'waits for the scheduler to say that it is still to be on this host',
  });
  t.equal(starts(world), 1, 'it was not started again');
  t.equal(world.desired(mobile()), 'confirmed', 'the same word as before is enough');
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', progress: '' });
  t.same(world.violations, []);
});

t.test('other VMs start on their own after a boot', async (t) => {
  const world = new World();
  world.desired(mobile({ restartsElsewhere: false }));
  world.settle();
  world.reboot();
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test('an old word does not confirm anything', async (t) => {
  const world = new World();
  world.desired(mobile({ generation: 2, term: 2 }));
  world.settle();
  world.reboot();
  t.equal(world.desired(mobile({ generation: 1, term: 2 })), 'stale');
  t.equal(world.desired(mobile({ generation: 3, term: 1 })), 'stale');
  world.settle();
  t.equal(world.state(uid), 'stopped');
});

t.test('within one boot a confirmation holds: the agent may die, and the guest too', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.reboot();
  world.desired(mobile());
  world.settle();
  world.crash();
  world.host.powerOff(uid, 'crashed');
  world.settle();
  t.equal(world.state(uid), 'running', 'although nothing more was heard of it');
  t.equal(starts(world), 3);
});

t.test('a confirmation is on disk before anything is started', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.reboot();
  world.desired(mobile());
  while (world.pending.length > 0 && starts(world) === 1) world.perform();
  t.equal(world.disk.permits[0]?.confirmedBootId, 'boot 2');
  const { essentialVersion } = world.ledger;
  world.desired(mobile());
  world.settle();
  t.equal(world.desired(mobile()), 'unchanged');
  t.equal(world.ledger.essentialVersion, essentialVersion, 'said again it is not worth a write');
});

t.test('a VM that runs when it is looked at runs on, confirmed or not', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.boots++;
  world.crash();
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test('nothing is made, changed or taken back of a VM that waits', async (t) => {
  const cases: { what: string; prepare: (world: World) => void }[] = [
    {
      what: 'a resize that was not carried out',
      prepare: (world) => {
        world.desired(mobile({ role: 'stopped' }));
        world.settle();
        world.desired(mobile({ role: 'stopped', generation: 2, size: { ...large } }));
        world.perform();
      },
    },
    {
      what: 'a creation that was begun',
      prepare: (world) => {
        world.desired(mobile());
        for (let effects = 0; effects < 5; effects++) world.perform();
      },
    },
    {
      what: 'a refusal that was not carried out',
      prepare: (world) => {
        world.desired(mobile());
        world.host.failNext('define', new HypervisorError('invalid', 'no'));
        while (world.disk.permits[0]?.phase !== 'refusing') world.perform();
      },
    },
  ];
  const large = { vcpus: 2, memoryMib: 256, diskMib: 2048 };
  for (const { what, prepare } of cases) {
    const world = new World();
    prepare(world);
    const before = structuredClone(world.host.content());
    const calls = world.host.calls.length;
    world.reboot();
    world.settle();
    t.equal(world.host.calls.length, calls, `${what}: nothing is done`);
    t.same(world.host.content(), before, what);
    t.match(world.observations.get(uid)?.progress, /waits for the scheduler/, what);
    t.same(world.violations, [], what);
  }
});

t.test('a generation is said to be reached only when its word would survive a power loss', async (t) => {
  const world = new World();
  world.desired(mobile({ restartsElsewhere: false }));
  world.settle();
  world.desired(mobile({ generation: 2 }));
  while (world.pending.length > 0) {
    const durable = world.disk.permits[0]?.desired;
    const reached = world.observations.get(uid)?.generation ?? 0;
    t.ok(reached < 2 || durable?.restartsElsewhere === true, `generation ${reached}`);
    // The newer word comes in between at every place there is.
    world.desired(mobile({ generation: 3 }));
    const said = world.host.inspect(uid)?.metadata?.generation ?? 0;
    t.ok(said <= (durable?.generation ?? 0), `its domain says ${said}`);
    world.perform();
  }
  t.equal(world.observations.get(uid)?.generation, 3);
  t.same(world.violations, []);
});

t.test('a disk that exists is used, without its image, and grows as on the host before', async (t) => {
  const world = withDisk(new World(), 512);
  world.fail('fetchImage', { kind: 'failed', message: 'no image here' });
  world.desired(mobile({ diskExists: true, image: null, term: 4 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', term: 4, size: { diskMib: 1024 } });
  t.equal(made(world), 1, 'no other was made');
  t.equal(world.host.volumeSizeMib(volume), 1024);
});

t.test('a disk that should exist and does not is a refusal, and no new disk', async (t) => {
  const world = new World();
  world.desired(mobile({ diskExists: true, term: 4 }));
  world.settle();
  t.match(world.observations.get(uid), {
    state: 'refused',
    term: 4,
    error: {
      code: 9,
      message: 'its disk is not in the shared pool /pools/a: is the right one mounted there?',
    },
  });
  t.equal(made(world), 0);
  t.notOk(world.host.volumeExists(volume));
});

t.test('a pool that is not there at all is tried for a minute, and then refused', async (t) => {
  const world = new World();
  world.fail('volumeExists', { kind: 'failed', message: "the shared pool's folder is not there" }, 100);
  world.desired(mobile({ diskExists: true }));
  world.settle(30_000);
  t.equal(world.state(uid), 'preparing');
  world.settle(90_000);
  t.equal(world.state(uid), 'refused');
  t.equal(made(world), 0);
});

t.test('whatever a host refuses, a disk that exists stays', async (t) => {
  for (const call of ['define', 'start'] as const) {
    const world = withDisk(new World());
    world.host.failNext(call, new HypervisorError('invalid', 'no accelerator'));
    world.desired(mobile({ diskExists: true }));
    world.settle();
    t.equal(world.state(uid), 'refused', call);
    t.equal(world.host.inspect(uid), null, `${call}: nothing is left of the domain`);
    t.ok(world.host.volumeExists(volume), `${call}: the disk is there`);
  }
});

t.test('also one that this host made itself, when the word says by then that it exists', async (t) => {
  const world = new World();
  world.desired(mobile());
  while (made(world) === 0) world.perform();
  world.host.failNext('define', new HypervisorError('invalid', 'no'));
  world.desired(mobile({ generation: 2, diskExists: true }));
  world.settle();
  t.equal(world.state(uid), 'refused');
  t.ok(world.host.volumeExists(volume));
});

t.test('a host that comes back gives up what lives elsewhere: the domain goes, the disk stays', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.reboot();
  world.settle();
  world.desired(mobile({ role: 'released', term: 2, generation: 2, size: null, image: null }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', term: 2, generation: 2 });
  t.equal(world.host.inspect(uid), null);
  t.ok(world.host.volumeExists(volume));
  t.equal(starts(world), 1);
});

t.test('a copy that still runs, on a host that was not dead, is unplugged at once', async (t) => {
  const world = new World();
  world.desired(mobile());
  world.settle();
  world.desired(mobile({ role: 'released', term: 2, generation: 2, size: null, image: null }));
  world.settle(0);
  t.match(world.observations.get(uid), { state: 'absent', term: 2, generation: 2 });
  t.same(
    world.host.calls.map(({ call }) => call),
    ['createVolume', 'define', 'start', 'destroy', 'undefine'],
    'a guest that is asked to shut down writes to the disk that another host uses',
  );
  t.ok(world.host.volumeExists(volume));
});

t.test('deleted takes a disk of the host itself to the trash', async (t) => {
  const world = new World();
  const local = { storagePoolPath: '' };
  world.desired(mobile(local));
  world.settle();
  world.reboot();
  world.desired(mobile({ ...local, role: 'deleted', term: 2, generation: 2, size: null, image: null }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', term: 2, generation: 2 });
  t.same(
    world.host.content().trash.map(({ uid: thrown }) => thrown),
    [uid],
  );
  t.notOk(world.host.volumeExists({ uid, poolPath: '' }));
});

t.test('a VM that was released or deleted may come back under a higher term', async (t) => {
  for (const role of ['released', 'deleted'] as const) {
    const world = new World();
    world.desired(mobile());
    world.settle();
    world.reboot();
    world.desired(
      mobile({ role, term: 2, generation: 2, storagePoolPath: role === 'deleted' ? '' : poolPath }),
    );
    world.settle();
    t.equal(world.desired(mobile({ term: 2, generation: 3 })), 'stale', `${role}: not under the same`);
    world.desired(mobile({ term: 3, generation: 4, diskExists: true }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', term: 3, generation: 4 }, role);
    t.equal(made(world), 1, `${role}: from the disk that it had`);
    t.same(world.violations, [], role);
  }
});

t.test('a VM that comes back before it was released runs from its disk as it is now', async (t) => {
  for (const boots of [true, false]) {
    const world = new World();
    world.desired(mobile());
    world.settle();
    if (boots) world.reboot();
    const calls = world.host.calls.length;
    world.desired(mobile({ term: 3, generation: 3, diskExists: true }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', term: 3, generation: 3 });
    t.same(
      world.host.calls.slice(calls).map(({ call }) => call),
      [...(boots ? [] : ['destroy']), 'undefine', 'define', 'start'],
      'a guest that runs knows nothing of what was written since',
    );
  }
});

t.test('from a disk of its own that another host has had no say in, it does not run', async (t) => {
  const world = new World();
  const local = { storagePoolPath: '' };
  world.desired(mobile(local));
  world.settle();
  world.reboot();
  world.desired(mobile({ ...local, term: 3, generation: 3 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'refused', error: { message: /an older disk/ } });
  t.ok(world.host.volumeExists({ uid, poolPath: '' }));
});
