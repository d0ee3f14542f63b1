import t from 'tap';
import type { Blueprint, VmMetadata } from '../../agent/hypervisor/hypervisor.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);

t.test('a VM that should run is prepared, defined once and started once', async (t) => {
  const world = new World();
  t.equal(world.desired(wanted()), 'accepted');
  world.settle();
  t.same(world.attempts, [`define ${uid} 1`, `start ${uid} 1`]);
  t.match(world.observations.get(uid), { state: 'running', generation: 1, term: 1, error: null });
  t.equal(world.host.inspect(uid)?.name, 'web-00000000');
  t.same(world.violations, []);
});

t.test('a VM that should be stopped is defined and not started', async (t) => {
  const world = new World();
  world.desired(wanted({ role: 'stopped' }));
  world.settle();
  t.same(world.attempts, [`define ${uid} 1`]);
  t.match(world.observations.get(uid), { state: 'stopped', generation: 1 });
});

t.test('stop, start, and what generation is reached', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ role: 'stopped', generation: 2 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'stopped', generation: 2 });
  t.same(world.host.inspect(uid)?.power, { kind: 'off', reason: 'shutdown' }, 'by the power button');
  world.desired(wanted({ generation: 3 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', generation: 3 });
  t.equal(world.attempts.filter((attempt) => attempt.startsWith('start')).length, 2);
});

t.test('a guest that ignores the power button is unplugged when its grace is over', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.deaf.add(uid);
  const begun = world.bootMs;
  world.desired(wanted({ role: 'stopped', generation: 2, stopGraceMs: 12_000 }));
  world.settle();
  t.equal(world.state(uid), 'stopped');
  t.same(world.host.inspect(uid)?.power, { kind: 'off', reason: 'destroyed' });
  t.equal(world.bootMs - begun, 12_000);
  const presses = world.host.calls.filter(({ call }) => call === 'shutdown').length;
  t.equal(presses, 3, 'at 0, 5 and 10 seconds');
});

t.test('a forced stop pulls the plug at once, also of a paused guest', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.setPower(uid, { kind: 'paused', reason: 'I/O error' });
  world.settle();
  t.equal(world.state(uid), 'paused', 'O4: never resumed on its own');
  world.desired(wanted({ role: 'stopped', generation: 2, stopForced: true }));
  world.settle(0);
  t.same(world.host.inspect(uid)?.power, { kind: 'off', reason: 'destroyed' });
});

t.test(
  'a start that the hypervisor does not get on with is left to it, and a human hears of it',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    world.host.setPower(uid, { kind: 'paused', reason: 'starting up' });
    world.settle(0);
    t.match(world.observations.get(uid), { state: 'starting', error: null });
    const calls = world.host.calls.length;
    world.settle(60_000);
    t.match(world.observations.get(uid), {
      state: 'starting',
      error: { code: 14, message: /restart libvirtd/ },
    });
    t.equal(world.host.calls.length, calls, 'it is not touched (O4)');
    world.host.setPower(uid, { kind: 'running' });
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', error: null });
  },
);

t.test('a paused guest hears no button: a graceful stop waits for its grace, without spinning', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.setPower(uid, { kind: 'paused', reason: 'I/O error' });
  world.settle();
  const calls = world.host.calls.length;
  world.desired(wanted({ role: 'stopped', generation: 2, stopGraceMs: 30_000 }));
  world.settle();
  t.equal(world.state(uid), 'stopped');
  t.same(
    world.host.calls.slice(calls).map(({ call }) => call),
    ['destroy'],
  );
});

