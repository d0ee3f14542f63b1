/**
 * VMs that stop with the host's lease (PROTOCOL.md L2): what the agent does when it ends, and what it waits for before they run
 * again. All others run on.
 */
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import { FakeNetwork } from '../../agent/hypervisor/fake/fake-network.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const stopping = (change: Partial<VmDesired> = {}) => wanted({ stopsOnLeaseLoss: true, ...change });
const mobile = (change: Partial<VmDesired> = {}) => stopping({ restartsElsewhere: true, ...change });

const starts = (world: World) => world.attempts.filter((attempt) => attempt.startsWith('start')).length;
const power = (world: World) => world.host.inspect(uid)?.power.kind;

/** Holds a lease for so long from now. */
function lease(world: World, ms: number, guarded = true): void {
  world.converger.leased(world.bootMs + ms, guarded, world.now);
  world.advance(0);
}

/** The lease that it holds ends. */
function lapse(world: World): void {
  world.converger.leased(world.bootMs, true, world.now);
  world.advance(0);
}

function running(desired: VmDesired): World {
  const world = new World();
  lease(world, 1_000_000);
  world.desired(desired);
  world.settle(1000);
  return world;
}

t.test(
  'its power is taken when the lease ends, without asking the guest, and it says what it waits for',
  async (t) => {
    const world = running(stopping());
    t.equal(world.state(uid), 'running');
    lapse(world);
    world.settle(1000);
    t.equal(power(world), 'off');
    t.equal(world.host.calls.filter(({ call }) => call === 'shutdown').length, 0);
    t.match(world.observations.get(uid), { state: 'stopped', error: null, progress: /waits for a lease/ });
    lease(world, 1_000_000);
    world.settle();
    t.equal(world.state(uid), 'running', 'under a new lease it runs again');
    t.equal(starts(world), 2);
    t.same(world.violations, []);
  },
);

t.test('without a lease it is not started at all', async (t) => {
  const world = new World();
  world.desired(stopping());
  world.settle(60_000);
  t.equal(starts(world), 0);
  t.match(world.observations.get(uid), { state: 'preparing', progress: /waits for a lease/ });
  lease(world, 1_000_000);
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test('the lease is looked at at the very moment when it ends, whatever else happens', async (t) => {
  const world = new World();
  lease(world, 5000);
  world.desired(stopping());
  while (world.pending.length > 0 && world.pending[0]?.effect.kind !== 'start') world.perform();
  world.bootMs += 5000;
  t.equal(world.pending[0]?.effect.kind, 'start');
  world.perform();
  world.settle(1000);
  t.equal(power(world), 'off', 'what was started a moment before is stopped again');
});

t.test(
  'a VM that keeps runs on, and one that is to be stopped, released or deleted goes its way',
  async (t) => {
    const kept = running(wanted());
    lapse(kept);
    kept.settle(60_000);
    t.equal(kept.state(uid), 'running');
    for (const role of ['stopped', 'deleted', 'released'] as const) {
      const world = running(stopping());
      lapse(world);
      world.settle(1000);
      world.desired(stopping({ role, generation: 2 }));
      world.settle();
      t.equal(world.state(uid), role === 'stopped' ? 'stopped' : 'absent', role);
      t.equal(world.observations.get(uid)?.generation, 2);
    }
  },
);

t.test(
  'of one that may have been restarted elsewhere the scheduler must speak again on a stream that begins without a lease',
  async (t) => {
    const world = running(mobile());
    lapse(world);
    world.settle(1000);
    t.equal(power(world), 'off');
    world.ledger.unconfirmStopped();
    lease(world, 1_000_000);
    world.settle();
    t.equal(power(world), 'off', 'a lease alone says nothing of this VM');
    t.match(world.observations.get(uid), { progress: /still to be on this host/ });
    t.equal(world.disk.permits[0]?.confirmedBootId, '', 'and no crash forgets that it must');
    t.equal(world.desired(mobile()), 'confirmed');
    world.settle();
    t.equal(world.state(uid), 'running');
  },
);

t.test(
  'on the stream on which it spoke its word holds: it ends that before it lets anybody else have the VM',
  async (t) => {
    const world = running(mobile());
    lapse(world);
    world.settle(1000);
    lease(world, 1_000_000);
    world.settle();
    t.equal(world.state(uid), 'running');
  },
);

t.test(
  'one that runs under a newer term than the agent knows is left alone until the lease ends',
  async (t) => {
    for (const role of ['run', 'released'] as const) {
      const world = running(stopping());
      world.desired(stopping({ role, generation: 2 }));
      world.settle();
      arrives(world, 3);
      world.settle(1000);
      t.match(world.observations.get(uid), { state: 'unknown', error: { message: /of term 3, newer than/ } });
      t.match(
        world.observations.get(uid),
        { term: 3, released: undefined },
        'that is the term that it is of',
      );
      t.equal(power(world), 'running', role);
      lapse(world);
      world.settle(1000);
      t.equal(power(world), 'off', role);
      t.notOk(world.converger.guardNeeds().needed, 'the watchdog need not bite');
      lease(world, 1_000_000);
      world.settle(1000);
      t.equal(power(world), 'off', 'and nothing starts it');
    }
  },
);

t.test('one that runs under a newer term than the agent knows obeys the words of that term', async (t) => {
  const before = () => {
    const world = running(stopping());
    arrives(world, 3);
    world.settle(1000);
    return world;
  };
  const runs = before();
  const begun = starts(runs);
  t.equal(runs.desired(stopping({ term: 2, generation: 8, role: 'deleted' })), 'accepted');
  runs.settle(1000);
  t.match(runs.observations.get(uid), { state: 'unknown', term: 3 });
  t.equal(power(runs), 'running', 'an older one is not for it');
  runs.desired(stopping({ term: 3, generation: 9 }));
  runs.settle(1000);
  t.match(runs.observations.get(uid), { state: 'running', term: 3, generation: 9, error: null });
  t.equal(starts(runs), begun, 'and nobody has started it again');

  const deleted = before();
  deleted.desired(stopping({ term: 3, generation: 9, role: 'deleted' }));
  deleted.settle(1000);
  t.match(deleted.observations.get(uid), { state: 'absent', term: 3, generation: 9 });
  t.equal(deleted.host.inspect(uid), null);
});

t.test('while libvirt is away a guest of a newer term is said to be of that term', async (t) => {
  const world = running(stopping());
  arrives(world, 3);
  world.settle(1000);
  world.goAway();
  t.match(world.observations.get(uid), { state: 'unknown', term: 3 });
});

t.test(
  'one of a newer term that was last said to keep, or that is none of ours, is left alone',
  async (t) => {
    const kept = running(wanted());
    arrives(kept, 3);
    const foreign = new World();
    foreign.desired(stopping());
    foreign.host.addForeign(uid, 'not-ours');
    for (const world of [kept, foreign]) {
      lapse(world);
      world.settle(60_000);
      t.equal(power(world), 'running');
      t.equal(world.state(uid), 'unknown');
    }
  },
);

t.test(
  'its power is taken also when the disk of the state file is full, and then nothing more is done until there is room',
  async (t) => {
    const world = running(stopping());
    world.fail('persist', { kind: 'noSpace', message: 'the disk is full' }, 1000);
    world.desired(stopping({ generation: 2, rebootCount: 1 }));
    world.settle(1000);
    t.equal(power(world), 'running');
    lapse(world);
    world.settle(1000);
    t.equal(power(world), 'off');
    t.notOk(world.converger.guardNeeds().needed, 'the watchdog need not bite');
    t.match(world.observations.get(uid), { error: { message: 'the disk is full' } });
    lease(world, 1_000_000);
    world.settle(1000);
    t.equal(power(world), 'off');
    world.faults.clear();
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 2, rebootCount: 1, error: null });
    t.same(world.violations, []);
  },
);

