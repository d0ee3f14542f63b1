/**
 * Whatever happens in whatever order (words of the scheduler, crashes of the agent between any two effects, guests
 * that die, a hypervisor that goes away, calls that fail or never answer), no rule is broken on the way, and when
 * it is quiet again every VM is what was asked for last.
 */
import fc from 'fast-check';
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import type { FaultKind } from '../../agent/converge/effects.js';
import type { VmObservation } from '../../agent/converge/observation.js';
import { uidOf, wanted, World } from './world.js';

const vmCount = 3;
const shared = 3;
const vm = fc.integer({ min: 1, max: vmCount });

type Happening =
  | {
      kind: 'want';
      vm: number;
      role: 'run' | 'stopped' | 'deleted' | 'released';
      moves: boolean;
      disk: number;
      vcpus: number;
      memory: number;
    }
  | { kind: 'reboot'; vm: number; forced: boolean }
  | { kind: 'repeatOldWord'; vm: number; back: number }
  | { kind: 'perform'; place: number; lose: boolean }
  | { kind: 'performMany'; count: number }
  | { kind: 'crash' }
  /** The machine loses its power; with `moves` a VM of the shared pool lives elsewhere when it is back. */
  | { kind: 'reboot of the machine'; moves: boolean }
  | { kind: 'time'; ms: number }
  | { kind: 'guest'; vm: number; does: 'crashes' | 'shutsDown' | 'pauses' | 'vanishes' | 'turnsDeaf' }
  | { kind: 'away' }
  | { kind: 'back' }
  | { kind: 'poll' }
  | {
      kind: 'fault';
      effect: 'fetchImage' | 'createVolume' | 'growVolume' | 'addVcpus' | 'define' | 'start' | 'record';
      fault: FaultKind;
    };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('perform' as const), place: fc.nat(9), lose: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('performMany' as const),
      count: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('want' as const),
      vm,
      role: fc.constantFrom('run', 'run', 'stopped', 'deleted', 'released'),
      moves: fc.boolean(),
      disk: fc.constantFrom(1024, 2048),
      vcpus: fc.constantFrom(1, 1, 2, 8),
      memory: fc.constantFrom(128, 128, 256),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reboot' as const), vm, forced: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeatOldWord' as const), vm, back: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reboot of the machine' as const), moves: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 500, 5_000, 70_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('guest' as const),
      vm,
      does: fc.constantFrom('crashes', 'shutsDown', 'pauses', 'vanishes', 'turnsDeaf'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'away' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'back' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'poll' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      effect: fc.constantFrom(
        'fetchImage',
        'createVolume',
        'growVolume',
        'addVcpus',
        'define',
        'start',
        'record',
      ),
      fault: fc.constantFrom<FaultKind>('failed', 'timeout', 'invalid', 'noSpace', 'unavailable'),
    }),
  },
);

/** A scheduler that keeps its own rules: generations grow, and so do terms when a VM changes hosts. */
class Scheduler {
  readonly words = new Map<number, VmDesired[]>();

  latest(number: number): VmDesired | undefined {
    return this.words.get(number)?.at(-1);
  }

  next(number: number, change: Partial<VmDesired>, moves: boolean): VmDesired {
    const last = this.latest(number);
    const takenAway = last?.role === 'deleted' || last?.role === 'released';
    const word = wanted({
      ...(last ?? natureOf(number)),
      uid: uidOf(number),
      generation: (last?.generation ?? 0) + 1,
      // A VM that left comes back only under a new term, and another host had it in between.
      term: (last?.term ?? 1) + (last !== undefined && (moves || takenAway) ? (takenAway ? 2 : 1) : 0),
      ...change,
    });
    this.words.set(number, [...(this.words.get(number) ?? []), word]);
    return word;
  }

