/** The programs that fence, run for real: what they get, what they may do, and what is made of what they say. */
import { type spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkFencing } from '../../agent/fencing/check-command.js';
import { Controller } from '../../agent/fencing/controller.js';
import { carryOutFence } from '../../agent/fencing/fencer.js';
import type { FenceMethod } from '../../agent/fencing/method.js';
import { OwnControllerReader } from '../../agent/fencing/own-controller.js';
import { findProgram, runProgram } from '../../agent/fencing/run-program.js';
import { type FenceTargetState, TargetWatch } from '../../agent/fencing/target-watch.js';
import { FenceFixtures, guid } from './fence-fixtures.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const fixtures = new FenceFixtures();
t.teardown(() => fixtures.dispose());

const order = { id: uidOf(1), host: 'h2', controllerGuid: guid };
const stands = () => true;
const carryOut = (...methods: FenceMethod[]) =>
  carryOutFence(order, methods, () => performance.now(), stands);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

t.test('a program that works is called twice, and the host is off', async (t) => {
  const works = fixtures.method('works');
  t.match(await carryOut(works.method), { outcome: 'off', method: 'fence_fake' });
  t.same(works.calls(), ['off arguments:[] password:[sesame]', 'status arguments:[] password:[sesame]']);
  const visible = fixtures.read(`${works.name}.log.visible`);
  t.match(visible, /fence_fake/);
  t.notMatch(visible, /sesame/, 'neither a list of processes nor their environment shows the password');
});

t.test('one that lies proves nothing', async (t) => {
  const { outcome, message } = await carryOut(fixtures.method('lies').method);
  t.equal(outcome, 'failed');
  t.match(message, /it is still on/);
});

t.test('2 is off only together with the word, for a program that is confused ends with it too', async (t) => {
  const { outcome, message } = await carryOut(fixtures.method('confused').method);
  t.equal(outcome, 'failed');
  t.match(message, /Unrecognised action \(2\)/);
});

t.test('one that hangs is killed with all that it has started', async (t) => {
  const hangs = fixtures.method('hangs');
  fixtures.write(`${hangs.name}.log.left`, '');
  // Longer each time, until it has got as far as to hang before it is killed, however busy this machine is.
  let left = 0;
  for (let limitMs = 1_000; left === 0 && limitMs < 60_000; limitMs *= 2) {
    const answer = await new Controller(hangs.method).powerOff(limitMs);
    t.match(answer, { ok: false, problem: `no answer in ${limitMs / 1000} s` });
    left = Number(fixtures.read(`${hangs.name}.log.left`).split('\n')[0]);
  }
  t.ok(left > 1);
  await until('the child of the program is gone', () => !isAlive(left));
});

t.test(
  'when one fails the next one does it, and no password and no address is in what is told',
  async (t) => {
    const verdict = await carryOut(fixtures.method('fails').method, fixtures.method('works').method);
    t.match(verdict, { outcome: 'off', message: /Unable to connect to \(ip\) with \(password\) \(1\)/ });
    t.notMatch(verdict.message, /sesame|bmc-7/);
  },
);

t.test('a controller that is another one is asked for its GUID and nothing else', async (t) => {
  const other = fixtures.method('works');
  const options = { ...other.method.options, guid: 'f0'.repeat(16) };
  t.match(await carryOut({ ...other.method, options }), { outcome: 'unmatched' });
  t.same(other.calls(), []);
});

t.test('a password that others may read is not used', async (t) => {
  const { folder } = fixtures;
  mkdirSync(join(folder, 'a-folder'), { mode: 0o700 });
  const real = fixtures.write('real', 'x\n');
  symlinkSync(real, join(folder, 'link'));
  const cases: [string, RegExp][] = [
    [join(folder, 'nowhere'), /nowhere is not there/],
    [fixtures.write('open', 'x\n', 0o640), /others may read .*open: chmod 600/],
    [fixtures.write('empty', '\n'), /empty is empty/],
    [fixtures.write('two', 'x\ny\n'), /more than one line/],
    [fixtures.write('long', 'x'.repeat(2_000)), /too long/],
    [join(folder, 'a-folder'), /not a file/],
    [join(folder, 'link'), /symbolic link/],
  ];
  for (const [passwordFile, why] of cases) {
    const { method, calls } = fixtures.method('works', { passwordFile });
    const verdict = await carryOut(method);
    t.match(verdict, { outcome: 'failed', message: why });
    t.same(calls(), [], 'no program was run');
  }
});

