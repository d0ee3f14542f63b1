/** One pool's files hang: who waits then, and who does not. Calls that hang are promises here that a test ends when it likes. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import t from 'tap';
import type { Effect } from '../../agent/converge/effects.js';
import { Executor, type ExecutorParts } from '../../agent/executor.js';
import { fileThreads, presentThreads } from '../../agent/file-threads.js';
import { FakeHypervisor } from '../../agent/hypervisor/fake/fake-hypervisor.js';
import type { Hypervisor, VolumeRef } from '../../agent/hypervisor/hypervisor.js';
import { PoolLanes, placesOfPool, placesOfSharedPools } from '../../agent/pool-lanes.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const quiet = () => undefined;
const never = new AbortController().signal;
const backing = { path: '/image', format: 'qcow2' as const };

/** What needs the files of a pool. */
const volumeEffects = (volume: VolumeRef): Effect[] => [
  { kind: 'volumeExists', volume },
  { kind: 'expect', volume },
  { kind: 'createVolume', request: { ...volume, sizeMib: 64, backing } },
  { kind: 'growVolume', volume, sizeMib: 64 },
  { kind: 'trashVolume', volume },
  { kind: 'removeVolume', volume },
];
const start = ({ uid, poolPath }: VolumeRef): Effect => ({ kind: 'start', uid, term: 1, poolPath });

async function setUp(change: Partial<ExecutorParts> = {}) {
  const fake = new FakeHypervisor();
  fake.open(quiet);
  await until('available', () => fake.availability().available);
  /** Calls that hang, by pool. */
  const hanging = new Map<string, (() => void)[]>();
  const poolOf = new Map<string, string>();
  const hang = (poolPath: string) =>
    new Promise<void>((resolve) => hanging.set(poolPath, [...(hanging.get(poolPath) ?? []), resolve]));
  /** Calls for what is in a pool whose path begins so hang. */
  const hypervisor: Hypervisor = new Proxy<Hypervisor>(fake, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const [first] = args as [string | VolumeRef | undefined];
        const poolPath = typeof first === 'string' ? poolOf.get(first) : first?.poolPath;
        const needsFiles = typeof first === 'object' || name === 'start';
        if (needsFiles && poolPath?.startsWith('/hung')) await hang(poolPath);
        return Reflect.apply(member, target, args);
      };
    },
  });
  const pools = new PoolLanes();
  const absent = {} as Pick<ExecutorParts, 'images' | 'writer'>;
  const trash = { throwAway: (volume: VolumeRef) => hypervisor.trashVolume(volume, Date.now()) };
  const log = pino({ level: 'silent' });
  const migration = { uri: 'qemu+tls://h1.dc/system', peers: [] };
  const executor = new Executor({ ...absent, pools, hypervisor, trash, log, migration, ...change });
  const vm = (number: number, poolPath: string): VolumeRef => {
    const uid = uidOf(number);
    poolOf.set(uid, poolPath);
    return { uid, poolPath };
  };
  const run = (effect: Effect) => executor.run(effect, quiet, never);
  const thaw = () => {
    const calls = [...hanging.values()].flat();
    hanging.clear();
    for (const end of calls) end();
  };
  /** Waits until nothing begins any more, and says how many calls hang in each pool. */
  const stuck = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    return new Map([...hanging].map(([path, calls]) => [path, calls.length]));
  };
  return { executor, run, vm, stuck, thaw };
}

