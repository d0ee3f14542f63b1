/** What an agreement says; the same options when it is made and when it is changed. */
import type { Option } from 'commander';
import type { Price, Price__Output } from '../proto/gen/secovia/v1/Price.js';
import { option } from './command.js';
import type { LimitOptions, ReserveOptions } from './limit-options.js';
import { type Moment, parseDays, parseMoment } from './values/moments.js';
import { parseCurrency, parsePercent, parsePriceMicros } from './values/prices.js';

export interface PriceOptions {
  currency?: string;
  /** In millionths, as the others. */
  priceVcpuHour?: number;
  priceMemoryGibHour?: number;
  priceDiskGibHour?: number;
  stoppedPercent?: number;
}

export interface TermOptions extends LimitOptions, ReserveOptions, PriceOptions {
  title?: string;
  /** False from --no-limit-percent. */
  limitPercent?: number | false;
  /** False from --no-until. */
  until?: Moment | false;
  /** Days. */
  notice?: number;
}

export function termOptions(): Option[] {
  return [
    option('--title <text>', 'a name for people'),
    option('--limit-percent <percent>', 'at most that share of what its hosts offer', parsePercent),
    option('--until <time>', 'it expires then, e.g. 2027-12-31', parseMoment),
    option('--notice <duration>', 'VMs may stay so long after it ends, e.g. 90d', parseDays),
    option('--currency <currency>', 'of the prices, ISO 4217, e.g. EUR', parseCurrency),
    option('--price-vcpu-hour <price>', 'of a vCPU for an hour, e.g. 0.012', parsePriceMicros),
    option('--price-memory-gib-hour <price>', 'of a GiB of memory', parsePriceMicros),
    option('--price-disk-gib-hour <price>', 'of a GiB of disk', parsePriceMicros),
    option('--stopped-percent <percent>', 'of vCPUs and memory while stopped', parsePercent),
  ];
}

export function saysPrice(options: PriceOptions): boolean {
  const { currency, priceVcpuHour, priceMemoryGibHour, priceDiskGibHour, stoppedPercent } = options;
  return [currency, priceVcpuHour, priceMemoryGibHour, priceDiskGibHour, stoppedPercent].some(
    (each) => each !== undefined,
  );
}

/** What was there, with what was said instead. */
export function priceOf(options: PriceOptions, before: Price__Output | null = null): Price {
  return {
    currency: options.currency ?? before?.currency ?? '',
    vcpuMicros: options.priceVcpuHour ?? before?.vcpuMicros ?? 0,
    memoryGibMicros: options.priceMemoryGibHour ?? before?.memoryGibMicros ?? 0,
    diskGibMicros: options.priceDiskGibHour ?? before?.diskGibMicros ?? 0,
    stoppedPercent: options.stoppedPercent ?? before?.stoppedPercent ?? 0,
  };
}
