/** Segments of use as people and spreadsheets see them. Hours and money are exact: what was counted, never a double. */
import type { UsageSegment__Output } from '../../proto/gen/secovia/v1/UsageSegment.js';
import type { CsvColumn } from '../output/csv.js';
import type { Column } from '../output/table.js';
import { decimal, shortDecimal } from '../values/decimals.js';
import { timestampMs } from '../values/durations.js';
import { momentText } from '../values/periods.js';
import { shortName, shortVmName } from '../values/names.js';
import { formatMib } from '../values/sizes.js';

const microDecimals = 6;

const startMs = ({ startTime }: UsageSegment__Output) => timestampMs(startTime) ?? 0;
const endMs = ({ endTime }: UsageSegment__Output) => timestampMs(endTime) ?? 0;

export const usageColumns: Column<UsageSegment__Output>[] = [
  { head: 'VM', value: (each) => shortVmName(each.vm) },
  { head: 'SITE', value: (each) => shortName(each.site) },
  { head: 'HOST', value: (each) => shortName(each.host) },
  { head: 'FROM', value: (each) => momentText(startMs(each)) },
  { head: 'TO', value: (each) => momentText(endMs(each)) },
  { head: 'VCPUS', value: (each) => String(each.vcpus), align: 'right' },
  { head: 'MEMORY', value: (each) => formatMib(each.memoryMib), align: 'right' },
  { head: 'DISK', value: (each) => formatMib(each.diskMib), align: 'right' },
  { head: 'COST', value: costText, align: 'right' },
  { head: 'AGREEMENT', value: (each) => shortName(each.agreement) },
  { head: 'NOTE', value: (each) => (each.stopped ? 'stopped' : '') },
];

function costText({ costMicros, currency }: UsageSegment__Output): string {
  return costMicros === 0 ? '' : `${shortDecimal(costMicros, microDecimals, 2)} ${currency}`;
}

export const usageCsv: CsvColumn<UsageSegment__Output>[] = [
  { head: 'vm', value: (each) => each.vm },
  { head: 'vm_uid', value: (each) => each.vmUid },
  { head: 'host', value: (each) => each.host },
  { head: 'site', value: (each) => each.site },
  { head: 'country', value: (each) => each.country },
  { head: 'partner', value: (each) => each.partner },
  { head: 'agreement', value: (each) => each.agreement },
  { head: 'vcpus', value: (each) => String(each.vcpus) },
  { head: 'memory_mib', value: (each) => String(each.memoryMib) },
  { head: 'disk_mib', value: (each) => String(each.diskMib) },
  { head: 'stopped', value: (each) => String(each.stopped) },
  { head: 'start_time', value: (each) => new Date(startMs(each)).toISOString() },
  { head: 'end_time', value: (each) => new Date(endMs(each)).toISOString() },
  { head: 'seconds', value: (each) => decimal(endMs(each) - startMs(each), 3) },
  { head: 'cost', value: (each) => decimal(each.costMicros, microDecimals) },
  { head: 'currency', value: (each) => each.currency },
];

const hourMs = 3_600_000n;

/** What segments add up to. */
export class UsageTotal {
  #segments = 0;
  readonly #vms = new Set<string>();
  #vcpuMs = 0n;
  #memoryMibMs = 0n;
  #diskMibMs = 0n;
  readonly #costMicros = new Map<string, bigint>();

  add(segment: UsageSegment__Output): void {
    const ms = BigInt(endMs(segment) - startMs(segment));
    this.#segments += 1;
    this.#vms.add(segment.vmUid);
    this.#vcpuMs += BigInt(segment.vcpus) * ms;
    this.#memoryMibMs += BigInt(segment.memoryMib) * ms;
    this.#diskMibMs += BigInt(segment.diskMib) * ms;
    if (segment.costMicros === 0) return;
    const before = this.#costMicros.get(segment.currency) ?? 0n;
    this.#costMicros.set(segment.currency, before + BigInt(segment.costMicros));
  }

  /** Hours to a thousandth, and the sum of what the segments cost. */
  text(): string {
    const hours = [
      `vCPU ${thousandths(this.#vcpuMs, hourMs)}`,
      `memory ${thousandths(this.#memoryMibMs, hourMs * 1024n)} GiB`,
      `disk ${thousandths(this.#diskMibMs, hourMs * 1024n)} GiB`,
    ];
    const costs = [...this.#costMicros]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, micros]) => `${shortDecimal(micros, microDecimals, 2)} ${currency}`);
    const count = `${plural(this.#segments, 'segment')} of ${plural(this.#vms.size, 'VM')}`;
    const cost = costs.length === 0 ? '' : `; cost: ${costs.join(', ')}`;
    return `\n${count}; hours: ${hours.join(', ')}${cost}\n`;
  }
}

function thousandths(amount: bigint, unit: bigint): string {
  return shortDecimal((amount * 1000n + unit / 2n) / unit, 3);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
