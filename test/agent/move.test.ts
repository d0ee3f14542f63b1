/**
 * A VM goes from one host to another while it runs, and everything that can go wrong with it. Two hosts in memory, each with
 * an agent of its own, on one shared pool; the scheduler is played by hand.
 */
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import type { FakeDomain } from '../../agent/hypervisor/fake/fake-host.js';
import { FakeNetwork } from '../../agent/hypervisor/fake/fake-network.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const poolPath = '/pools/a';
const uriOf = { h1: 'qemu+tls://h1.dc/system', h2: 'qemu+tls://h2.dc/system' };

const run = (change: Partial<VmDesired> = {}) =>
  wanted({ storagePoolPath: poolPath, diskExists: true, ...change });
const send = (change: Partial<VmDesired> = {}) =>
  run({ role: 'send', generation: 3, peer: 'hosts/h2', peerUri: uriOf.h2, ...change });
const receive = (change: Partial<VmDesired> = {}) =>
  run({ role: 'receive', generation: 3, term: 2, peer: 'hosts/h1', image: null, ...change });

function place(world: World): World {
  world.host.createVolume({ uid, poolPath, sizeMib: 1024, backing: { path: '/image', format: 'qcow2' } });
  return world;
}

/** A VM that runs on the first of two hosts, and is awaited on the second. */
function pair() {
  const network = new FakeNetwork();
  const source = place(new World());
  const target = place(new World());
  network.join(uriOf.h1, source.host);
  network.join(uriOf.h2, target.host);
  source.desired(run());
  source.settle();
  target.desired(receive({ generation: 2 }));
  target.settle();
  return { network, source, target };
}

const runsOn = ({ host }: World) => host.inspect(uid)?.power.kind === 'running';
const starts = (world: World) => world.attempts.filter((attempt) => attempt.startsWith('start')).length;
const moves = (world: World) => world.attempts.filter((attempt) => attempt.startsWith('migrate')).length;
const seen = (world: World) => world.observations.get(uid);

function untilBegun(world: World): void {
  world.host.slowMoves = true;
  while (world.host.leaving(uid) === null) {
    if (world.pending.length === 0) throw new Error('it is not begun');
    world.perform();
  }
}

t.test('a VM moves while it runs, and back again, and is started once in all', async (t) => {
  const { source, target } = pair();
  t.match(seen(target), { state: 'awaited', term: 2, generation: 2, error: null, progress: 'from h1' });
  target.desired(receive());
  source.desired(send());
  source.settle();
  target.settle();
  t.match(seen(source), { state: 'absent', term: 1, generation: 3, error: null });
  t.match(seen(target), { state: 'running', term: 2, generation: 3, error: null });
  t.match(source.disk.permits[0], { phase: 'gone' });
  t.match(target.disk.permits[0], { phase: 'defined' });
  target.desired(run({ term: 2, generation: 4 }));
  target.settle();
  t.match(seen(target), { state: 'running', term: 2, generation: 4 });
  source.desired(receive({ term: 3, generation: 5, peer: 'hosts/h2' }));
  source.settle();
  t.match(seen(source), { state: 'awaited', term: 3, generation: 5 });
  target.desired(send({ term: 2, generation: 6, peer: 'hosts/h1', peerUri: uriOf.h1 }));
  target.settle();
  source.settle();
  t.match(seen(target), { state: 'absent', term: 2, generation: 6 });
  t.match(seen(source), { state: 'running', term: 3, generation: 5 });
  source.desired(run({ term: 3, generation: 7 }));
  source.settle();
  t.match(seen(source), { state: 'running', term: 3, generation: 7 });
  t.equal(starts(source) + starts(target), 1);
  const calls = [source, target].flatMap((world) => world.host.calls.map(({ call }) => call));
  t.same(
    calls.filter((call) => ['define', 'destroy', 'shutdown', 'reset', 'reboot'].includes(call)),
    ['define'],
    'and never defined again or powered off',
  );
  t.same([...source.violations, ...target.violations], []);
});