t.test('a write that hangs when the lease ends is not waited for any more', async (t) => {
  const world = running(stopping());
  world.desired(stopping({ generation: 2 }));
  t.equal(world.pending[0]?.effect.kind, 'persist');
  world.converger.leased(world.bootMs, true, world.now);
  world.advance(0);
  t.ok(world.pending[0]?.cancelled);
  world.settle(1000);
  t.equal(power(world), 'off');
});

t.test('nor is one that begins to hang after that, when something has happened meanwhile', async (t) => {
  const world = running(stopping());
  world.desired(stopping({ generation: 2 }));
  while (world.pending[0]?.effect.kind !== 'record') world.perform();
  lapse(world);
  world.perform();
  t.match(world.pending, [{ effect: { kind: 'persist' }, cancelled: true }]);
  world.settle(1000);
  t.equal(power(world), 'off');
  world.desired(stopping({ generation: 3 }));
  world.perform();
  const [write] = world.pending;
  t.match(write, { effect: { kind: 'persist' }, cancelled: false });
  world.host.start(uid);
  t.match(world.pending, [{ cancelled: true }], 'somebody has started it by hand');
  world.settle(1000);
  t.equal(power(world), 'off');
  t.same(world.violations, []);
});

t.test('one that is to be deleted is stopped as well while the disk is full', async (t) => {
  const world = running(stopping());
  world.fail('persist', { kind: 'noSpace', message: 'the disk is full' }, 1000);
  world.desired(stopping({ generation: 2, role: 'deleted' }));
  world.settle(1000);
  t.match(world.observations.get(uid), { toldGeneration: 1, error: { message: 'the disk is full' } });
  lapse(world);
  world.settle(1000);
  t.equal(power(world), 'off');
  t.notOk(world.converger.guardNeeds().needed);
  world.faults.clear();
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', generation: 2 });
  t.same(world.violations, []);
});

t.test('an agent that was dead when the lease ended stops it when it is back', async (t) => {
  const world = running(stopping());
  world.crash();
  world.settle(1000);
  t.equal(power(world), 'off', 'nobody has told it of a lease');
});

