/** Upper bounds of what VMs hold together, as people type and read them. */
import type { Limits__Output } from '../../proto/gen/secovia/v1/Limits.js';
import type { Holdings__Output } from '../../proto/gen/secovia/v1/Holdings.js';
import { formatMib } from './sizes.js';
import { ValueError } from './value-error.js';

/** The contract's limits. */
const mostOfALimit = 1e12;
const mostKinds = 64;
const nameForm = /^[a-z0-9]([a-z0-9._/:-]{0,61}[a-z0-9])?$/;

/** A whole number, 0 as well: nothing at all. */
export function parseLimitCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > mostOfALimit) {
    throw new ValueError('Write a whole number, for example 64; 0 allows nothing.');
  }
  return Number(text);
}

/** `gpu:a30=2`, added to those that came before it. */
export function addLimitedExtra(text: string, before: Record<string, number> = {}): Record<string, number> {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!nameForm.test(name) || equals < 0) {
    throw new ValueError('Write NAME=COUNT, for example gpu:a30=2.');
  }
  if (Object.hasOwn(before, name)) throw new ValueError(`The extra ${name} is given twice.`);
  if (Object.keys(before).length === mostKinds) {
    throw new ValueError(`At most ${mostKinds} kinds of extras can be limited at once.`);
  }
  return { ...before, [name]: parseLimitCount(text.slice(equals + 1)) };
}

/** One amount of a limit or of what is held, with how it reads. */
export interface Amount {
  /** `vCPUs`, `memory`, or the name of an extra. */
  what: string;
  /** Undefined for what has no bound. */
  of: (limits: Limits__Output | Holdings__Output | null) => number | undefined;
  format: (value: number) => string;
}

const counted: Amount[] = [
  { what: 'vCPUs', of: (from) => from?.vcpus, format: String },
  { what: 'memory', of: (from) => from?.memoryMib, format: formatMib },
  { what: 'disk', of: (from) => from?.diskMib, format: formatMib },
  { what: 'VMs', of: (from) => from?.vms, format: String },
];

/** Every amount that these speak of: the four that all VMs have, and each extra that one of them names. */
export function amountsOf(...all: (Limits__Output | Holdings__Output | null)[]): Amount[] {
  const names = new Set(all.flatMap((each) => Object.keys(each?.extras ?? {})));
  const extras = [...names].sort().map(
    (what): Amount => ({
      what,
      of: (from) => from?.extras[what],
      format: String,
    }),
  );
  return [...counted, ...extras];
}

/** `64 vCPUs, 128 GiB memory, 2 gpu:a30`, of what has a bound; empty when nothing has. */
export function formatLimits(limits: Limits__Output | null): string {
  return amountsOf(limits)
    .flatMap(({ what, of, format }) => {
      const value = of(limits);
      return value === undefined ? [] : [`${format(value)} ${what}`];
    })
    .join(', ');
}

/** The same of what is held, leaving out what is 0. */
export function formatHoldings(holdings: Holdings__Output | null): string {
  return amountsOf(holdings)
    .flatMap(({ what, of, format }) => {
      const value = of(holdings) ?? 0;
      return value === 0 ? [] : [`${format(value)} ${what}`];
    })
    .join(', ');
}