t.test('O7: a guest that powers itself off stays off, and a newer generation starts it', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.powerOff(uid, 'shutdown');
  world.settle();
  t.match(world.observations.get(uid), { state: 'guestShutdown', generation: 1 });
  world.desired(wanted({ role: 'stopped', generation: 2 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'stopped', generation: 2 });
  world.desired(wanted({ generation: 3 }));
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test(
  'O7: so it does after a definition that was given up and came late has taken its generation back',
  async (t) => {
    const world = new World();
    const defined: Blueprint[] = [];
    const define = world.host.define.bind(world.host);
    world.host.define = (blueprint) => {
      defined.push(blueprint);
      define(blueprint);
    };
    world.desired(wanted());
    world.settle();
    world.desired(wanted({ generation: 2, size: { vcpus: 2, memoryMib: 256, diskMib: 1024 } }));
    world.settle();
    const [late] = defined.slice(-1);
    t.equal(late?.metadata.generation, 1);
    define(late as Blueprint);
    world.host.powerOff(uid, 'shutdown');
    t.equal(world.host.inspect(uid)?.metadata?.generation, 1, 'taken back');
    const starts = () => world.attempts.filter((attempt) => attempt.startsWith('start')).length;
    const before = starts();
    world.settle();
    t.match(world.observations.get(uid), { state: 'guestShutdown', generation: 2 });
    t.equal(starts(), before);
  },
);

t.test('O7: nor does a mark that was given up and came late have a reboot done twice', async (t) => {
  for (const crashes of [false, true]) {
    const world = new World();
    world.desired(wanted());
    world.settle();
    const late = world.host.inspect(uid)?.metadata as VmMetadata;
    world.desired(wanted({ generation: 2, rebootCount: 1, rebootForced: true }));
    world.settle();
    const resets = () => world.host.calls.filter(({ call }) => call === 'reset').length;
    t.equal(resets(), 1);
    world.host.record(uid, late);
    t.match(world.host.inspect(uid)?.metadata, { generation: 1, rebootCount: 0 }, 'taken back');
    if (crashes) world.crash();
    else world.desired(wanted({ generation: 2, rebootCount: 1, rebootForced: true, stopGraceMs: 1 }));
    world.settle();
    t.equal(resets(), 1, crashes ? 'by the next process either' : 'when it is looked at again');
    t.match(world.host.inspect(uid)?.metadata, { generation: 2, rebootCount: 1 }, 'and is written again');
    t.match(world.observations.get(uid), { state: 'running', generation: 2, rebootCount: 1 });
  }
});

t.test(
  'what a restored journal has forgotten of the reboots stays counted, and the guest is started once',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    world.desired(wanted({ generation: 2, rebootCount: 1, rebootForced: true }));
    world.settle();
    world.crash();
    world.host.powerOff(uid, 'destroyed');
    world.desired(wanted({ generation: 3, rebootCount: 0 }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 3, rebootCount: 1 });
    t.equal(world.attempts.filter((attempt) => attempt.startsWith('start')).length, 2);
    world.desired(wanted({ generation: 4, role: 'stopped', rebootCount: 0 }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'stopped', generation: 4, rebootCount: 1 });
  },
);

t.test('O7: a policy may have it started again', async (t) => {
  const world = new World();
  world.desired(wanted({ restartsAfterGuestShutdown: true }));
  world.settle();
  world.host.powerOff(uid, 'shutdown');
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test(
  'a guest that crashes is started again with growing pauses, and forgiven after ten minutes',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    const pauses: number[] = [];
    const crash = () => {
      const crashedAt = world.bootMs;
      world.host.powerOff(uid, 'crashed');
      while (world.pending.length > 0) world.perform();
      if (world.host.inspect(uid)?.power.kind === 'off') t.equal(world.state(uid), 'crashed');
      world.settle();
      pauses.push(world.bootMs - crashedAt);
    };
    for (let times = 0; times < 8; times++) crash();
    t.same(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    world.bootMs += 600_000;
    pauses.length = 0;
    crash();
    t.same(pauses, [1_000]);
  },
);

t.test('after a reboot of the machine the first start is at once', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.powerOff(uid, 'unknown');
  world.crash();
  const before = world.bootMs;
  world.settle(0);
  t.equal(world.bootMs, before);
  t.equal(world.state(uid), 'running');
});

t.test('a guest that dies right after each start does not spin', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.host.onChange = (call) => {
    if (call?.call === 'start') world.host.powerOff(uid, 'crashed');
  };
  world.settle(60_000);
  const starts = world.attempts.filter((attempt) => attempt.startsWith('start')).length;
  t.ok(starts >= 5 && starts <= 8, `${starts} starts in a minute`);
});

t.test(
  'O2: a domain that was defined under the term and is gone is missing, also after a restart',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    world.host.lose(uid);
    world.settle();
    t.match(world.observations.get(uid), { state: 'missing', term: 1 });
    world.crash();
    world.settle();
    world.desired(wanted({ generation: 2 }));
    world.settle();
    t.equal(world.state(uid), 'missing');
    t.equal(world.attempts.length, 2, 'neither defined nor started again');

    world.desired(wanted({ generation: 3, term: 2 }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', term: 2 }, 'a new permit makes it again');
    t.equal(world.host.calls.filter(({ call }) => call === 'createVolume').length, 1, 'from the disk it had');
  },
);

t.test('an older disk from before another host had the VM is neither used nor overwritten', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ role: 'released', generation: 2, term: 2 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', term: 2 });
  t.ok(world.host.volumeExists({ uid, poolPath: '' }), 'released: the volume stays');
  world.desired(wanted({ generation: 3, term: 4 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'refused', error: { code: 9 } });
  t.ok(world.host.volumeExists({ uid, poolPath: '' }), 'and is still there');
  t.same(world.violations, []);
});

t.test('O3: deleted leaves nothing but trash, and nothing older brings the VM back', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ role: 'deleted', generation: 2, size: null, image: null }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', generation: 2 });
  t.equal(world.host.content().trash.length, 1);
  t.equal(world.desired(wanted({ generation: 2 })), 'stale');
  t.equal(world.desired(wanted({ generation: 9 })), 'stale', 'same term: deleted is final');
  world.crash();
  t.equal(world.desired(wanted({ generation: 9 })), 'stale', 'also after a restart');
  world.settle();
  t.same(world.host.list(), []);
});