t.test(
  'a VM arrives also under a term that is far above its own, since moves before have failed',
  async (t) => {
    const { source, target } = pair();
    target.desired(run({ role: 'released', term: 2, generation: 3 }));
    target.settle();
    target.desired(receive({ term: 4, generation: 4 }));
    target.settle();
    source.desired(send({ generation: 5 }));
    untilBegun(source);
    target.crash();
    target.settle(10_000);
    t.equal(target.state(uid), 'preparing');
    source.endMove(uid, 'arrived');
    target.settle();
    t.match(seen(target), { state: 'running', term: 4, generation: 4 });
    t.same(
      target.host.calls.map(({ call }) => call),
      ['createVolume'],
      'it was not taken for an old one',
    );
  },
);

t.test('O2: a take-over is on disk before the domain is marked with the new term', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  source.settle();
  while (target.pending[0]?.effect.kind !== 'record') target.perform();
  t.match(target.disk.permits[0], { phase: 'defined', term: 2 });
  t.match(target.host.inspect(uid)?.metadata, { term: 1 });
});

t.test('O4: what arrives is left alone until it runs, and called being prepared', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  const calls = target.host.calls.length;
  target.settle(30_000);
  t.match(seen(target), { state: 'preparing', term: 2 });
  t.equal(target.host.calls.length, calls);
  t.match(seen(source), { state: 'running', generation: 1 });
  source.endMove(uid, 'arrived');
  target.settle();
  t.match(seen(target), { state: 'running', term: 2, generation: 2 });
});

t.test(
  'a hand-over that fails leaves the VM where it was, and is not tried again for that word',
  async (t) => {
    const { network, source, target } = pair();
    network.cut(uriOf.h2);
    source.desired(send());
    source.settle();
    t.match(seen(source), {
      state: 'running',
      term: 1,
      generation: 1,
      toldGeneration: 3,
      error: { code: 13, message: `unable to connect to ${uriOf.h2}` },
    });
    source.poll();
    source.advance(600_000);
    source.settle();
    t.equal(moves(source), 1);
    t.equal(source.disk.permits[0]?.handover, null, 'it is known to be here');
    source.desired(run({ generation: 4 }));
    source.settle();
    t.match(seen(source), { state: 'running', generation: 4, error: null });
    target.desired(run({ role: 'released', term: 2, generation: 4 }));
    target.settle();
    t.match(seen(target), { state: 'absent', term: 2, generation: 4 });
    network.join(uriOf.h2, target.host);
    source.desired(send({ generation: 5 }));
    source.settle();
    t.equal(moves(source), 2, 'another word is another attempt');
  },
);

t.test('a hand-over is called off by a newer word, and what is true is said', async (t) => {
  for (const [end, state, generation] of [
    ['failed', 'running', 4],
    ['arrived', 'missing', 0],
    ['arrived and left a domain', 'missing', 1],
  ] as const) {
    const { source, target } = pair();
    source.desired(send());
    untilBegun(source);
    source.desired(run({ generation: 4 }));
    t.ok(source.isCalledOff(uid));
    source.endMove(uid, end);
    source.settle();
    target.settle();
    t.match(seen(source), { state, generation, error: null }, end);
    t.equal(Number(runsOn(source)) + Number(runsOn(target)), 1, `${end}: it runs once`);
    source.desired(run({ role: 'stopped', generation: 5 }));
    source.settle();
    source.desired(run({ generation: 6 }));
    source.settle();
    if (end !== 'failed') t.equal(starts(source), 1, `${end}: never made or started again under that term`);
    t.same(source.violations, []);
  }
});

t.test('under its term nothing brings a VM back that was handed over', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  source.settle();
  target.settle();
  for (const [index, role] of (['run', 'stopped', 'run', 'send', 'receive'] as const).entries()) {
    source.desired(send({ role, generation: 4 + index }));
    source.crash();
    source.settle();
    t.match(seen(source), { state: 'absent', term: 1 }, role);
  }
  t.equal(starts(source), 1);
  t.equal(source.host.inspect(uid), null);
  source.desired(run({ term: 3, generation: 10 }));
  source.settle();
  t.equal(source.state(uid), 'running', 'a newer one does');
});

