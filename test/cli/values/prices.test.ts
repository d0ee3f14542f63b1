import t from 'tap';
import { formatMicros, parseCurrency, parsePercent, parsePriceMicros } from '../../../cli/values/prices.js';

t.test('prices are exact to a millionth, and are shown as they can be typed', async (t) => {
  for (const [text, micros] of [
    ['0.012', 12_000],
    ['0.000001', 1],
    ['1.1', 1_100_000],
    ['0.3', 300_000],
    ['4.35', 4_350_000],
    ['1000000', 1e12],
    ['0', 0],
    ['2.990000', 2_990_000],
  ] as const) {
    t.equal(parsePriceMicros(text), micros, text);
    t.equal(parsePriceMicros(formatMicros(micros)), micros);
  }
  t.equal(formatMicros(12_000), '0.012');
  t.equal(formatMicros(2_000_000), '2');
});

t.test('what is no price is refused with what to type', async (t) => {
  for (const text of ['', '-1', '0,012', '.5', '1.', '1e3', 'free', ' 1'])
    t.throws(() => parsePriceMicros(text), { message: /decimal number with a point/ }, text);
  t.throws(() => parsePriceMicros('0.0000001'), { message: /at most six decimals/ });
  t.throws(() => parsePriceMicros('1000000.1'), { message: /at most 1000000 an hour/ });
});

t.test('currencies and percents', async (t) => {
  t.equal(parseCurrency('eur'), 'EUR');
  t.throws(() => parseCurrency('euro'), { message: /ISO 4217/ });
  t.equal(parsePercent('50%'), 50);
  t.equal(parsePercent('0'), 0);
  for (const text of ['101', '-1', '5.5', 'half', ''])
    t.throws(() => parsePercent(text), { message: /0 to 100 percent/ }, text);
});