t.test('whoever says what is older than what is known is told again how it is', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ role: 'deleted', generation: 3, size: null, image: null }));
  world.settle();
  t.same(world.converger.takeOutputs(), []);
  const older = wanted({ role: 'released', generation: 2, size: null, image: null });
  world.converger.desired(older, world.now);
  t.match(world.converger.takeOutputs(), [
    { kind: 'observe', observation: { state: 'absent', term: 1, generation: 3 }, again: true },
  ]);
});

t.test('what was deleted is gone for whoever wants it released by a newer word', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ role: 'deleted', generation: 2, size: null, image: null }));
  world.settle();
  t.equal(world.desired(wanted({ role: 'released', generation: 2, size: null, image: null })), 'stale');
  t.equal(world.desired(wanted({ role: 'released', generation: 3, size: null, image: null })), 'accepted');
  world.settle();
  t.match(world.observations.get(uid), { state: 'absent', generation: 3 });
  t.equal(world.ledger.permit(uid)?.desired.role, 'deleted', 'its volumes are in the trash, and stay there');
});

t.test('tombstones go a day after the scheduler has stopped to mention them', async (t) => {
  const world = new World();
  world.desired(wanted({ role: 'deleted' }));
  world.settle();
  const day = 24 * 3600_000;
  world.ledger.synced(new Set([uid]));
  t.same(world.ledger.forget(world.now.wallMs + 2 * day), [], 'still mentioned');
  world.ledger.synced(new Set());
  t.same(world.ledger.forget(world.now.wallMs + day / 2), [], 'too young');
  t.same(world.ledger.forget(world.now.wallMs + 2 * day), [uid]);
});