t.test(
  'a hand-over that outlives its agent is waited for by the next one, and not begun twice',
  async (t) => {
    for (const end of ['arrived', 'failed'] as const) {
      const { source, target } = pair();
      source.desired(send());
      untilBegun(source);
      source.crash();
      source.settle(10_000);
      t.match(seen(source), { state: 'running', generation: 1, error: null, progress: 'moving to h2, 0 %' });
      source.host.setPower(uid, { kind: 'paused', reason: 'migration' });
      source.settle(10_000);
      t.match(seen(source), { state: 'running', error: null }, 'the switch-over is no trouble');
      source.host.setPower(uid, { kind: 'running' });
      t.equal(moves(source), 1);
      source.host.slowMoves = false;
      source.endMove(uid, end);
      source.settle();
      target.settle();
      t.match(seen(source), { state: 'absent', generation: 3 });
      t.match(seen(target), { state: 'running', term: 2 });
      t.equal(moves(source), end === 'arrived' ? 1 : 2, 'what failed while nobody looked is begun again');
    }
  },
);

t.test('a hand-over that outlives its agent is ended when it is not wanted any more', async (t) => {
  for (const [change, state] of [
    [{ generation: 4 }, 'running'],
    [{ role: 'stopped', generation: 4, stopForced: true }, 'stopped'],
    [{ role: 'deleted', generation: 4 }, 'absent'],
    [{ role: 'released', generation: 4, term: 3 }, 'absent'],
  ] as const) {
    const { source, target } = pair();
    source.desired(send());
    untilBegun(source);
    source.crash();
    source.desired(run(change));
    source.settle();
    target.settle();
    t.equal(source.state(uid), state);
    t.equal(runsOn(target), false, 'it did not go there');
    t.same(source.violations, []);
  }
});

t.test('a hand-over to somebody else ends the one that was begun', async (t) => {
  const { source } = pair();
  source.desired(send());
  untilBegun(source);
  source.crash();
  const third = 'qemu+tls://h3.dc/system';
  source.desired(send({ generation: 4, peer: 'hosts/h3', peerUri: third }));
  source.settle();
  t.match(seen(source), {
    state: 'running',
    toldGeneration: 4,
    error: { message: `unable to connect to ${third}` },
  });
});

t.test('a VM that is deleted while it moves is called off first, and then deleted', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  source.desired(run({ role: 'deleted', generation: 4 }));
  t.ok(source.isCalledOff(uid));
  t.ok(runsOn(source), 'not before it has ended');
  source.endMove(uid, 'failed');
  source.settle();
  t.match(seen(source), { state: 'absent', generation: 4 });
  t.equal(source.host.volumeExists({ uid, poolPath }), false);
  t.equal(target.host.inspect(uid), null);
});

t.test('a daemon that died before it forgot the domain: it is taken away, and never its disk', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  source.endMove(uid, 'arrived and left a domain');
  source.settle();
  target.settle();
  t.match(seen(source), { state: 'absent', generation: 3 });
  t.equal(source.host.inspect(uid), null);
  t.equal(source.host.volumeExists({ uid, poolPath }), true);
  t.match(seen(target), { state: 'running', term: 2 });
});

t.test('what a call that came late defines here, of a VM that has left, is taken away', async (t) => {
  const reasons = ['unknown', 'shutdown'] as const;
  const words = [send(), run({ generation: 4 })];
  for (const [word, reason] of words.flatMap((word) => reasons.map((reason) => [word, reason] as const))) {
    const { source, target } = pair();
    const [domain] = source.host.content().domains;
    target.desired(receive());
    source.desired(send());
    source.settle();
    target.settle();
    t.match(seen(source), { state: 'absent' });
    source.host.put({ ...(domain as FakeDomain), power: { kind: 'off', reason } });
    source.desired(word);
    source.settle();
    t.equal(source.host.inspect(uid), null, `${word.role}, off by ${reason}`);
    t.match(seen(source), { state: 'absent' });
    t.match(source.disk.permits[0], { phase: 'gone', handover: { term: 1 } });
    t.ok(source.host.volumeExists({ uid, poolPath }));
    t.ok(runsOn(target));
    t.equal(starts(source), 1);
    t.same([...source.violations, ...target.violations], []);
  }
});

