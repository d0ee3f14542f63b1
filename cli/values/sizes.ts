/**
 * Sizes as people type and read them. The contract counts whole MiB, so only binary units are taken: a decimal
 * `GB` would be rounded behind the user's back, and 2 GB of memory is not 2 GiB.
 */
import { ValueError } from './value-error.js';

const mibPerUnit: Record<string, number> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** Sizes of VMs travel as int32. */
const maxMib = 2 ** 31 - 1;

/** Sums of a federation travel as int64, and the scheduler takes so many MiB. */
const maxLimitMib = 1e12;

const bytesPerMib = 1024 * 1024;

/**
 * Reads `128MiB`, `1GiB` or `2TiB` as MiB.
 *
 * @throws ValueError with a sentence that says what to type.
 */
export function parseSizeMib(text: string): number {
  return readMib(text, maxMib, false);
}

/** The same as an upper bound of what many VMs hold together: 0 is one as well, and needs no unit. */
export function parseLimitMib(text: string): number {
  return /^0+$/.test(text) ? 0 : readMib(text, maxLimitMib, true);
}

function readMib(text: string, mostMib: number, mayBeZero: boolean): number {
  const match = /^\s*([+-]?[\d.,_]*)\s*([A-Za-z]*)\s*$/.exec(text);
  const amount = match?.[1] ?? '';
  const unit = match?.[2] ?? '';
  if (match === null || !/\d/.test(amount)) {
    throw new ValueError(`Write a whole number and a unit, for example 128MiB, 1GiB or 2TiB.`);
  }
  const known = Object.hasOwn(mibPerUnit, unit) ? mibPerUnit[unit] : undefined;
  if (known === undefined) throw new ValueError(explainUnit(amount, unit));
  if ((!mayBeZero && /^[+-]?0*$/.test(amount)) || amount.startsWith('-')) {
    throw new ValueError(`A size must be more than zero, for example 1${unit}.`);
  }
  if (!/^\d+$/.test(amount)) throw new ValueError(explainFraction(amount, unit, known));
  const mib = Number(amount) * known;
  if (mib > mostMib) {
    const most = Math.floor(mostMib / (mibPerUnit['TiB'] ?? 1));
    throw new ValueError(`That is too large: at most ${most}TiB can be said.`);
  }
  if (/\s/.test(text)) throw new ValueError(`Leave out the space: write ${amount}${unit}.`);
  return mib;
}

function explainUnit(amount: string, unit: string): string {
  const number = /^\d+$/.test(amount) && Number(amount) > 0 ? amount : '1';
  const letter = unit.slice(0, 1).toUpperCase();
  if (unit === '') return `Say the unit: ${number}MiB or ${number}GiB.`;
  if (letter in { M: 1, G: 1, T: 1 } && /^([mgt]i?b?)$/i.test(unit)) {
    return `Units are binary (1GiB is 1024MiB), so "${unit}" is not taken for one: write ${number}${letter}iB.`;
  }
  if (/^(k|ki|kb|kib|b)$/i.test(unit)) return 'The smallest unit is MiB: write for example 64MiB.';
  return `The units are MiB, GiB and TiB: write for example ${number}GiB.`;
}

function explainFraction(amount: string, unit: string, mibPer: number): string {
  const value = /^\d+\.\d+$/.test(amount) ? Number(amount) * mibPer : Number.NaN;
  if (Number.isInteger(value) && value > 0) return `Only whole numbers are taken: write ${value}MiB.`;
  return `Only whole numbers are taken, for example 1${unit}.`;
}

/** Bytes exactly: a plain number, or a size in MiB, GiB or TiB. */
export function parseSizeBytes(text: string): number {
  if (/^\d+$/.test(text)) {
    const bytes = Number(text);
    if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
    throw new ValueError('Write the size in bytes as a whole number above zero, for example 13287936.');
  }
  return parseSizeMib(text) * bytesPerMib;
}

/** `1.5 GiB`, for people. Small sizes stay exact: 1500 MiB is not shown as 1.5 GiB. */
export function formatMib(mib: number): string {
  if (mib >= mibPerUnit['TiB']!) return `${oneDecimal(mib / mibPerUnit['TiB']!)} TiB`;
  if (mib >= 10 * 1024 || (mib >= 1024 && mib % 512 === 0)) return `${oneDecimal(mib / 1024)} GiB`;
  return `${mib} MiB`;
}

/** `2GiB`, as it can be typed: exactly that size, in the largest unit that can say it. */
export function typedMib(mib: number): string {
  const unit = mib % mibPerUnit['TiB']! === 0 ? 'TiB' : mib % mibPerUnit['GiB']! === 0 ? 'GiB' : 'MiB';
  return `${mib / mibPerUnit[unit]!}${unit}`;
}

export function formatBytes(bytes: number): string {
  if (bytes >= bytesPerMib) return formatMib(Math.round((bytes / bytesPerMib) * 10) / 10);
  if (bytes >= 1024) return `${oneDecimal(bytes / 1024)} KiB`;
  return `${bytes} B`;
}

function oneDecimal(value: number): string {
  return String(Math.round(value * 10) / 10);
}
