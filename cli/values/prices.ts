/** Prices as people type and read them: decimal numbers, which are millionths on the wire. Nothing of it is a float. */
import { ValueError } from './value-error.js';

const microsPerUnit = 1_000_000;
/** The contract's limit: a million an hour. */
const mostMicros = 1e12;

/** `0.012` → 12000. */
export function parsePriceMicros(text: string): number {
  const match = /^(\d{1,7})(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new ValueError('Write a decimal number with a point, for example 0.012.');
  const [, whole = '0', fraction = ''] = match;
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > 6) throw new ValueError('Prices are exact to a millionth: write at most six decimals.');
  const micros = Number(whole) * microsPerUnit + Number(kept.padEnd(6, '0'));
  if (micros > mostMicros) throw new ValueError('A price is at most 1000000 an hour.');
  return micros;
}

/** 12000 → `0.012`, as it can be typed. */
export function formatMicros(micros: number): string {
  const whole = Math.floor(micros / microsPerUnit);
  const fraction = String(micros - whole * microsPerUnit)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(whole) : `${whole}.${fraction}`;
}

export function parseCurrency(text: string): string {
  if (!/^[A-Za-z]{3}$/.test(text))
    throw new ValueError('Write the three letters of ISO 4217, for example EUR.');
  return text.toUpperCase();
}

/** `50` or `50%`. */
export function parsePercent(text: string): number {
  const percent = Number(/^(\d{1,3})%?$/.exec(text)?.[1] ?? Number.NaN);
  if (!(percent <= 100)) throw new ValueError('Write 0 to 100 percent, for example 50%.');
  return percent;
}
