/**
 * An agent whose state file is lost knows nothing of what it was told. The scheduler tells what it has seen of each VM there,
 * and O2 holds all the same: what was defined under a term, and is gone, is never made anew under it.
 */
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const poolPath = '/pools/a';
const defined = { defined: true, handedOver: false };
const handedOver = { defined: true, handedOver: true };
const seen = (world: World) => world.observations.get(uid);
const made = (world: World) => world.host.calls.filter(({ call }) => call === 'createVolume').length;
const starts = (world: World) => world.attempts.filter((attempt) => attempt.startsWith('start')).length;

/** A VM that ran on a host whose agent has lost its file since. */
function bereft(change: Partial<VmDesired> = {}): World {
  const world = new World();
  world.desired(wanted(change));
  world.settle();
  world.loseFile();
  return world;
}

/** As if somebody had installed the machine again: no domain is there any more. */
function wipe(world: World, { withDisk }: { withDisk: boolean }): void {
  world.host.powerOff(uid, 'unknown');
  world.host.undefine(uid);
  if (withDisk) world.host.removeVolume({ uid, poolPath: '' });
  world.loseFile();
}

t.test('a VM that is there goes on, and is not started again', async (t) => {
  const world = bereft();
  world.desired(wanted(), defined);
  world.settle();
  t.match(seen(world), { state: 'running', generation: 1 });
  t.match(world.disk.permits, [{ phase: 'defined' }]);
  t.equal(starts(world), 1);
});

t.test(
  'one that is gone is missing, and only a new term has it made again, from the disk that it had',
  async (t) => {
    const world = bereft();
    wipe(world, { withDisk: false });
    world.desired(wanted(), defined);
    world.settle();
    t.match(seen(world), { state: 'missing', term: 1 });
    world.desired(wanted({ generation: 2 }), defined);
    world.settle();
    t.match(seen(world), { state: 'missing', term: 1 }, 'not by a newer word of the same term');
    t.equal(starts(world), 1);
    world.desired(wanted({ term: 2, generation: 3 }));
    world.settle();
    t.match(seen(world), { state: 'running', term: 2, generation: 3 });
    t.equal(made(world), 1, 'its disk is the one that it had');
  },
);

t.test(
  'one whose disk is gone too is refused as often as it is started, until it may begin anew',
  async (t) => {
    const world = bereft();
    wipe(world, { withDisk: true });
    world.desired(wanted(), defined);
    world.settle();
    t.match(seen(world), { state: 'missing' });
    for (const generation of [3, 4]) {
      world.desired(wanted({ term: 2, generation }));
      world.settle();
      t.match(seen(world), { state: 'refused', generation, error: { code: 9, message: /--rebuildable/ } });
      world.crash();
    }
    t.equal(made(world), 1, 'nothing blank was put in its place');
    world.desired(wanted({ term: 2, generation: 5, rebuildable: true }));
    world.settle();
    t.match(seen(world), { state: 'running', term: 2, generation: 5 });
    t.equal(made(world), 2);
  },
);

t.test('a disk that is put back is the one it runs from', async (t) => {
  const world = bereft();
  wipe(world, { withDisk: true });
  world.desired(wanted(), defined);
  world.settle();
  world.desired(wanted({ term: 2, generation: 2 }));
  world.settle();
  t.match(seen(world), { state: 'refused' });
  world.host.createVolume({ uid, poolPath: '', sizeMib: 1024, backing: { path: '/image', format: 'qcow2' } });
  world.desired(wanted({ term: 2, generation: 3 }));
  world.settle();
  t.match(seen(world), { state: 'running', term: 2, generation: 3 });
  t.equal(made(world), 2);
});

t.test('a refusal that had nothing to do with the disk leaves it, and a later start finds it', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.powerOff(uid, 'unknown');
  world.host.undefine(uid);
  world.fail('define', { kind: 'denied', message: 'no such machine type' });
  world.desired(wanted({ term: 2, generation: 2 }));
  world.settle();
  t.match(seen(world), { state: 'refused', term: 2 });
  world.desired(wanted({ term: 2, generation: 3 }));
  world.settle();
  t.match(seen(world), { state: 'running', term: 2, generation: 3 });
  t.equal(made(world), 1);
});

t.test('a file that is older than the stay is as good as none', async (t) => {
  for (const stay of [defined, handedOver]) {
    const world = new World();
    const onPool = (change: Partial<VmDesired>) => wanted({ storagePoolPath: poolPath, ...change });
    world.desired(onPool({}));
    world.settle();
    const backup = world.disk;
    world.desired(onPool({ role: 'released', term: 2, generation: 2 }));
    world.settle();
    world.desired(onPool({ term: 3, generation: 3, diskExists: true }));
    world.settle();
    t.match(seen(world), { state: 'running', term: 3 });
    world.host.powerOff(uid, 'unknown');
    world.host.undefine(uid);
    world.disk = backup;
    world.crash();
    world.desired(onPool({ term: 3, generation: 4, diskExists: true }), stay);
    world.settle();
    t.match(seen(world), { state: 'missing', term: 3 });
    t.equal(starts(world), 2, 'it may run elsewhere');
  }
});

t.test('so is one that was written before it was there', async (t) => {
  const world = new World();
  world.desired(wanted());
  while (world.pending[0]?.effect.kind !== 'define') world.perform();
  const backup = world.disk;
  world.settle();
  world.host.powerOff(uid, 'unknown');
  world.host.undefine(uid);
  world.disk = backup;
  world.crash();
  world.desired(wanted(), defined);
  world.settle();
  t.match(seen(world), { state: 'missing', term: 1 });
});

t.test('a VM that was never there is made, whoever has lost what', async (t) => {
  const world = new World();
  world.loseFile();
  world.desired(wanted(), { defined: false, handedOver: false });
  world.settle();
  t.match(seen(world), { state: 'running' });
});

t.test(
  'O5: one that may have been handed over is not started here, whatever the agent is told next',
  async (t) => {
    const onPool = (change: Partial<VmDesired> = {}) =>
      wanted({ storagePoolPath: poolPath, diskExists: true, generation: 3, ...change });
    const words = {
      send: onPool({ role: 'send', peer: 'hosts/h2', peerUri: 'qemu+tls://h2.dc/system' }),
      run: onPool(),
    };
    for (const [role, word] of Object.entries(words)) {
      for (const isLeft of [true, false]) {
        const world = bereft({ storagePoolPath: poolPath });
        world.host.powerOff(uid, 'unknown');
        if (isLeft) world.host.undefine(uid);
        world.loseFile();
        world.desired(word, handedOver);
        world.settle();
        const state = isLeft && role === 'send' ? 'absent' : 'missing';
        t.match(seen(world), { state, term: 1 }, `${role}, domain ${isLeft ? 'gone' : 'off'}`);
        t.equal(starts(world), 1);
      }
      const world = bereft({ storagePoolPath: poolPath });
      world.desired(words.run, handedOver);
      world.settle();
      t.match(seen(world), { state: 'running', generation: 3 }, 'what runs here has not been handed over');
      t.match(world.disk.permits, [{ handover: null }]);
    }
  },
);