t.test('words of an older term or generation are not obeyed', async (t) => {
  const world = new World();
  world.desired(wanted({ term: 3, generation: 5 }));
  world.settle();
  t.equal(world.desired(wanted({ role: 'deleted', term: 2, generation: 9 })), 'stale');
  t.equal(world.desired(wanted({ role: 'stopped', term: 3, generation: 4 })), 'stale');
  t.equal(world.desired(wanted({ term: 3, generation: 5 })), 'unchanged');
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test('a domain with a higher term than the permit is left alone', async (t) => {
  const world = new World();
  world.desired(wanted({ term: 5 }));
  world.settle();
  world.disk = { epoch: null, checkpoint: null, permits: [] };
  world.crash();
  world.desired(wanted({ term: 4, role: 'deleted' }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'unknown', error: { code: 9 } });
  t.equal(world.host.inspect(uid)?.power.kind, 'running');
});

t.test('O1: a foreign domain is never touched, not even one with the id of a VM', async (t) => {
  const world = new World();
  world.host.addForeign(uid, 'somebody');
  world.host.addForeign(uidOf(2), 'else');
  world.poll();
  t.equal(world.converger.foreignDomains, 2);
  for (const role of ['run', 'stopped', 'deleted', 'released'] as const) {
    world.desired(wanted({ role, term: role === 'run' ? 1 : 2, generation: 9 }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'unknown', error: { code: 9 } });
  }
  t.same(world.host.calls, []);
  t.same(world.violations, []);
});

t.test('our domains without a permit are left alone; a permit adopts them', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.disk = { epoch: null, checkpoint: null, permits: [] };
  world.crash();
  world.settle();
  t.equal(world.host.inspect(uid)?.power.kind, 'running');
  const calls = world.host.calls.length;
  world.desired(wanted());
  world.settle();
  t.equal(world.state(uid), 'running');
  t.equal(world.host.calls.length, calls, 'nothing was made again');
});

t.test('reboots are counted before they are carried out, and happen once', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.desired(wanted({ generation: 2, rebootCount: 1 }));
  while (world.pending[0]?.effect.kind !== 'reboot') world.perform();
  t.equal(world.host.inspect(uid)?.metadata?.rebootCount, 1, 'written down first');
  world.perform(0, true);
  world.settle();
  t.equal(world.host.calls.filter(({ call }) => call === 'reboot').length, 1);
  t.match(world.observations.get(uid), { state: 'running', rebootCount: 1, generation: 2 });
  world.desired(wanted({ generation: 3, rebootCount: 2, rebootForced: true }));
  world.settle();
  t.equal(world.host.calls.filter(({ call }) => call === 'reset').length, 1);
});

t.test('a guest that does not carry out a graceful reboot is reset when its time is over', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.deaf.add(uid);
  const asked = world.bootMs;
  world.desired(wanted({ generation: 2, rebootCount: 1 }));
  world.settle();
  t.same(
    world.host.calls.filter(({ call }) => call === 'reboot' || call === 'reset').map(({ call }) => call),
    ['reboot', 'reset'],
  );
  t.equal(world.bootMs - asked, 60_000);
});

t.test(
  'a reset that libvirt refuses is tried again until it is done, and one that nobody answers is not',
  async (t) => {
    for (const rebootForced of [true, false]) {
      const world = new World();
      world.desired(wanted());
      world.settle();
      if (!rebootForced) world.host.deaf.add(uid);
      const resets = () => world.host.calls.filter(({ call }) => call === 'reset').length;
      const reboot = wanted({ generation: 2, rebootCount: 1, rebootForced });
      world.fail('reset', { kind: 'failed', message: 'unable to execute QEMU command' }, 2);
      world.desired(reboot);
      world.settle();
      t.equal(resets(), 1, 'what has failed twice is done');
      t.match(world.observations.get(uid), { state: 'running', generation: 2, rebootCount: 1, error: null });
      world.fail('reset', { kind: 'timeout', message: 'no answer' });
      world.desired({ ...reboot, generation: 3, rebootCount: 2 });
      world.settle();
      t.equal(resets(), 1, 'it may be carried out yet');
      t.match(world.observations.get(uid), { state: 'running', generation: 3, rebootCount: 2 });
    }
  },
);

t.test('a guest that reboots by itself while it is to be reset is not reset again', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.deaf.add(uid);
  world.desired(wanted({ generation: 2, rebootCount: 1 }));
  world.settle(59_000);
  world.advance(60_000);
  while (world.pending[0]?.effect.kind !== 'reset') world.perform();
  world.host.onEvent({ kind: 'rebooted', uid });
  world.fail('reset', { kind: 'failed', message: 'unable to execute QEMU command' });
  world.settle();
  t.equal(
    world.host.calls.filter(({ call }) => call === 'reset').length,
    0,
    'it was refused, and no other asked for',
  );
  t.match(world.observations.get(uid), { state: 'running', generation: 2, rebootCount: 1 });
});