t.test('while calls for the files of a pool hang, all others are carried out', async (t) => {
  const { run, vm, stuck, thaw } = await setUp();
  const hung = Array.from({ length: 40 }, (_, number) => vm(number, '/hung'));
  const waiting = hung.flatMap((each) => [...volumeEffects(each), start(each)].map(run));
  const all = Promise.all(waiting);
  const held = (await stuck()).get('/hung') ?? 0;
  t.ok(held > 0 && held <= placesOfPool + 8, `${held} of ${waiting.length} are under way`);

  for (const [number, poolPath] of [
    [100, ''],
    [101, '/well'],
  ] as const) {
    const volume = vm(number, poolPath);
    const { uid } = volume;
    const metadata = { uid, term: 1, generation: 1, specHash: '', rebootCount: 0 };
    const blueprint = { ...volume, name: `a${number}`, title: '', vcpus: 1, memoryMib: 64, metadata };
    const life: Effect[] = [
      { kind: 'inspect', uid },
      { kind: 'volumeExists', volume },
      { kind: 'createVolume', request: { ...volume, sizeMib: 64, backing } },
      { kind: 'growVolume', volume, sizeMib: 128 },
      { kind: 'define', blueprint },
      start(volume),
      { kind: 'record', uid, metadata },
      { kind: 'reboot', uid },
      { kind: 'leaving', uid },
      { kind: 'shutdown', uid },
      { kind: 'destroy', uid },
      { kind: 'undefine', uid },
      { kind: 'trashVolume', volume },
      { kind: 'removeVolume', volume },
    ];
    for (const effect of life) {
      const result = await Promise.race([run(effect), stuck()]);
      t.match(result, { ok: true }, `${effect.kind} in ${poolPath || "the host's own pool"}`);
    }
  }
  // A VM whose disk hangs can still be looked at, and unplugged.
  const uid = hung[0]?.uid ?? '';
  t.match(await Promise.race([run({ kind: 'inspect', uid }), stuck()]), { ok: true });
  t.match(await Promise.race([run({ kind: 'destroy', uid }), stuck()]), { ok: true });

  let over = false;
  const ended = all.finally(() => {
    over = true;
  });
  await until('all have ended', () => {
    thaw();
    return over;
  });
  t.equal((await ended).length, waiting.length);
});

t.test(
  'looking, making and taking away do not wait for one another in a pool that is only slow',
  async (t) => {
    const { run, vm, stuck, thaw } = await setUp();
    const one = vm(1, '/hung');
    const makes = Array.from({ length: 20 }, () => run({ kind: 'growVolume', volume: one, sizeMib: 64 }));
    const makesUnderWay = (await stuck()).get('/hung') ?? 0;
    t.ok(makesUnderWay < makes.length);
    void run({ kind: 'volumeExists', volume: one });
    t.equal((await stuck()).get('/hung'), makesUnderWay + 1);
    void run({ kind: 'trashVolume', volume: one });
    t.equal((await stuck()).get('/hung'), makesUnderWay + 2);
    await until('all have ended', async () => {
      thaw();
      return (await stuck()).size === 0;
    });
  },
);

t.test('however many pools hang, there are threads left, and the own pool has its own', async (t) => {
  const { run, vm, stuck, thaw } = await setUp();
  const pools = 2 * (placesOfSharedPools / placesOfPool);
  const waiting = Array.from({ length: pools * 20 }, (_, number) =>
    volumeEffects(vm(number, `/hung/${number % pools}`)).map(run),
  ).flat();
  const held = [...(await stuck()).values()].reduce((sum, calls) => sum + calls, 0);
  t.equal(held, placesOfSharedPools);
  t.ok(held + placesOfPool < fileThreads);
  const own = await Promise.race([run({ kind: 'volumeExists', volume: vm(9_000, '') }), stuck()]);
  t.match(own, { ok: true });
  await until('all have ended', async () => {
    thaw();
    return (await stuck()).size === 0;
  });
  t.equal((await Promise.all(waiting)).length, waiting.length);
});

t.test('people are told which pool a VM waits for', async (t) => {
  const { executor, vm, stuck, thaw } = await setUp({ poolPatienceMs: 1 });
  const told: string[] = [];
  const effect: Effect = { kind: 'trashVolume', volume: vm(1, '/hung/a') };
  const result = executor.run(effect, (text) => told.push(text), never);
  t.equal((await stuck()).get('/hung/a'), 1);
  await until('it is said', () => told.length > 0);
  t.same(told, ['waits for the shared pool /hung/a']);
  thaw();
  t.match(await result, { ok: true });
});

t.test('the command starts the agent with as many threads as its file calls may need', async (t) => {
  const command = readFileSync(new URL('../../../deploy/bin/secovia-agent', import.meta.url), 'utf8');
  const [, threads] = /^UV_THREADPOOL_SIZE=(\d+) exec node /m.exec(command) ?? [];
  t.equal(Number(threads), fileThreads);
  t.ok(fileThreads <= 1024, 'Node takes no more');
  t.equal(presentThreads({ UV_THREADPOOL_SIZE: threads }), fileThreads);
  t.equal(presentThreads({}), 4);
});
