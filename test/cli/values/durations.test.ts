import fc from 'fast-check';
import t from 'tap';
import {
  durationMessage,
  formatAge,
  formatDuration,
  formatMoment,
  parseDurationMs,
} from '../../../cli/values/durations.js';
import { ValueError } from '../../../cli/values/value-error.js';

t.test('durations add up', async (t) => {
  t.equal(parseDurationMs('500ms'), 500);
  t.equal(parseDurationMs('30s'), 30_000);
  t.equal(parseDurationMs('1h30m'), 5_400_000);
  t.equal(parseDurationMs('2d'), 172_800_000);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 59 }), (minutes, seconds) => {
      return parseDurationMs(`${minutes}m${seconds}s`) === (minutes * 60 + seconds) * 1000;
    }),
  );
});

t.test('whatever is typed gives a duration or a sentence', async (t) => {
  let refused = 0;
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        const ms = parseDurationMs(text);
        return Number.isInteger(ms) && ms > 0;
      } catch (error) {
        refused++;
        return error instanceof ValueError;
      }
    }),
    { numRuns: 1000 },
  );
  t.ok(refused > 0);
  t.throws(() => parseDurationMs('30'), { message: 'Say the unit: 30s or 30m.' });
  t.throws(() => parseDurationMs('0s'), { message: /more than zero/ });
  t.throws(() => parseDurationMs('-5s'), { message: /whole number and a unit/ });
  t.throws(() => parseDurationMs('1.5h'), { message: /whole number and a unit/ });
  t.throws(() => parseDurationMs('40d'), { message: /too long/ });
});

t.test('the wire form keeps every millisecond', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => {
      const { seconds, nanos } = durationMessage(ms);
      return seconds * 1000 + nanos / 1e6 === ms && nanos < 1e9;
    }),
  );
  t.same(durationMessage(1500), { seconds: 1, nanos: 500_000_000 });
});

t.test('durations and ages read shortly', async (t) => {
  const durations: [number, string][] = [
    [0, '0s'],
    [2345, '2.3s'],
    [59_960, '1m'],
    [60_000, '1m'],
    [80_000, '1m20s'],
    [11_100_000, '3h5m'],
    [-5, '0s'],
  ];
  for (const [ms, text] of durations) t.equal(formatDuration(ms), text);
  const now = 1_000_000_000_000;
  const ages: [number, string][] = [
    [45, '45s'],
    [180, '3m'],
    [7199, '119m'],
    [18_000, '5h'],
    [86_400 * 12, '12d'],
    [86_400 * 365 * 3, '3y'],
  ];
  for (const [seconds, text] of ages) t.equal(formatAge(now - seconds * 1000, now), text);
  t.equal(formatAge(undefined, now), '');
  t.equal(formatAge(now + 5000, now), '0s', 'a clock ahead of ours');
  t.equal(
    formatMoment(Date.UTC(2026, 10, 23, 7), Date.UTC(2026, 10, 23, 7, 3)),
    '2026-11-23T07:00:00Z (3m ago)',
  );
  t.equal(formatMoment(10_000, 0), '1970-01-01T00:00:10Z (in 10s)');
  t.equal(formatMoment(9e15, 0), '9000000000000000 (in 285388y)', 'a time that no calendar has');
});
