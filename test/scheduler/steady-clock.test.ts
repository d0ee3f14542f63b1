/** A wall clock that jumps is not followed (PROTOCOL E3). */
import { test } from 'tap';
import { SteadyClock } from '../../scheduler/steady-clock.js';

const minuteMs = 60_000;

function world(notBeforeMs = 0) {
  const now = { wallMs: 1_000_000_000, uptimeMs: 5000 };
  const clock = new SteadyClock(
    () => now.wallMs,
    () => now.uptimeMs,
    notBeforeMs,
  );
  const pass = (ms: number, wallMs = ms) => {
    now.uptimeMs += ms;
    now.wallMs += wallMs;
    return clock.now();
  };
  return { now, clock, pass };
}

test('while the wall clock is well it is what counts, with all that time servers do to it', async (t) => {
  const { now, clock, pass } = world();
  for (const [ms, wallMs] of [
    [1000, 1000],
    [1000, 2000],
    [10, -4 * minuteMs],
    [10, 5 * minuteMs],
    [3600_000, 3590_000],
  ] as const) {
    t.equal(pass(ms, wallMs), now.wallMs);
    t.equal(clock.jumpMs, 0);
  }
});

test('one that jumps by over five minutes, either way, is not followed, and how far it is off is told', async (t) => {
  for (const jumpMs of [60 * minuteMs, -60 * minuteMs]) {
    const { now, clock, pass } = world();
    const before = pass(1000);
    now.wallMs += jumpMs;
    t.equal(pass(1000), before + 1000, 'time goes on as before');
    t.equal(clock.jumpMs, jumpMs);
    t.equal(pass(3600_000), before + 3601_000, 'however long that lasts');
    now.wallMs -= jumpMs;
    t.equal(pass(1000), now.wallMs, 'it is right again');
    t.equal(clock.jumpMs, 0);
  }
});

test('a jump that creeps on is one all the same, and time never goes back for it', async (t) => {
  const { now, clock, pass } = world();
  let last = pass(1000);
  now.wallMs += 30 * minuteMs;
  for (let step = 0; step < 100; step += 1) {
    const next = pass(1000, 1000 + step * 100);
    t.ok(next >= last);
    last = next;
  }
  t.ok(clock.jumpMs >= 30 * minuteMs);
});

test('who begins believes the clock that there is, unless it is behind what has been already', async (t) => {
  const late = world(0);
  t.equal(late.pass(0), late.now.wallMs, 'however long it was away');
  const behind = world(1_000_000_000 + 60 * minuteMs);
  t.equal(behind.pass(1000), 1_000_000_000 + 60 * minuteMs + 500, 'the journal’s last time goes on');
  t.equal(behind.clock.jumpMs, -(60 * minuteMs - 500));
});

test('who begins with a clock behind the journal is caught up with by it, and never goes back', async (t) => {
  const { now, clock, pass } = world(1_000_000_000 + 120 * minuteMs);
  let last = 0;
  let minutes = 0;
  for (; clock.now() !== now.wallMs; minutes += 1) {
    const next = pass(minuteMs);
    if (next !== now.wallMs) t.ok(next > last);
    last = next;
    if (minutes > 1000) throw new Error('it never is');
  }
  t.equal(minutes, 230, 'twice as long as it was behind, less the last five minutes');
  t.equal(clock.jumpMs, 0);
  t.equal(pass(minuteMs), now.wallMs, 'from then on time goes as it does');
});

test('of one whose clock is set right while it goes at half speed the clock is believed', async (t) => {
  const { now, clock, pass } = world(1_000_000_000 + 120 * minuteMs);
  pass(60 * minuteMs);
  t.equal(clock.now(), 1_000_000_000 + 150 * minuteMs);
  now.wallMs += 118 * minuteMs;
  t.equal(pass(1000), now.wallMs, 'the journal was right');
  t.equal(clock.jumpMs, 0);
  now.wallMs += 30 * minuteMs;
  t.equal(pass(1000), now.wallMs - 30 * minuteMs);
});
