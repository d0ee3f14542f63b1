import t from 'tap';
import { momentMessage, parseDays, parseMoment } from '../../../cli/values/moments.js';

const nowMs = Date.UTC(2026, 10, 23, 7);

t.test('a day is its beginning in UTC, and a time says its zone', async (t) => {
  for (const [text, iso] of [
    ['2027-01-31', '2027-01-31T00:00:00Z'],
    ['2027-01-31T12:00Z', '2027-01-31T12:00:00Z'],
    ['2027-01-31T12:00:30z', '2027-01-31T12:00:30Z'],
    ['2027-01-31T12:00+02:00', '2027-01-31T10:00:00Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
  ] as const) {
    t.same(momentMessage(parseMoment(text), nowMs), { seconds: Date.parse(iso) / 1000, nanos: 0 }, text);
  }
});

t.test('a span is counted from now', async (t) => {
  t.same(momentMessage(parseMoment('30d'), nowMs), { seconds: nowMs / 1000 + 30 * 86_400, nanos: 0 });
  t.same(momentMessage(parseMoment('1h30m'), nowMs), { seconds: nowMs / 1000 + 5400, nanos: 0 });
});

t.test('what was not said, or taken back, is unset', async (t) => {
  t.equal(momentMessage(undefined, nowMs), null);
  t.equal(momentMessage(false, nowMs), null);
});

t.test('what is no moment is refused with what to type', async (t) => {
  for (const [text, advice] of [
    ['tomorrow', /Write a day as 2027-01-31/],
    ['', /Write a day/],
    ['31.1.2027', /Write a day/],
    ['2027-02-30', /not in the calendar/],
    ['2027-13-01', /not in the calendar/],
    ['2027-01-31T24:01Z', /not in the calendar/],
    ['2027-01-31T12:00', /Say the zone.*2027-01-31T12:00Z/],
    ['2027-01-31T12:00+99:99', /no offset/],
    ['1970-01-01', /begin with the year 1970/],
    ['30y', /Write a whole number and a unit/],
    ['99999d', /too long: at most 36500d/],
  ] as const)
    t.throws(() => parseMoment(text), { message: advice }, text);
});

t.test('a notice is whole days', async (t) => {
  t.equal(parseDays('90d'), 90);
  t.equal(parseDays('48h'), 2);
  t.equal(parseDays('0d'), 0);
  t.throws(() => parseDays('36h'), { message: /whole days/ });
  t.throws(() => parseDays('4000d'), { message: /3650d/ });
  t.throws(() => parseDays('90'), { message: /Say the unit/ });
});
