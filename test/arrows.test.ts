/**
 * Who may look at whom. The house in ARCHITECTURE.md stands on these arrows: the core knows nothing but itself, the
 * agent and the scheduler never meet, and only the wiring files see everything.
 */
import { test } from 'tap';
import { type Import, parse, read, shown, sourcesIn } from './imports.js';

const sources = ['agent', 'scheduler', 'cli', 'proto', 'native'].flatMap(sourcesIn).map(read);
const imports = sources.flatMap((source) => source.imports);
const uses = sources.flatMap((source) => source.uses);

const within = (path: string, ...places: string[]) =>
  places.some((place) => path === place || path.startsWith(`${place}/`));
const isPackage = (path: string) =>
  !within(path, 'agent', 'scheduler', 'cli', 'proto', 'native', 'test', 'deploy', 'package.json');

/** Imports of a place that reach where they may not. */
function strays(place: string, allowed: (one: Import) => boolean, wiring: string[] = []): string[] {
  return imports
    .filter((one) => within(one.from, place) && !wiring.includes(one.from) && !allowed(one))
    .map(shown);
}

/** Places that a place may look at, besides itself, packages, and types of the store's interface. */
function layer(place: string, ...below: string[]): string[] {
  return strays(
    place,
    ({ to, typeOnly }) =>
      isPackage(to) || within(to, place, ...below) || (typeOnly && to === 'scheduler/store/store.ts'),
  );
}

test('the sources are read', async (t) => {
  t.ok(sources.length > 150, `${sources.length} files`);
  t.ok(imports.length > 700, `${imports.length} imports`);
});

test('the reader finds what it is to find', async (t) => {
  const { imports: found, uses: names } = parse(
    'scheduler/core/example.ts',
    `import { a } from './a.js';
     import type { B } from '../api/b.js';
     import { type C, type D } from '../c.js';
     import { type E, f } from 'pkg';
     import 'side-effect';
     export { g } from '../g.js';
     export type { H } from '../h.js';
     const i = await import('../i.js');
     type J = import('../j.js').J;
     new Worker(new URL('./k.js', import.meta.url));
     // Date, process
     const text = 'Date.now()'; const o = { Date: 1, process() {} }; o.Date; x.process;
     Date.now(); Math.random(); Math.max(1); process.env; async () => {};`,
  );
  t.same(
    found.map(({ to, typeOnly }) => [to, typeOnly]),
    [
      ['scheduler/core/a.ts', false],
      ['scheduler/api/b.ts', true],
      ['scheduler/c.ts', true],
      ['pkg', false],
      ['side-effect', false],
      ['scheduler/g.ts', false],
      ['scheduler/h.ts', true],
      ['scheduler/i.ts', false],
      ['scheduler/j.ts', true],
      ['scheduler/core/k.ts', false],
    ],
  );
  t.same(
    names.map(({ name }) => name),
    ['await', 'Date', 'Math.random', 'process', 'async'],
  );
});

test('the core imports nothing but itself', async (t) => {
  t.same(
    strays('scheduler/core', ({ to }) => within(to, 'scheduler/core')),
    [],
  );
});

test('the converger imports nothing but itself, its interfaces, and pure functions of Node', async (t) => {
  const pure = ['node:util', 'node:crypto', 'node:path'];
  t.same(
    strays(
      'agent/converge',
      ({ to, typeOnly }) =>
        within(to, 'agent/converge') ||
        pure.includes(to) ||
        to === 'agent/hypervisor/hypervisor.ts' ||
        (typeOnly && within(to, 'proto')),
    ),
    [],
  );
});

test('a simulation is the core and a text; its command alone sees files and the process', async (t) => {
  const command = 'scheduler/simulate/command.ts';
  const readers = ['yaml', 'zod', 'node:util'];
  const allowed = ({ to }: Import) =>
    readers.includes(to) || within(to, 'scheduler/simulate', 'scheduler/core');
  t.same(strays('scheduler/simulate', allowed, [command]), []);
  t.same(
    strays(command, ({ to }) => within(to, 'scheduler/simulate') || ['commander', 'node:fs'].includes(to)),
    [],
  );
  t.same(
    uses.filter(({ from }) => within(from, 'scheduler/simulate') && from !== command),
    [],
  );
});

const pureFencing = ['fence', 'desk', 'guid', 'method'].map((name) => `agent/fencing/${name}.ts`);

for (const place of [
  'scheduler/core',
  'agent/converge',
  ...pureFencing.slice(0, 2),
  'agent/link/link-machine.ts',
  'agent/core.ts',
]) {
  test(`${place} has no clock, randomness, process, timer or promise`, async (t) => {
    t.same(
      uses.filter(({ from }) => within(from, place)),
      [],
    );
    t.ok(
      sources.some((source) => source.imports.some(({ from }) => within(from, place))),
      'it is there',
    );
  });
}

test('what comes next in a fence is decided without asking anything', async (t) => {
  const allowed = ({ to }: Import) => pureFencing.includes(to) || within(to, 'agent/converge');
  for (const file of pureFencing) t.same(strays(file, allowed), []);
});

