import t from 'tap';
import { decimal, shortDecimal } from '../../../cli/values/decimals.js';

t.test('amounts are written exactly, with all their decimals', async (t) => {
  const cases: [number | bigint, number, string][] = [
    [0, 2, '0.00'],
    [5, 2, '0.05'],
    [-5, 2, '-0.05'],
    [1234, 2, '12.34'],
    [-1234, 3, '-1.234'],
    [700, 0, '700'],
    [9007199254740991n, 2, '90071992547409.91'],
    [123456789012345678901n, 6, '123456789012345.678901'],
  ];
  for (const [units, decimals, text] of cases) t.equal(decimal(units, decimals), text);
});

t.test('zeros at the end can be left out', async (t) => {
  const cases: [number, number, number, string][] = [
    [1_500_000, 6, 2, '1.50'],
    [1_234_560, 6, 2, '1.23456'],
    [2_000, 3, 0, '2'],
    [100, 0, 0, '100'],
    [-1, 3, 0, '-0.001'],
  ];
  for (const [units, decimals, least, text] of cases) t.equal(shortDecimal(units, decimals, least), text);
});