t.test(
  'a program that is missing is said to be, and what no GUID can be read of is never used',
  async (t) => {
    const missing = await carryOut(fixtures.method('works', { program: 'fence_nowhere' }).method);
    t.match(missing, { outcome: 'failed', message: /fence_nowhere is missing: install fence-agents/ });
    const unknowable = await carryOut(fixtures.method('works', { guidCommand: undefined }).method);
    t.match(unknowable, { outcome: 'unmatched', message: /set guidCommand/ });
    t.equal(await findProgram('fence_nowhere'), null);
    const plain = fixtures.write('fence_plain', '#!/bin/sh\n', 0o600);
    t.equal(await findProgram('fence_plain'), null, 'what nobody may run is no program');
    chmodSync(plain, 0o700);
    t.equal(await findProgram('fence_plain'), plain);
  },
);

t.test('a program cannot flood the agent, nor outstay it', async (t) => {
  const base = { program: '/bin/bash', stdin: '', limitMs: 20_000 };
  const flood = await runProgram({ ...base, args: ['-c', 'head -c 3000000 /dev/zero | tr "\\0" x'] });
  t.equal(flood.ended, 0);
  t.equal(flood.stdout.length, 65_536);
  const away = await runProgram({ ...base, args: ['-c', 'setsid sleep 30 & echo $!; exit 3'] });
  t.equal(away.ended, 3, 'one that got away with its output is not waited for');
  process.kill(Number(away.stdout), 'SIGKILL');
  t.match(await runProgram({ ...base, program: '/nowhere', args: [] }), { ended: 'unstartable' });
  t.match(await runProgram({ ...base, args: ['-c', 'kill -9 $$'] }), { ended: 'killed' });
  const unread = await runProgram({ ...base, stdin: 'x'.repeat(1_000_000), args: ['-c', 'exit 0'] });
  t.equal(unread.ended, 0, 'it need not read what it is told');
});

t.test(
  'a program for which there is no memory, or no descriptor, is one that cannot be started',
  async (t) => {
    const run = { program: '/bin/true', args: [], stdin: 'x', limitMs: 20_000 };
    const refuses = () => {
      throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
    };
    t.same(await runProgram(run, refuses as unknown as typeof spawn), {
      ended: 'unstartable',
      stdout: '',
      stderr: 'ENOMEM',
    });
    // An agent that has opened all that it may.
    const module = new URL('../../agent/fencing/run-program.js', import.meta.url);
    const script = `
    const { openSync, writeSync } = await import('node:fs');
    const { runProgram } = await import('${module}');
    try { for (;;) openSync('/dev/null'); } catch {}
    writeSync(1, JSON.stringify(await runProgram(${JSON.stringify(run)})));`;
    const limited = ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, script];
    const { stdout, stderr, status } = spawnSync('/bin/bash', limited, { encoding: 'utf8' });
    t.same([stderr, status], ['', 0]);
    t.same(JSON.parse(stdout), { ended: 'unstartable', stdout: '', stderr: 'EMFILE' });
  },
);

t.test("this machine's own controller is asked by the command of the settings", async (t) => {
  let now = 0;
  const script = (name: string, body: string) => fixtures.write(name, `#!/bin/sh\n${body}\n`, 0o755);
  const counted = script('own', `echo x >>${join(fixtures.folder, 'asked')}; echo 'System GUID : ${guid}'`);
  const reader = new OwnControllerReader([counted, 'an argument'], () => now);
  t.same(reader.known, { guid: '', problem: '' });
  t.same(await reader.read(), { guid, problem: '' });
  now += 3_000_000;
  await reader.read();
  t.equal(fixtures.read('asked'), 'x\n', 'not asked again within the hour');
  script('own', 'echo broken >&2; exit 1');
  now += 3_000_000;
  t.match(await reader.read(), { guid, problem: /gives no GUID: broken/ }, 'what was known is not forgotten');

  const silent = new OwnControllerReader([script('silent', 'echo nothing')], () => now);
  t.match(await silent.read(), { guid: '', problem: /gives no GUID: nothing/ });
  const absent = new OwnControllerReader(['/nowhere/to/be/found'], () => now);
  t.match(await absent.read(), { guid: '', problem: /controllerGuidCommand: .* is missing/ });
});