test('the layers of the scheduler look down only', async (t) => {
  t.same(layer('scheduler/render', 'scheduler/core', 'proto'), []);
  t.same(layer('scheduler/engine.ts', 'scheduler/core', 'scheduler/timers.ts'), []);
  t.same(layer('scheduler/store', 'scheduler/core'), []);
  const middle = [
    'scheduler/core',
    'scheduler/render',
    'scheduler/engine.ts',
    'scheduler/timers.ts',
    'scheduler/state-walks.ts',
    'proto',
  ];
  t.same(layer('scheduler/api', ...middle), []);
  t.same(layer('scheduler/fleet', ...middle), []);
  t.same(layer('scheduler/telemetry', ...middle, 'scheduler/api/call-observer.ts'), []);
  t.same(layer('scheduler/accounting', 'scheduler/core'), []);
  t.same(layer('scheduler/audit', 'scheduler/core'), []);
  t.same(layer('scheduler/config.ts', 'scheduler/core', 'proto/loopback.ts'), []);
  t.same(layer('scheduler/trust', ...middle, 'scheduler/api'), []);
  t.same(layer('scheduler/replay', 'scheduler/core'), []);
});

test('only the wiring puts the parts of the scheduler together', async (t) => {
  const stores = ['scheduler/store/sqlite', 'scheduler/store/load.ts'];
  const parts = ['scheduler/fleet', 'scheduler/api'];
  const importers = (part: string) =>
    new Set(
      imports.filter(({ from, to }) => within(to, part) && !within(from, part)).map(({ from }) => from),
    );
  // Accounting and audit have threads of their own, which open the store's file for themselves.
  const thread = 'scheduler/accounting-thread.ts';
  const auditThread = 'scheduler/audit-thread.ts';
  const eventThread = 'scheduler/event-thread.ts';
  // Backups are about the store's file itself.
  const isBackup = (file: string) => within(file, 'scheduler/backup');
  for (const part of stores) {
    const others = [...importers(part)].filter(
      (file) => ![thread, auditThread, eventThread].includes(file) && !isBackup(file),
    );
    t.same(others, ['scheduler/opening.ts'], part);
  }
  // Trust is what the API needs of the world outside, and asks for no more than its interfaces.
  const isTrust = (file: string) => within(file, 'scheduler/trust');
  const isTelemetry = (file: string) => within(file, 'scheduler/telemetry');
  for (const part of parts) {
    const others = [...importers(part)].filter((file) => !isTrust(file) && !isTelemetry(file));
    t.same(others, ['scheduler/scheduler.ts'], part);
  }
  const founding = 'scheduler/founding/founding.ts';
  const openers = [...importers('scheduler/opening.ts')].filter((file) => !isBackup(file));
  t.same(openers.sort(), [founding, 'scheduler/scheduler.ts']);
  t.same([...importers('scheduler/backup')].sort(), ['scheduler/main.ts', 'scheduler/opening.ts']);
  t.same([...importers('scheduler/trust')].sort(), [founding, 'scheduler/scheduler.ts']);
  t.same([...importers('scheduler/telemetry')], ['scheduler/scheduler.ts']);
  t.same([...importers('scheduler/founding')], ['scheduler/main.ts']);
  t.same([...importers('scheduler/accounting')].sort(), [thread, 'scheduler/scheduler.ts']);
  t.same([...importers('scheduler/audit')].sort(), [auditThread, eventThread, 'scheduler/scheduler.ts']);
  t.same([...importers('scheduler/scheduler.ts')], ['scheduler/main.ts']);
  t.same([...importers('scheduler/simulate')], ['scheduler/main.ts']);
});

test('the agent never sees the scheduler or the command line', async (t) => {
  t.same(
    strays('agent', ({ to }) => !within(to, 'scheduler', 'cli')),
    [],
  );
});

test('the scheduler never sees the agent, the command line, or libvirt', async (t) => {
  t.same(
    strays('scheduler', ({ to }) => !within(to, 'agent', 'cli', 'native')),
    [],
  );
});

test('the command line is a client like any other', async (t) => {
  t.same(
    strays('cli', ({ to }) => isPackage(to) || within(to, 'cli', 'proto', 'package.json')),
    [],
  );
});

test('the contract sees nothing of ours', async (t) => {
  t.same(
    strays('proto', ({ to }) => isPackage(to) || within(to, 'proto')),
    [],
  );
});

test('nothing but tests sees tests', async (t) => {
  t.same(imports.filter(({ to }) => within(to, 'test', 'deploy')).map(shown), []);
});

test('native has one door, and only the libvirt driver, the watchdog and the daemon that looks for it go through it', async (t) => {
  const visits = imports.filter(({ from, to }) => within(to, 'native') && !within(from, 'native'));
  t.same(visits.filter(({ to }) => to !== 'native/index.ts').map(shown), []);
  t.same(
    visits
      .filter(
        ({ from }) =>
          !within(from, 'agent/hypervisor/libvirt', 'agent/watchdog/native-device.ts', 'agent/daemon.ts'),
      )
      .map(shown),
    [],
  );
});

test('the libvirt driver is chosen in one place', async (t) => {
  const driver = 'agent/hypervisor/libvirt';
  const importers = new Set(
    imports
      .filter(({ from, to, typeOnly }) => !typeOnly && within(to, driver) && !within(from, driver))
      .map(({ from }) => from),
  );
  t.ok(importers.size <= 1, [...importers].join());
});

test('in the scheduler only the SQLite store knows SQLite', async (t) => {
  const allowed = ({ to }: Import) => to !== 'better-sqlite3';
  t.same(
    strays('scheduler', allowed).filter((stray) => !stray.startsWith('scheduler/store/sqlite/')),
    [],
  );
});