t.test('a start is a reboot for a VM that was off', async (t) => {
  const world = new World();
  world.desired(wanted({ role: 'stopped' }));
  world.settle();
  world.desired(wanted({ generation: 3, rebootCount: 1 }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', rebootCount: 1, generation: 3 });
  t.equal(world.host.calls.filter(({ call }) => call === 'reboot').length, 0);
});

t.test('a stopped VM is resized by redefining it, and has the new size when it starts', async (t) => {
  const world = new World();
  world.desired(wanted({ role: 'stopped' }));
  world.settle();
  const size = { vcpus: 4, memoryMib: 512, diskMib: 2048 };
  world.desired(wanted({ role: 'stopped', generation: 2, size }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'stopped', generation: 2, size });
  t.equal(world.host.volumeSizeMib({ uid, poolPath: '' }), 2048);
  world.desired(wanted({ generation: 3, size }));
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', generation: 3, size });
  t.same(world.violations, []);
});

t.test(
  'a running VM has its larger disk and more vCPUs at once, and memory when it is started next',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    const size = { vcpus: 4, memoryMib: 512, diskMib: 2048 };
    world.desired(wanted({ generation: 2, size }));
    world.settle();
    const now = { ...size, memoryMib: 128 };
    t.match(world.observations.get(uid), { state: 'running', generation: 2, size: now });
    t.same(world.host.inspect(uid)?.power, { kind: 'running' });
    t.equal(world.host.volumeSizeMib({ uid, poolPath: '' }), 2048);
    t.equal(world.attempts.filter((attempt) => attempt.startsWith('start')).length, 1, 'it was left running');
    world.crash();
    world.settle();
    t.match(world.observations.get(uid), { generation: 2, size: now }, 'the next agent says the same');
    world.host.powerOff(uid, 'crashed');
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 2, size }, 'a crash is a start too');
    t.same(world.violations, []);
  },
);

t.test('fewer vCPUs, and more than there is room for, wait for the next start', async (t) => {
  for (const vcpus of [1, 15]) {
    const world = new World();
    const size = { vcpus: 2, memoryMib: 128, diskMib: 1024 };
    world.desired(wanted({ size }));
    world.settle();
    world.desired(wanted({ generation: 2, size: { ...size, vcpus } }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 2, error: null, size });
    world.desired(wanted({ generation: 3, size: { ...size, vcpus }, role: 'stopped' }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'stopped', generation: 3, size: { ...size, vcpus } });
  }
});

t.test('a VM that is resized back before it was restarted has nothing to wait for', async (t) => {
  const world = new World();
  const size = { vcpus: 1, memoryMib: 128, diskMib: 1024 };
  world.desired(wanted({ size }));
  world.settle();
  world.desired(wanted({ generation: 2, size: { ...size, memoryMib: 512 } }));
  world.settle();
  world.desired(wanted({ generation: 3, size }));
  world.settle();
  t.match(world.observations.get(uid), { generation: 3, size });
  t.match(world.host.content().domains[0], { memoryMib: 128 });
});

t.test('a disk that was ordered smaller again keeps what it has, and that is said', async (t) => {
  const world = new World();
  const size = { vcpus: 1, memoryMib: 128, diskMib: 4096 };
  world.desired(wanted({ size }));
  world.settle();
  for (const [generation, role] of [
    [2, 'run'],
    [3, 'stopped'],
  ] as const) {
    world.desired(wanted({ generation, role, size: { ...size, diskMib: 1024 } }));
    world.settle();
    t.match(world.observations.get(uid), { generation, size });
  }
});