t.test('a copy that is left paused is said to be, and taken away when the other host has it', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  source.endMove(uid, 'arrived and left it paused');
  source.settle(60_000);
  target.settle();
  t.match(seen(source), {
    state: 'paused',
    generation: 1,
    toldGeneration: 3,
    error: { message: /^its hand-over has ended in between: it is not resumed here$/ },
  });
  t.ok(runsOn(target));
  t.equal(moves(source), 1, 'it is not handed over again');
  source.desired(run({ role: 'released', generation: 4, stopForced: true }));
  source.settle();
  t.match(seen(source), { state: 'absent', generation: 4 });
  t.equal(source.host.inspect(uid), null);
  t.equal(source.host.volumeExists({ uid, poolPath }), true, 'its disk is in use');
  t.ok(runsOn(target));
});

t.test('a copy that is left paused, and that nobody else has, starts again from its disk', async (t) => {
  const { source } = pair();
  source.desired(send());
  untilBegun(source);
  source.endMove(uid, 'failed and left it paused');
  source.settle(60_000);
  source.desired(run({ generation: 4 }));
  source.settle(60_000);
  t.match(seen(source), {
    state: 'paused',
    toldGeneration: 4,
    error: { message: /is not resumed here/ },
  });
  source.desired(run({ role: 'stopped', generation: 5, stopForced: true }));
  source.settle();
  t.match(seen(source), { state: 'missing' });
  source.desired(run({ term: 2, generation: 6 }));
  source.settle();
  t.match(seen(source), { state: 'running', term: 2, generation: 6 });
});

t.test('O2: what is off after a hand-over that nobody saw the end of is never started', async (t) => {
  const { source } = pair();
  source.desired(send());
  untilBegun(source);
  source.endMove(uid, 'arrived and left a domain');
  // The daemon was restarted, and has forgotten why it is off.
  source.host.powerOff(uid, 'unknown');
  source.crash();
  source.settle();
  t.match(seen(source), { state: 'missing', error: null });
  source.desired(run({ generation: 4 }));
  source.settle();
  t.match(seen(source), { state: 'missing' });
  t.equal(starts(source), 1);
});

t.test('where a paused one is, is heard with the word that calls its move off', async (t) => {
  const { source } = pair();
  source.host.setPower(uid, { kind: 'paused', reason: 'I/O error' });
  source.desired(send());
  source.settle();
  t.match(seen(source), { state: 'paused', generation: 1 }, 'it is not handed over');
  source.desired(run({ generation: 4 }));
  source.settle();
  t.match(seen(source), { state: 'paused', generation: 4 });
  t.equal(source.host.inspect(uid)?.power.kind, 'paused', 'O4: and left as it is');
  source.desired(run({ generation: 5, size: { vcpus: 2, memoryMib: 256, diskMib: 1024 } }));
  source.settle();
  t.match(seen(source), { state: 'paused', generation: 4 }, 'another size it has when it runs again');
});

t.test('a VM that does not run is not handed over, and called what it is', async (t) => {
  const cases = [
    [{ kind: 'off', reason: 'shutdown' }, {}, 'guestShutdown'],
    [{ kind: 'off', reason: 'shutdown' }, { restartsAfterGuestShutdown: true }, 'crashed'],
    [{ kind: 'off', reason: 'crashed' }, {}, 'crashed'],
    [{ kind: 'off', reason: 'unknown' }, {}, 'stopped'],
    [{ kind: 'paused', reason: 'I/O error' }, {}, 'paused'],
  ] as const;
  for (const [power, change, state] of cases) {
    const { source } = pair();
    source.converger.unavailable(source.now);
    source.host.setPower(uid, power);
    source.desired(send(change));
    source.comeBack();
    source.settle();
    t.match(seen(source), { state, error: null }, JSON.stringify(power));
    t.equal(moves(source), 0);
    t.equal(starts(source), 1);
  }
  const { source } = pair();
  source.host.lose(uid);
  source.desired(send());
  source.settle();
  t.equal(source.state(uid), 'missing', 'it was never handed over');
});

t.test('a guest that shuts down on its way has ended here', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  source.host.powerOff(uid, 'shutdown');
  source.endMove(uid, 'failed');
  source.settle();
  t.match(seen(source), { state: 'guestShutdown' });
  t.equal(target.host.inspect(uid), null);
  source.desired(run({ generation: 4 }));
  source.settle();
  t.equal(source.state(uid), 'running', 'so it may be started here');
});