t.test('controllers are asked when the agent starts, and what is in the way is told', async (t) => {
  let told: FenceTargetState[] = [];
  const watch = new TargetWatch({
    targets: {
      h3: [fixtures.method('works', { program: 'fence_other', guidCommand: undefined }).method],
      h2: [fixtures.method('works').method, fixtures.method('works').method],
    },
    random: () => 0.5,
    tell: (states) => {
      told = states;
    },
  });
  watch.start();
  t.match(told, [
    { host: 'h2', methods: ['fence_fake', 'fence_fake'], guid: '', problem: 'not asked yet' },
    { host: 'h3' },
  ]);
  await until('both were asked', () => told.every(({ problem }) => problem !== 'not asked yet'));
  watch.stop();
  t.match(told, [
    { host: 'h2', guid, problem: '' },
    { host: 'h3', guid: '', problem: /fence_other: .*set guidCommand/ },
  ]);
});

t.test('whatever keeps a controller from being asked is told, and it is asked again', async (t) => {
  // Reading it fails with EIO, as of a disk that is broken.
  const unreadable = fixtures.method('works', { passwordFile: '/proc/self/mem' }).method;
  const targets = { h2: [unreadable, fixtures.method('works').method] };
  let told: FenceTargetState[] = [];
  const watch = new TargetWatch({
    targets,
    // The next look is now.
    random: () => -1.5,
    tell: (states) => {
      told = states;
    },
  });
  t.teardown(() => watch.stop());
  watch.start();
  await until('it was asked', () => told[0]?.guid === guid);
  t.match(told, [{ host: 'h2', problem: /^fence_fake: .*EIO/ }]);
  targets.h2 = [fixtures.method('works').method];
  await until('it was asked again', () => told[0]?.problem === '');
});

t.test('fence-check says of each controller whether it can be relied on, and changes nothing', async (t) => {
  const [works, fails] = [fixtures.method('works'), fixtures.method('fails')];
  const fencing = { h1: [works.method], h2: [works.method], h3: [fails.method] };
  const all = await checkFencing({ host: 'h1', fencing, only: undefined });
  t.equal(all.good, false);
  t.match(all.text, `h2  can be fenced\n  fence_fake: power on; GUID ${guid}\n`);
  t.match(all.text, /h3 {2}cannot be relied on\n {2}fence_fake: its power cannot be read: .*\(password\)/);
  t.match(all.text, '1 of 2 cannot be relied on.');
  t.notMatch(all.text, /sesame|h1/);
  t.same(works.calls(), ['status arguments:[] password:[sesame]']);
  t.match(await checkFencing({ host: 'h1', fencing, only: 'h2' }), {
    good: true,
    text: /All of them can be fenced/,
  });
  t.match(await checkFencing({ host: 'h1', fencing, only: 'h9' }), {
    good: false,
    text: /h9 is not in the fencing/,
  });
  t.match(await checkFencing({ host: 'h1', fencing, only: 'h1' }), {
    good: false,
    text: /does not fence itself/,
  });
  t.match(await checkFencing({ host: 'h1', fencing: {}, only: undefined }), { good: true, text: /no host/ });
});

t.test('an answer of a controller is what it says now', async (t) => {
  const { method } = fixtures.method('works');
  const controller = new Controller(method);
  t.same(await controller.readPower(5_000), { ok: true, said: 'on' });
  t.same(await controller.powerOff(5_000), { ok: true, said: '' });
  t.same(await controller.readPower(5_000), { ok: true, said: 'off' });
});