  /** Another host has the VM from now on. What was said before is never said again. */
  moveAway(world: World, number: number): void {
    const last = this.latest(number) ?? this.next(number, {}, false);
    const { uid, storagePoolPath: poolPath } = last;
    world.elsewhere.add(uid);
    // Made there, if it had none.
    if (!world.host.volumeExists({ uid, poolPath })) {
      world.host.createVolume({ uid, poolPath, sizeMib: 1024, backing: { path: '/image', format: 'qcow2' } });
    }
    const word = this.next(number, { role: 'released', diskExists: true }, true);
    this.words.set(number, [word]);
  }
}

/** The first stays on its host, the second is rebuilt elsewhere, the third restarts elsewhere from a shared pool. */
const natureOf = (number: number): Partial<VmDesired> => ({
  restartsElsewhere: number > 1,
  storagePoolPath: number === shared ? '/pools/a' : '',
});

function happen(world: World, scheduler: Scheduler, event: Happening): void {
  switch (event.kind) {
    case 'want': {
      const size = { vcpus: event.vcpus, memoryMib: event.memory, diskMib: event.disk };
      const uid = uidOf(event.vm);
      const takesAway = event.role === 'deleted' || event.role === 'released';
      // What is elsewhere is deleted there.
      if (takesAway && world.elsewhere.has(uid)) return;
      // A volume of a shared pool goes for good with its VM.
      if (event.vm === shared && scheduler.latest(shared)?.role === 'deleted') return;
      const diskExists = world.elsewhere.delete(uid) || (scheduler.latest(event.vm)?.diskExists ?? false);
      const change = { role: event.role, size, diskExists: diskExists && event.role !== 'deleted' };
      world.desired(scheduler.next(event.vm, change, event.moves));
      return;
    }
    case 'reboot': {
      const last = scheduler.latest(event.vm);
      if (last?.role !== 'run') return;
      const change = { rebootCount: last.rebootCount + 1, rebootForced: event.forced };
      world.desired(scheduler.next(event.vm, change, false));
      return;
    }
    case 'repeatOldWord': {
      const word = scheduler.words.get(event.vm)?.at(-1 - event.back);
      if (word !== undefined) world.desired(word);
      return;
    }
    case 'perform':
      world.perform(event.place, event.lose);
      return;
    case 'performMany':
      for (let times = 0; times < event.count; times++) world.perform(times);
      return;
    case 'crash':
      world.crash();
      return;
    case 'reboot of the machine':
      world.reboot();
      // Its host hears of it later. What is being deleted is not restarted.
      if (event.moves && scheduler.latest(shared)?.role !== 'deleted') scheduler.moveAway(world, shared);
      return;
    case 'time':
      world.advance(event.ms);
      return;
    case 'away':
      world.goAway();
      return;
    case 'back':
      world.comeBack();
      return;
    case 'poll':
      world.poll();
      return;
    case 'fault':
      world.fail(event.effect, { kind: event.fault, message: 'happens' });
      return;
    case 'guest': {
      const uid = uidOf(event.vm);
      const power = world.host.inspect(uid)?.power;
      if (power === undefined) return;
      if (event.does === 'vanishes') world.host.lose(uid);
      else if (event.does === 'turnsDeaf') world.host.deaf.add(uid);
      else if (power.kind !== 'running') return;
      else if (event.does === 'crashes') world.host.powerOff(uid, 'crashed');
      else if (event.does === 'shutsDown') world.host.powerOff(uid, 'shutdown');
      else world.host.setPower(uid, { kind: 'paused', reason: 'I/O error' });
    }
  }
}

/** States in which a VM may legitimately end, by what was asked for last. */
const ends: Record<VmDesired['role'], string[]> = {
  run: ['running', 'missing', 'refused', 'guestShutdown', 'paused'],
  stopped: ['stopped', 'missing', 'refused'],
  deleted: ['absent'],
  released: ['absent'],
  send: [],
  receive: [],
};

