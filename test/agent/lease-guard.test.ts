/** When the watchdog of a host is armed and taken back (PROTOCOL.md L2), and what the agent's next process knows of its lease. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ArmedFile, RememberedDevice, watchdogOf } from '../../agent/watchdog/armed-file.js';
import { WatchdogError } from '../../agent/watchdog/device.js';
import { LeaseGuard } from '../../agent/watchdog/guard.js';
import { LeaseFile } from '../../agent/watchdog/lease-file.js';

const nothing = { wanted: false, needed: false, unknown: false };
const wanted = { ...nothing, wanted: true };
const needed = { ...nothing, needed: true };
const unknown = { ...nothing, unknown: true };

function armed(): LeaseGuard {
  const guard = new LeaseGuard(20, null);
  guard.settle(wanted, 10_000, 0);
  guard.armed();
  return guard;
}

t.test(
  'it is armed when a VM that stops with the lease is to start, and that one waits until it is',
  async (t) => {
    const guard = new LeaseGuard(20, null);
    t.same(guard.settle(nothing, 10_000, 0), [], 'without such a VM nothing is opened');
    t.notOk(guard.isReady);
    t.same(guard.settle(wanted, 10_000, 0), [{ kind: 'armWatchdog', timeoutS: 20, leaseEndsAt: 10_000 }]);
    t.same(guard.settle(wanted, 10_000, 1), [], 'it is asked for once');
    t.match(guard.status, { armed: false, timeoutSeconds: 20 });
    guard.armed();
    t.ok(guard.isReady);
    t.match(guard.status, { armed: true });
  },
);

t.test('it is taken back when the last of them is off and none is to start', async (t) => {
  const guard = armed();
  t.same(guard.settle(needed, 10_000, 50_000), [], 'however long ago the lease has ended');
  t.same(guard.settle(nothing, 10_000, 50_000), [{ kind: 'releaseWatchdog' }]);
  t.match(guard.status, { armed: false });
  t.same(guard.settle(nothing, 10_000, 50_001), []);
});

t.test('what cannot be armed is told, and tried again', async (t) => {
  const guard = new LeaseGuard(20, null);
  guard.settle(wanted, 100_000, 0);
  guard.failed('/dev/watchdog cannot be opened: busy', 0);
  t.notOk(guard.isReady);
  t.match(guard.status, { armed: false, problem: /busy/ });
  const again = guard.nextWakeAt() ?? 0;
  t.same(guard.settle(wanted, 100_000, again - 1), []);
  t.equal(guard.settle(wanted, 100_000, again).length, 1);
  guard.armed();
  t.match(guard.status, { armed: true, problem: '' });
  t.equal(guard.nextWakeAt(), null);
});

t.test('what cannot be armed is not tried again so late after the lease, and the agent sleeps', async (t) => {
  const guard = new LeaseGuard(20, null);
  guard.settle(wanted, 10_000, 0);
  guard.failed('busy', 0);
  t.same(guard.settle(needed, 10_000, 40_000), []);
  t.equal(guard.nextWakeAt(), null, 'or it would wake again and again');
  t.match(guard.status, { problem: 'busy' });
  t.equal(guard.settle(needed, 60_000, 50_000).length, 1, 'under a new lease it is');
});

t.test('one that could not be petted any more may bite all the same, so it is taken back', async (t) => {
  const guard = armed();
  guard.failed('it cannot be petted', 0);
  t.same(guard.settle(needed, 100_000, 1), []);
  t.same(guard.settle(nothing, 100_000, 2), [{ kind: 'releaseWatchdog' }]);
  t.same(guard.settle(nothing, 100_000, 3), []);
});

t.test('nobody needs it any more: its problem is none', async (t) => {
  const guard = new LeaseGuard(20, null);
  guard.settle(wanted, 100_000, 0);
  guard.failed('busy', 0);
  guard.settle(nothing, 100_000, 1);
  t.match(guard.status, { problem: '' });
});

t.test('so late after the lease that an earlier process may have armed it, it is left to bite', async (t) => {
  const held = { endsAt: 10_000, watchdogS: 20 };
  const inTime = new LeaseGuard(20, held);
  t.equal(inTime.settle(needed, held.endsAt, 29_999)[0]?.kind, 'armWatchdog');
  const late = new LeaseGuard(20, held);
  t.same(late.settle(needed, held.endsAt, 30_000), [], 'opening it would pet it once more');
  t.notOk(late.isReady);
  t.same(
    late.settle(nothing, held.endsAt, 31_000),
    [{ kind: 'releaseWatchdog' }],
    'once all are off it is safe',
  );
  const renewed = new LeaseGuard(20, held);
  renewed.settle(needed, held.endsAt, 30_000);
  t.equal(renewed.settle(needed, 60_000, 50_000)[0]?.kind, 'armWatchdog', 'a new lease ends the wait');
  const first = new LeaseGuard(20, null);
  t.same(first.settle(needed, null, 5), [], 'nobody knows what was held before');
});

t.test(
  'what an earlier process may have armed for VMs that this one does not know is petted on until the scheduler has spoken',
  async (t) => {
    const held = { endsAt: 10_000, watchdogS: 20 };
    const arms = [{ kind: 'armWatchdog', timeoutS: 20, leaseEndsAt: 10_000 }];
    const guard = new LeaseGuard(20, held, true);
    t.same(guard.settle(nothing, 10_000, 0), [], 'it knows all that runs here');
    t.same(guard.settle(unknown, 10_000, 1), arms);
    guard.armed();
    t.same(guard.settle(unknown, 10_000, 2), []);
    guard.synced();
    t.same(guard.settle(unknown, 10_000, 3), [{ kind: 'releaseWatchdog' }], 'they are nobody’s');
    const knows = new LeaseGuard(20, held);
    t.same(knows.settle(unknown, 10_000, 0), [], 'nothing was armed, or nothing lost: they are nobody’s');
    t.same(new LeaseGuard(20, held, true).settle(unknown, 10_000, 30_000), [], 'too late to take it over');
  },
);

t.test('a longer time-out waits until the scheduler has heard of it', async (t) => {
  t.equal(new LeaseGuard(60, { endsAt: 10_000, watchdogS: 20 }).timeoutS, 20);
  t.equal(new LeaseGuard(10, { endsAt: 10_000, watchdogS: 20 }).timeoutS, 10);
  t.equal(new LeaseGuard(60, { endsAt: 10_000, watchdogS: 0 }).timeoutS, 60, 'there was none before');
});

t.test('a host without a watchdog starts what stops with the lease, and arms nothing', async (t) => {
  const guard = new LeaseGuard(null, null);
  t.ok(guard.isReady);
  t.same(guard.settle(wanted, 10_000, 0), []);
  t.equal(guard.status, null);
});

t.test('the next process of the same boot takes the lease on', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-lease-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = new LeaseFile(folder, 'boot-1');
  t.equal(file.read(), null, 'there was none yet');
  file.write({ endsAt: 123_456.7, watchdogS: 30 });
  file.write({ endsAt: 133_456, watchdogS: 0 });
  file.close();
  t.same(new LeaseFile(folder, 'boot-1').read(), { endsAt: 133_456, watchdogS: 0 }, 'the newest');
  t.equal(new LeaseFile(folder, 'boot-2').read(), null, 'a boot later it says nothing');
  const path = join(folder, 'lease');
  const whole = readFileSync(path, 'latin1');
  for (const broken of ['', 'boot-1', whole.slice(0, 20), 'x'.repeat(whole.length)]) {
    writeFileSync(path, broken);
    t.equal(
      new LeaseFile(folder, 'boot-1').read(),
      null,
      `nothing is made of ${broken.length} bytes that are not whole`,
    );
  }
});

t.test(
  'the next process of the same boot knows which device it has to pet or take back, whatever its settings say',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'secovia-armed-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = new ArmedFile(folder, 'boot-1');
    const done: string[] = [];
    let refuses = false;
    const device = {
      arm: () => {
        if (refuses) throw new WatchdogError('busy');
        done.push(`arm, and ${file.read()?.device} is written`);
      },
      extend: () => done.push('extend'),
      release: () => {
        if (refuses) throw new WatchdogError('busy');
        done.push('release');
      },
    };
    const troubles: string[] = [];
    const remembered = new RememberedDevice(device, file, '/dev/first', ({ message }) =>
      troubles.push(message),
    );
    const first = { device: '/dev/first', timeoutSeconds: 20 };
    const second = { device: '/dev/second', timeoutSeconds: 30 };
    t.equal(file.read(), null);
    t.same(watchdogOf(second, file.read()), second, 'nothing was armed: the settings count');
    remembered.arm(20, 1000);
    remembered.extend(2000);
    t.same(done, ['arm, and /dev/first is written', 'extend'], 'it is written before it can bite');
    const next = new ArmedFile(folder, 'boot-1').read();
    t.same(watchdogOf(second, next), first, 'another device');
    t.same(watchdogOf(null, next), first, 'none any more');
    t.same(watchdogOf({ ...first, timeoutSeconds: 60 }, next), { ...first, timeoutSeconds: 60 }, 'the same');
    t.equal(new ArmedFile(folder, 'boot-2').read(), null, 'a boot later it is not armed');
    refuses = true;
    t.throws(() => remembered.release(), { name: 'WatchdogError' });
    t.throws(() => remembered.arm(20, 1000), { name: 'WatchdogError' });
    t.same(file.read(), first, 'it still bites');
    refuses = false;
    remembered.release();
    t.equal(file.read(), null);
    refuses = true;
    t.throws(() => remembered.arm(20, 1000), { name: 'WatchdogError' });
    t.equal(file.read(), null, 'one that is named by mistake is not taken for armed');
    refuses = false;
    writeFileSync(join(folder, 'watchdog-armed'), '{"bootId":');
    t.equal(file.read(), null, 'what is not whole says nothing');
    t.same(troubles, []);
    rmSync(join(folder, 'watchdog-armed'));
    mkdirSync(join(folder, 'watchdog-armed'));
    remembered.arm(20, 1000);
    t.match(troubles, [/EISDIR/], 'a disk that does not take it keeps nothing from being armed');
    t.equal(done.length, 4);
  },
);

t.test(
  'what the next process is told never lasts longer than the newest lease, whatever the disk takes',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'secovia-lease-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    new LeaseFile(folder, 'boot').write({ endsAt: 600_000, watchdogS: 30 });
    const file = new LeaseFile(folder, 'boot');
    t.teardown(() => file.close());
    file.read();
    t.ok(file.isBeyond({ endsAt: 10_000, watchdogS: 30 }), 'it must not wait for the ledger');
    t.notOk(file.isBeyond({ endsAt: 600_000, watchdogS: 30 }));
    const unwritable = {
      endsAt: 10_000,
      watchdogS: Symbol('of which no line can be made') as unknown as number,
    };
    t.throws(() => file.write(unwritable));
    t.equal(new LeaseFile(folder, 'boot').read(), null, 'none rather than the longer one');
    file.write({ endsAt: 20_000, watchdogS: 30 });
    t.same(new LeaseFile(folder, 'boot').read(), { endsAt: 20_000, watchdogS: 30 });
  },
);