t.test(
  'after a boot nothing of a VM that restarts elsewhere is handed over or taken away unasked',
  async (t) => {
    const network = new FakeNetwork();
    const source = place(new World());
    network.join(uriOf.h1, source.host);
    source.desired(run({ restartsElsewhere: true }));
    source.settle();
    source.desired(send({ restartsElsewhere: true }));
    while (source.disk.permits[0]?.desired.role !== 'send') source.perform();
    source.reboot();
    source.settle();
    t.match(seen(source), { state: 'stopped', progress: /waits for the scheduler/ });
    t.equal(moves(source), 0);
    t.equal(starts(source), 1);
    t.same(source.violations, []);
  },
);

t.test('what came in part, and is off after a boot, is not said to have arrived', async (t) => {
  const network = new FakeNetwork();
  const source = place(new World());
  const target = place(new World());
  network.join(uriOf.h1, source.host);
  network.join(uriOf.h2, target.host);
  source.desired(run({ restartsElsewhere: true }));
  source.settle();
  target.desired(receive({ restartsElsewhere: true }));
  target.settle();
  source.desired(send({ restartsElsewhere: true }));
  untilBegun(source);
  target.host.setPower(uid, { kind: 'running' });
  target.reboot();
  target.settle();
  t.match(seen(target), { state: 'preparing', progress: /waits for the scheduler/ });
  t.equal(target.host.inspect(uid)?.power.kind, 'off', 'and is left alone');
});

t.test('a guest that an error of its disk pauses where it arrives has arrived', async (t) => {
  const { source, target } = pair();
  target.desired(receive());
  source.desired(send());
  untilBegun(source);
  target.settle(10_000);
  t.match(seen(target), { state: 'preparing' }, 'it is on its way');
  source.endMove(uid, 'arrived and left it paused');
  target.host.setPower(uid, { kind: 'paused', reason: 'I/O error' });
  target.settle(10_000);
  t.match(seen(target), { state: 'paused', term: 2 });
});

t.test('a VM whose disk is not there is refused, and awaited when it is asked for again', async (t) => {
  const world = new World();
  world.desired(receive());
  world.settle();
  t.match(seen(world), {
    state: 'refused',
    term: 2,
    generation: 3,
    error: { code: 9, message: /not in the shared pool \/pools\/a/ },
  });
  place(world);
  world.desired(receive({ generation: 4 }));
  world.settle();
  t.match(seen(world), { state: 'awaited', generation: 4, error: null });
  t.same(
    world.host.calls.map(({ call }) => call),
    ['createVolume'],
    'and nothing was touched',
  );
});

t.test('what has parts of its host to itself neither goes nor comes', async (t) => {
  const hardware = { extras: {}, hugepageKib: 2048, cells: [], dedicatedCpus: false };
  const { source, target } = pair();
  target.desired(receive({ term: 3, generation: 4, hardware }));
  target.settle();
  t.match(seen(target), { state: 'refused', error: { code: 9, message: /to itself/ } });
  source.desired(send({ hardware }));
  source.settle();
  t.match(seen(source), { state: 'running', toldGeneration: 3, error: { code: 9, message: /to itself/ } });
  t.equal(moves(source), 0);
});

t.test('a host that does not have the VM cannot hand it over', async (t) => {
  const world = new World();
  world.desired(send());
  world.settle();
  t.match(seen(world), { state: 'refused', error: { code: 9, message: /not on this host/ } });
});

t.test('what is left of an earlier stay is taken away first, and its disk is not', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  source.settle();
  target.settle();
  target.desired(run({ term: 2, generation: 4 }));
  target.settle();
  target.host.powerOff(uid, 'crashed');
  target.disk = { epoch: null, checkpoint: null, permits: [] };
  target.crash();
  target.desired(receive({ term: 5, generation: 9 }));
  target.settle();
  t.match(seen(target), { state: 'awaited', term: 5, generation: 9 });
  t.equal(target.host.inspect(uid), null);
  t.equal(target.host.volumeExists({ uid, poolPath }), true);
});

t.test('a VM that goes off after it was taken over is called what it is', async (t) => {
  for (const [end, state] of [
    [{ kind: 'off', reason: 'shutdown' }, 'guestShutdown'],
    [{ kind: 'off', reason: 'crashed' }, 'crashed'],
    [{ kind: 'paused', reason: 'I/O error' }, 'paused'],
  ] as const) {
    const { source, target } = pair();
    source.desired(send());
    source.settle();
    target.settle();
    target.host.setPower(uid, end);
    target.settle();
    t.match(seen(target), { state, term: 2, generation: 2 });
    t.equal(starts(target), 0);
  }
  const { source, target } = pair();
  source.desired(send());
  source.settle();
  target.settle();
  target.host.lose(uid);
  target.settle();
  t.equal(target.state(uid), 'missing');
});