t.test('while libvirt is away nothing can be done, and when it is back it is done', async (t) => {
  const world = running(stopping());
  world.goAway();
  lapse(world);
  t.equal(power(world), 'running');
  t.ok(world.converger.guardNeeds().needed, 'the watchdog is needed');
  world.comeBack();
  world.settle(1000);
  t.equal(power(world), 'off');
  t.notOk(world.converger.guardNeeds().needed);
});

t.test('where there is a watchdog it starts, and a change to stop counts, once that is armed', async (t) => {
  const world = new World();
  lease(world, 1_000_000, false);
  world.desired(stopping());
  world.settle(60_000);
  t.equal(starts(world), 0);
  t.match(world.observations.get(uid), { progress: /watchdog to be armed/ });
  t.same(world.converger.guardNeeds(), { wanted: true, needed: false, unknown: false });
  lease(world, 1_000_000, true);
  world.settle();
  t.equal(world.state(uid), 'running');
  t.same(world.converger.guardNeeds(), { wanted: true, needed: true, unknown: false });

  const kept = running(wanted());
  lease(kept, 1_000_000, false);
  kept.desired(stopping({ generation: 2 }));
  kept.settle(1000);
  t.match(kept.observations.get(uid), { state: 'running', generation: 1, progress: /watchdog/ });
  lease(kept, 1_000_000, true);
  kept.settle(1000);
  t.match(kept.observations.get(uid), { state: 'running', generation: 2 });
});

t.test('the watchdog is needed until all that stop with the lease are seen to be off', async (t) => {
  const world = running(stopping());
  world.desired(stopping({ role: 'stopped', generation: 2, stopForced: true }));
  t.ok(world.converger.guardNeeds().needed);
  world.settle();
  t.same(world.converger.guardNeeds(), { wanted: false, needed: false, unknown: false });
});

t.test('of a start that nobody has heard the end of it is not known whether it runs', async (t) => {
  const world = new World();
  lease(world, 1_000_000);
  world.fail('start', { kind: 'timeout', message: 'no answer in time' });
  world.desired(stopping());
  world.settle(400);
  lapse(world);
  world.settle(400);
  t.equal(power(world), 'off', 'when it was looked at');
  t.ok(world.converger.guardNeeds().needed, 'it may still come about');
  world.desired(stopping({ role: 'deleted', generation: 2 }));
  world.settle();
  t.equal(world.state(uid), 'absent');
  t.notOk(world.converger.guardNeeds().needed, 'until its domain is no more');
});

t.test('a start that the hypervisor has refused has not come about, and needs no watchdog', async (t) => {
  for (const kind of ['failed', 'invalid', 'noSpace'] as const) {
    const world = new World();
    lease(world, 1_000_000);
    world.fail('start', { kind, message: 'the emulator ended before it began' });
    world.desired(stopping());
    world.settle(400);
    lapse(world);
    world.settle(400);
    t.equal(power(world) ?? 'off', 'off', kind);
    t.same(world.converger.guardNeeds(), { wanted: false, needed: false, unknown: false }, kind);
  }
});

t.test(
  'a hand-over that goes on when the lease ends is called off, so that its power can be taken',
  async (t) => {
    const world = handingOver();
    world.host.slowMoves = true;
    while (world.host.leaving(uid) === null && world.pending.length > 0) world.perform();
    t.ok(world.host.leaving(uid), 'it goes on');
    lapse(world);
    t.ok(world.isCalledOff(uid));
    world.endMove(uid, 'failed');
    world.settle(1000);
    t.equal(power(world), 'off');
    t.notOk(world.converger.guardNeeds().needed, 'the watchdog need not bite');
  },
);

t.test('one that was about to begin then does not', async (t) => {
  const world = handingOver();
  world.host.slowMoves = true;
  while (world.ledger.permit(uid)?.handover === null && world.pending.length > 0) world.perform();
  lapse(world);
  world.settle(1000);
  t.equal(world.host.leaving(uid), null);
  t.equal(power(world), 'off');
});

/** The guest has come under a term of which the agent was told nothing. */
function arrives(world: World, term: number): void {
  const source = new World();
  lease(source, 1_000_000);
  source.desired(stopping({ term }));
  source.settle(1000);
  for (const domain of source.host.content().domains) world.host.put(domain);
  world.converger.changed(uid, world.now);
}

/** It runs, and is to be handed over. */
function handingOver(): World {
  const change = { role: 'send', peer: 'hosts/h2', peerUri: 'qemu+tls://h2.test/system' } as const;
  const storagePoolPath = '/pools/a';
  const world = running(stopping({ storagePoolPath }));
  const network = new FakeNetwork();
  network.join('qemu+tls://h1.test/system', world.host);
  const { host } = new World();
  const backing = { path: '/image', format: 'qcow2' } as const;
  host.createVolume({ uid, poolPath: storagePoolPath, sizeMib: 1024, backing });
  network.join(change.peerUri, host);
  world.desired(stopping({ ...change, storagePoolPath, generation: 2 }));
  return world;
}
