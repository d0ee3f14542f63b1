/**
 * The thread that pets the machine's watchdog: against the socket of a program that shares one out, in a process of its own, which
 * writes down every byte. A kernel's device takes the same bytes.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { systemClock } from '../../agent/clock.js';
import { WatchdogError } from '../../agent/watchdog/device.js';
import { NativeWatchdogDevice } from '../../agent/watchdog/native-device.js';
import { eventually } from '../scheduler/within.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-watchdog-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const clock = systemClock();
const bootMs = () => clock.now().bootMs;

/** The other end of the socket, and what it has heard: a letter for each pet, `V`, `+` and `-` for connections. */
async function mux(name: string) {
  const path = join(folder, name);
  const log = `${path}.log`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(log, '');
  const server = fork(fileURLToPath(new URL('./watchdog-mux.js', import.meta.url)), [path, log]);
  t.teardown(() => server.kill());
  await new Promise((resolve) => server.once('message', resolve));
  const heard = () => readFileSync(log, 'latin1');
  const pets = () => heard().split('p').length - 1;
  return { path, heard, pets, kill: () => server.kill('SIGKILL') };
}

t.test('it is petted while JavaScript is held up, and not beyond the time that it was given', async (t) => {
  const { path, heard, pets } = await mux('held-up');
  const device = new NativeWatchdogDevice(path);
  device.arm(1, bootMs() + 60_000);
  const until = bootMs() + 30_000;
  // Nothing but this loop runs here.
  while (pets() < 4 && bootMs() < until);
  t.ok(pets() >= 4, 'by a thread of its own');
  device.extend(bootMs());
  const before = bootMs();
  await eventually(
    'the time after the last pet',
    async () => bootMs(),
    (now) => now > before + 400,
  );
  const silent = pets();
  await eventually(
    'some time more',
    async () => bootMs(),
    (now) => now > before + 1500,
  );
  t.equal(pets(), silent, 'it has fallen silent');
  device.extend(bootMs() + 60_000);
  await eventually(
    'another pet',
    async () => pets(),
    (count) => count > silent,
  );
  device.release();
  await eventually(
    'the end',
    async () => heard(),
    (text) => text.endsWith('V-'),
  );
  t.match(heard(), /^\+p+V-$/, 'taken back, and closed');
});

t.test('what an earlier process has armed is taken back', async (t) => {
  const { path, heard } = await mux(`${'a-path-longer-than-an-address'.repeat(4)}/socket`);
  new NativeWatchdogDevice(path).release();
  await eventually(
    'the end',
    async () => heard(),
    (text) => text === '+V-',
  );
  t.pass('without a pet');
});

t.test('one that has gone away is said with the next lease, and can be armed anew', async (t) => {
  const first = await mux('gone');
  const device = new NativeWatchdogDevice(first.path);
  device.arm(1, bootMs() + 60_000);
  first.kill();
  const failure = await eventually(
    'that it cannot be petted',
    async () => {
      try {
        device.extend(bootMs() + 60_000);
        return null;
      } catch (error) {
        return error as Error;
      }
    },
    (error) => error !== null,
  );
  t.type(failure, WatchdogError);
  t.match(failure?.message, /gone cannot be petted/);
  rmSync(first.path);
  const second = await mux('gone');
  device.arm(1, bootMs() + 60_000);
  await eventually(
    'a pet',
    async () => second.pets(),
    (count) => count > 0,
  );
  device.release();
});

t.test('what is no watchdog is refused with its name and the reason', async (t) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const [path, words] of [
    [join(folder, 'none'), /none cannot be found: No such file/],
    [file, /is not a device, nor a socket/],
    ['/dev/null', /\/dev\/null is not a watchdog/],
    [join(folder, 'x'.repeat(120)), /cannot be found/],
  ] as const) {
    t.throws(() => new NativeWatchdogDevice(path).arm(10, bootMs() + 1000), {
      name: 'WatchdogError',
      message: words,
    });
  }
  t.throws(() => new NativeWatchdogDevice(file).release(), { name: 'WatchdogError' });
});