t.test('a reboot of a VM that waits for one takes power off and on, and happens once', async (t) => {
  for (const rebootForced of [false, true]) {
    const world = new World();
    world.desired(wanted());
    world.settle();
    const size = { vcpus: 1, memoryMib: 512, diskMib: 1024 };
    world.desired(wanted({ generation: 2, size }));
    world.settle();
    world.desired(wanted({ generation: 3, size, rebootCount: 1, rebootForced }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 3, rebootCount: 1, size });
    const done = world.host.calls.map(({ call }) => call).filter((call) => call !== 'createVolume');
    const off = rebootForced ? 'destroy' : 'shutdown';
    t.same(done, ['define', 'start', 'define', off, 'start']);
    world.desired(wanted({ generation: 4, size, rebootCount: 2 }));
    world.settle();
    t.equal(world.host.calls.at(-1)?.call, 'reboot', 'the next one is a plain one');
  }
});

t.test(
  'a guest that ignores the power button of such a reboot is unplugged when its time is over',
  async (t) => {
    const world = new World();
    world.desired(wanted());
    world.settle();
    world.host.deaf.add(uid);
    const size = { vcpus: 1, memoryMib: 512, diskMib: 1024 };
    const asked = world.bootMs;
    // Both in one word: what the reboot is to bring is made ready first.
    world.desired(wanted({ generation: 3, size, rebootCount: 1 }));
    world.settle();
    t.match(world.observations.get(uid), { state: 'running', generation: 3, rebootCount: 1, size });
    t.equal(world.bootMs - asked, 60_000);
  },
);

t.test('a resize that cannot be done is said to be about its generation, and is tried again', async (t) => {
  for (const role of ['run', 'stopped'] as const) {
    const world = new World();
    world.desired(wanted({ role }));
    world.settle();
    world.fail('growVolume', { kind: 'noSpace', message: 'no space left' });
    const size = { vcpus: 1, memoryMib: 128, diskMib: 4096 };
    world.desired(wanted({ role, generation: 2, size }));
    world.settle(0);
    t.match(world.observations.get(uid), {
      generation: 1,
      toldGeneration: 2,
      error: { code: 8, message: 'no space left' },
      size: { diskMib: 1024 },
    });
    world.settle();
    t.match(world.observations.get(uid), { generation: 2, error: null, size });
  }
});

t.test('an agent that dies at any step of a resize leads to the same end', async (t) => {
  for (let at = 0; at < 12; at += 1) {
    for (const lose of [true, false]) {
      const world = new World();
      world.desired(wanted());
      world.settle();
      const size = { vcpus: 2, memoryMib: 512, diskMib: 2048 };
      world.desired(wanted({ generation: 2, size }));
      for (let step = 0; step < at; step += 1) world.perform();
      if (lose) world.perform(0, true);
      else world.crash();
      world.desired(wanted({ generation: 2, size }));
      world.settle();
      const now = { ...size, memoryMib: 128 };
      t.match(
        world.observations.get(uid),
        { state: 'running', generation: 2, size: now },
        `at ${at}, ${lose}`,
      );
      t.same(world.violations, []);
    }
  }
});

t.test('what this host can never do is refused, and nothing is left behind', async (t) => {
  const cases = [
    { effect: 'fetchImage', kind: 'denied', code: 9 },
    { effect: 'fetchImage', kind: 'noSpace', code: 8 },
    { effect: 'createVolume', kind: 'noSpace', code: 8 },
    { effect: 'define', kind: 'invalid', code: 3 },
    { effect: 'start', kind: 'invalid', code: 3 },
  ] as const;
  for (const { effect, kind, code } of cases) {
    const world = new World();
    world.fail(effect, { kind, message: 'no' });
    world.desired(wanted());
    world.settle();
    t.match(
      world.observations.get(uid),
      { state: 'refused', error: { code, message: 'no' } },
      `${effect} ${kind}`,
    );
    t.same(world.host.list(), []);
    t.notOk(world.host.volumeExists({ uid, poolPath: '' }));
    const attempts = world.attempts.length;
    world.crash();
    world.settle();
    t.equal(world.state(uid), 'refused', 'still after a restart');
    t.equal(world.attempts.length, attempts);
    world.desired(wanted({ generation: 2 }));
    world.settle();
    t.equal(world.state(uid), 'running', 'a newer generation is tried');
    t.same(world.violations, []);
  }
});

