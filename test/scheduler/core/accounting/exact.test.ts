import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import { minorDecimals } from '../../../../scheduler/core/accounting/currency.js';
import { ExactSum, exactNumber, halfEven } from '../../../../scheduler/core/accounting/exact.js';
import { holds } from '../../holds.js';

test('a sum of products loses nothing, however large it gets', async (t) => {
  const factor = fc.oneof(fc.nat(), fc.maxSafeNat());
  holds(
    t,
    fc.property(fc.array(fc.tuple(factor, factor)), (products) => {
      const sum = new ExactSum();
      for (const [a, b] of products) sum.add(a, b);
      deepStrictEqual(
        sum.value,
        products.reduce((total, [a, b]) => total + BigInt(a) * BigInt(b), 0n),
      );
    }),
    500,
  );
});

test('a quotient goes to the nearest whole number, and from the middle to the even one', async (t) => {
  const cases: [bigint, bigint, bigint][] = [
    [0n, 7n, 0n],
    [1n, 2n, 0n],
    [3n, 2n, 2n],
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [49n, 100n, 0n],
    [51n, 100n, 1n],
    [150n, 100n, 2n],
    [250n, 100n, 2n],
    [2500000000000000000000001n, 1000000000000000000000000n, 3n],
  ];
  for (const [dividend, divisor, quotient] of cases) t.equal(halfEven(dividend, divisor), quotient);
});

test('what a number cannot tell exactly is not told', async (t) => {
  t.equal(exactNumber(-(2n ** 53n) + 1n), -Number.MAX_SAFE_INTEGER);
  t.throws(() => exactNumber(2n ** 53n), RangeError);
});

test('currencies have the decimals of ISO 4217, not those that shops use', async (t) => {
  const expected = {
    EUR: 2,
    ALL: 2,
    RSD: 2,
    MKD: 2,
    BAM: 2,
    HUF: 2,
    ISK: 0,
    JPY: 0,
    TND: 3,
    CLF: 4,
    constructor: 2,
  };
  for (const [currency, decimals] of Object.entries(expected)) t.equal(minorDecimals(currency), decimals);
});
