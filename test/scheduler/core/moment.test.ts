import fc from 'fast-check';
import { test } from 'tap';
import { momentIn, momentWords } from '../../../scheduler/core/moment.js';
import { holds } from '../holds.js';

test('a moment is read as the calendar has it', async (t) => {
  holds(
    t,
    fc.property(fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(9999, 11, 31) }), (ms) => {
      const text = new Date(ms).toISOString();
      return momentIn(text) === ms && momentIn(text.slice(0, 10)) === ms - (ms % 86_400_000);
    }),
    1000,
  );
});

test('a moment is told as the calendar has it', async (t) => {
  holds(
    t,
    fc.property(fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(9999, 11, 31) }), (ms) => {
      return momentWords(ms) === `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    }),
    1000,
  );
});

test('offsets count, and what is left out is nothing', async (t) => {
  t.equal(momentIn('2026-11-01T02:00+02:00'), Date.UTC(2026, 10, 1));
  t.equal(momentIn('2026-10-31T22:30:05.5-01:30'), Date.UTC(2026, 10, 1, 0, 0, 5, 500));
  t.equal(momentIn('2024-02-29'), Date.UTC(2024, 1, 29));
});

test('what is no moment is none', async (t) => {
  for (const text of [
    '',
    'yesterday',
    '2026-13-01',
    '2026-02-29',
    '2026-04-31',
    '2026-1-1',
    '2026-11-01T24:00Z',
    '2026-11-01T00:00',
    '2026-11-01 00:00Z',
  ]) {
    t.ok(Number.isNaN(momentIn(text)), text);
  }
});