t.test('an image whose disk is larger than the VM is refused', async (t) => {
  const world = new World();
  world.imageSizeMib = 4096;
  world.desired(wanted());
  world.settle();
  t.match(world.observations.get(uid), { state: 'refused', error: { code: 9 } });
});

t.test('what may be transient is tried for a minute before it is refused', async (t) => {
  const world = new World();
  const begun = world.bootMs;
  world.fail('fetchImage', { kind: 'failed', message: 'connection reset' }, 1000);
  world.desired(wanted());
  world.settle(30_000);
  t.match(world.observations.get(uid), { state: 'preparing', error: { message: 'connection reset' } });
  world.settle();
  t.equal(world.state(uid), 'refused');
  t.ok(world.bootMs - begun >= 60_000 && world.bootMs - begun < 120_000, `${world.bootMs - begun} ms`);
});

t.test('a transient failure that passes leaves no trace', async (t) => {
  const world = new World();
  world.fail('createVolume', { kind: 'failed', message: 'busy' }, 3);
  world.desired(wanted());
  world.settle();
  t.match(world.observations.get(uid), { state: 'running', error: null });
});

t.test('O6: a time-out is never a refusal, however often it happens', async (t) => {
  for (const effect of ['fetchImage', 'createVolume', 'define', 'start', 'inspect'] as const) {
    const world = new World();
    world.fail(effect, { kind: 'timeout', message: 'no answer' }, 12);
    world.desired(wanted());
    world.settle();
    t.equal(world.state(uid), 'running', effect);
    t.same(world.violations, []);
  }
});

t.test('a VM that has run is never refused, whatever fails later', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.powerOff(uid, 'crashed');
  world.fail('start', { kind: 'invalid', message: 'broken' }, 5);
  world.settle(20_000);
  world.settle();
  t.equal(world.state(uid), 'running');
  t.ok(world.host.volumeExists({ uid, poolPath: '' }));
});

t.test('nor is one whose agent died after it was defined: it may have run', async (t) => {
  const world = new World();
  world.desired(wanted());
  while (world.pending[0]?.effect.kind !== 'start') world.perform();
  world.perform(0, true);
  world.host.powerOff(uid, 'crashed');
  world.fail('start', { kind: 'invalid', message: 'broken' }, 3);
  world.settle();
  t.equal(world.state(uid), 'running');
});

t.test('a VM that is deleted while its image is fetched does not wait for it', async (t) => {
  const world = new World();
  world.desired(wanted());
  while (world.pending[0]?.effect.kind !== 'fetchImage') world.perform();
  world.desired(wanted({ role: 'deleted', generation: 2 }));
  t.ok(world.pending[0]?.cancelled, 'the download is called off');
  world.settle();
  t.equal(world.state(uid), 'absent');
  t.same(world.attempts, []);
});

t.test('a VM that is deleted at any moment of its making ends absent', async (t) => {
  for (let after = 0; after < 25; after++) {
    const world = new World();
    world.desired(wanted());
    for (let step = 0; step < after && world.pending.length > 0; step++) world.perform();
    world.desired(wanted({ role: 'deleted', generation: 2 }));
    world.settle();
    t.equal(world.state(uid), 'absent', `after ${after} effects`);
    t.same(world.host.list(), []);
    t.notOk(world.host.volumeExists({ uid, poolPath: '' }));
    t.same(world.violations, []);
  }
});

t.test('while the hypervisor is away every VM is unknown, once; then all are looked at', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.desired(wanted({ uid: uidOf(2) }));
  world.settle();
  world.goAway();
  t.equal(world.state(uid), 'unknown');
  t.match(world.observations.get(uid), { generation: 1 }, 'what was reached is still known');
  world.observations.clear();
  world.goAway();
  t.equal(world.observations.size, 0, 'not said again');
  world.host.powerOff(uidOf(2), 'failed');
  world.comeBack();
  world.settle(0);
  t.equal(world.state(uid), 'running');
  t.equal(world.state(uidOf(2)), 'crashed');
});