t.test('a VM that is half arrived is taken away when it is not to come, and its disk is not', async (t) => {
  const { source, target } = pair();
  source.desired(send());
  untilBegun(source);
  target.settle(1_000);
  target.desired(run({ role: 'released', term: 2, generation: 4 }));
  target.settle();
  t.match(seen(target), { state: 'absent', generation: 4 });
  t.equal(target.host.inspect(uid), null);
  t.equal(target.host.volumeExists({ uid, poolPath }), true);
});

t.test('a VM in the middle of its way may be told to run before anybody has seen it there', async (t) => {
  const { source, target } = pair();
  target.crash();
  source.desired(send());
  source.settle();
  target.desired(run({ term: 2, generation: 4 }));
  target.settle();
  t.match(seen(target), { state: 'running', term: 2, generation: 4 });
  t.equal(starts(target), 0);
});

t.test('a crash of either agent at any effect of a move leads to the same end', async (t) => {
  const effects = 24;
  for (let at = 0; at < effects; at++) {
    for (const lose of [true, false]) {
      for (const victim of ['source', 'target'] as const) {
        const worlds = pair();
        const { source, target } = worlds;
        const words = { source: send(), target: receive() };
        const dies = worlds[victim];
        source.desired(words.source);
        target.desired(words.target);
        for (let step = 0; step < at; step++) {
          const turn = step % 2 === 0 ? source : target;
          turn.perform();
        }
        if (lose) dies.perform(0, true);
        else dies.crash();
        dies.desired(words[victim]);
        source.settle();
        target.settle();
        const what = `${victim} ${lose ? 'loses an answer' : 'is killed'} at effect ${at}`;
        t.match(seen(source), { state: 'absent', term: 1, generation: 3 }, what);
        t.match(seen(target), { state: 'running', term: 2, generation: 3 }, what);
        t.equal(starts(source) + starts(target), 1, `${what}: started once`);
        t.ok(!runsOn(source) && runsOn(target), `${what}: runs once`);
        t.same([...source.violations, ...target.violations], [], what);
      }
    }
  }
});

t.test(
  'a move that is called off at any effect leaves one running copy, and both hosts say where',
  async (t) => {
    for (let at = 0; at < 24; at++) {
      for (const dies of [true, false]) {
        const { source, target } = pair();
        source.desired(send());
        target.desired(receive());
        for (let step = 0; step < at; step++) source.perform();
        if (dies) source.crash();
        source.desired(run({ generation: 4 }));
        source.settle();
        target.settle();
        const what = `called off at effect ${at}${dies ? ', with a crash' : ''}`;
        t.equal(Number(runsOn(source)) + Number(runsOn(target)), 1, what);
        t.match(seen(source)?.state ?? '', runsOn(source) ? /^running$/ : /^(missing|absent)$/, what);
        t.equal(target.state(uid), runsOn(target) ? 'running' : 'awaited', what);
        t.same([...source.violations, ...target.violations], [], what);
      }
    }
  },
);

t.test(
  'whoever is told that it does not come says so as long as it cannot look, and until it is done',
  async (t) => {
    const { target } = pair();
    const told = () => target.converger.observations().find((one) => one.uid === uid);
    t.equal(told()?.released, undefined);
    target.goAway();
    target.desired(run({ role: 'released', term: 2, generation: 4 }));
    t.match(told(), { state: 'awaited', released: true }, 'nobody has looked since');
    target.comeBack();
    target.settle();
    t.match(told(), { state: 'absent', generation: 4 });
    t.equal(told()?.released, undefined, 'it has answered');
  },
);

t.test('a VM that is taken away where it is about to arrive runs on where it is', async (t) => {
  const { source, target } = pair();
  target.desired(receive());
  source.desired(send());
  untilBegun(source);
  target.host.destroy(uid);
  t.equal(target.host.inspect(uid), null);
  t.equal(source.host.leaving(uid), null);
  t.ok(runsOn(source));
});
