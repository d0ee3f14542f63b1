/** Sums and quotients without any loss. Numbers do as long as they can, since most sums are small. */

/** A sum of products of whole numbers from 0. */
export class ExactSum {
  #small = 0;
  #large = 0n;

  add(a: number, b: number): void {
    const product = a * b;
    if (product > Number.MAX_SAFE_INTEGER) {
      this.#large += BigInt(a) * BigInt(b);
      return;
    }
    const sum = this.#small + product;
    if (sum <= Number.MAX_SAFE_INTEGER) this.#small = sum;
    else {
      this.#large += BigInt(this.#small);
      this.#small = product;
    }
  }

  get value(): bigint {
    return this.#large + BigInt(this.#small);
  }
}

/** The whole number that is nearest to a quotient from 0; of two equally near ones the even one. */
export function halfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twice = (dividend % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/**
 * The same as a number.
 *
 * @throws RangeError when it could not be told exactly.
 */
export function exactNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is more than can be told exactly`);
  return number;
}