t.test('one VM that is stuck holds up no other', async (t) => {
  const world = new World();
  world.desired(wanted({ uid: uidOf(1) }));
  while (world.pending[0]?.effect.kind !== 'start') world.perform();
  for (let number = 2; number <= 40; number++) world.desired(wanted({ uid: uidOf(number) }));
  while (world.pending.length > 1) world.perform(1);
  for (let number = 2; number <= 40; number++) t.equal(world.state(uidOf(number)), 'running');
  t.equal(world.state(uid), 'starting');
});

t.test('the list of all domains finds what events missed', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  const events = world.host.onEvent;
  world.host.onEvent = () => undefined;
  world.host.powerOff(uid, 'crashed');
  world.settle();
  t.equal(world.state(uid), 'running', 'nobody said so');
  world.host.onEvent = events;
  world.poll();
  world.settle(0);
  t.equal(world.state(uid), 'crashed');
});

t.test('a domain that migrated away is not started again', async (t) => {
  const world = new World();
  world.desired(wanted());
  world.settle();
  world.host.powerOff(uid, 'migrated');
  world.settle();
  t.equal(world.state(uid), 'missing');
  t.equal(world.attempts.filter((attempt) => attempt.startsWith('start')).length, 1);
});

t.test('a reboot that was counted is done also when the file is full by then, and once', async (t) => {
  for (const rebootForced of [true, false]) {
    const world = new World();
    world.desired(wanted());
    world.settle(1000);
    world.desired(wanted({ generation: 2, rebootCount: 1, rebootForced }));
    while (world.pending[0]?.effect.kind !== 'record') world.perform();
    world.fail('persist', { kind: 'noSpace', message: 'the disk is full' }, 3);
    world.settle();
    const done = world.host.calls.filter(({ call }) => call === 'reset' || call === 'reboot');
    t.equal(done.length, 1, rebootForced ? 'forced' : 'gracefully');
    t.match(world.observations.get(uid), { state: 'running', generation: 2, rebootCount: 1, error: null });
    t.same(world.violations, []);
  }
});

t.test('what nobody can have looked for is not refused: its domain may be here', async (t) => {
  const world = new World();
  world.goAway();
  world.converger.available(world.now);
  world.converger.reject(uidOf(7), 1, 1, 'spec.vcpus is 0', world.now);
  world.advance(0);
  t.match(world.observations.get(uidOf(7)), { state: 'unknown', generation: 0, toldGeneration: 1 });
  world.poll();
  t.equal(world.state(uidOf(7)), 'refused', 'once all domains were listed');
});

t.test('a word that makes no sense is refused; for a VM that runs, the VM runs on', async (t) => {
  const world = new World();
  world.converger.reject(uidOf(7), 1, 1, 'spec.vcpus is 0', world.now);
  t.match(
    world.converger.observations().find((observation) => observation.uid === uidOf(7)),
    { state: 'refused', error: { code: 3, message: 'spec.vcpus is 0' } },
  );
  world.desired(wanted());
  world.settle();
  world.converger.reject(uid, 1, 2, 'spec.vcpus is 0', world.now);
  t.match(
    world.converger.observations().find((observation) => observation.uid === uid),
    { state: 'running', error: { code: 3 } },
  );
});

t.test('a size that was ordered back while its definition was being made is defined again', async (t) => {
  const effects = 16;
  for (let at = 0; at < effects; at += 1) {
    const world = new World();
    const size = { vcpus: 1, memoryMib: 128, diskMib: 1024 };
    world.desired(wanted({ size }));
    world.settle();
    world.desired(wanted({ generation: 2, size: { ...size, memoryMib: 512 } }));
    for (let step = 0; step < at; step += 1) world.perform();
    world.crash();
    world.desired(wanted({ generation: 3, size }));
    world.settle();
    t.match(world.observations.get(uid), { generation: 3, size }, `killed at effect ${at}`);
    t.match(world.host.content().domains[0], { memoryMib: 128 }, `killed at effect ${at}`);
  }
});
