/** Amounts with decimals, exactly as they were counted: in whole cents, thousandths, millionths. */

/** `1234`, 2 → `12.34`; all decimals are shown. */
export function decimal(units: number | bigint, decimals: number): string {
  const whole = BigInt(units);
  const digits = (whole < 0n ? -whole : whole).toString().padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const sign = whole < 0n ? '-' : '';
  return decimals === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`;
}

/** The same without zeros at the end, but with at least so many decimals. */
export function shortDecimal(units: number | bigint, decimals: number, least = 0): string {
  const text = decimal(units, decimals);
  const point = text.indexOf('.');
  if (point < 0) return text;
  let end = text.length;
  while (end > point + 1 + least && text[end - 1] === '0') end -= 1;
  return text.slice(0, end === point + 1 ? point : end);
}