/** What is wrong with the size in which a VM that is there has ended, when all was said and done; null when nothing is. */
function wrongSize(world: World, last: VmDesired, seen: VmObservation | undefined): string | null {
  const domain = world.host.content().domains.find((one) => one.uid === last.uid);
  const isDone = seen?.state === 'running' || seen?.state === 'stopped';
  if (domain === undefined || !isDone || last.size === null) return null;
  if (seen.generation !== last.generation) return `generation ${seen.generation}, not ${last.generation}`;
  const { vcpus, memoryMib, diskMib } = last.size;
  if (domain.vcpus !== vcpus || domain.memoryMib !== memoryMib) return 'it is not defined in its size';
  const volumeMib = world.host.volumeSizeMib({ uid: last.uid, poolPath: last.storagePoolPath }) ?? 0;
  if (volumeMib < diskMib) return `its disk has ${volumeMib} MiB`;
  const said = { ...(domain.running ?? domain), diskMib: volumeMib };
  const same = (['vcpus', 'memoryMib', 'diskMib'] as const).every((part) => seen.size?.[part] === said[part]);
  return same ? null : `said to have ${JSON.stringify(seen.size)}`;
}

t.test('no order of events breaks a rule, and all of them end well', async (t) => {
  fc.assert(
    fc.property(fc.array(happening, { minLength: 5, maxLength: 80 }), (events) => {
      const world = new World();
      world.host.addForeign(uidOf(9), 'foreign');
      const scheduler = new Scheduler();
      for (const event of events) happen(world, scheduler, event);
      // Quiet: the scheduler says everything once more, as after every Welcome, and nothing fails any more.
      world.faults.clear();
      world.comeBack();
      world.settle(3_600_000);
      for (const number of scheduler.words.keys()) {
        const last = scheduler.latest(number);
        if (last !== undefined) world.desired(last);
      }
      world.settle(3_600_000);
      const problems = [...world.violations];
      for (const number of scheduler.words.keys()) {
        const last = scheduler.latest(number);
        const seen = world.observations.get(uidOf(number));
        if (last === undefined) continue;
        if (!ends[last.role].includes(seen?.state ?? '')) problems.push(`${last.role} ended ${seen?.state}`);
        if (seen?.term !== last.term) problems.push(`term ${seen?.term} instead of ${last.term}`);
        const running = world.host.inspect(uidOf(number))?.power.kind === 'running';
        if ((seen?.state === 'running') !== running)
          problems.push('said to run, and does not, or the reverse');
        const disk = { uid: uidOf(number), poolPath: last.storagePoolPath };
        if (last.role === 'deleted' && world.host.volumeExists(disk)) {
          problems.push('deleted, and its volume is still there');
        }
        if (world.elsewhere.has(uidOf(number)) && !world.host.volumeExists(disk)) {
          problems.push('the disk of a VM that is elsewhere is gone');
        }
        const sizeProblem = wrongSize(world, last, seen);
        if (sizeProblem !== null) problems.push(sizeProblem);
        if (seen?.state === 'refused' && world.host.inspect(uidOf(number)) !== null) {
          problems.push('refused, and its domain is there');
        }
      }
      if (world.host.inspect(uidOf(9))?.power.kind !== 'running')
        problems.push('the foreign domain was touched');
      if (problems.length > 0) throw new Error(problems.join('; '));
    }),
    { numRuns: 3_000 },
  );
  t.pass('3,000 histories');
});

t.test('a crash between any two effects of a creation leads to the same end', async (t) => {
  const effectsOfACreation = 20;
  for (let at = 0; at < effectsOfACreation; at++) {
    for (const lose of [true, false]) {
      const world = new World();
      world.desired(wanted());
      for (let step = 0; step < at; step++) world.perform();
      if (lose) world.perform(0, true);
      else world.crash();
      // The scheduler says it again after Welcome, in case it never got to the disk.
      world.desired(wanted());
      world.settle();
      const what = `${lose ? 'answer lost' : 'killed'} at effect ${at}`;
      t.equal(world.state(uidOf(1)), 'running', what);
      t.same(world.violations, [], what);
      const starts = world.attempts.filter((attempt) => attempt.startsWith('start')).length;
      t.equal(starts, 1, `${what}: started once`);
      const defines = world.attempts.filter((attempt) => attempt.startsWith('define')).length;
      t.ok(defines <= 2, `${what}: defined again only if the first was never known to have worked`);
    }
  }
});
