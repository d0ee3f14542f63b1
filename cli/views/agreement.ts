/** Agreements between partners and beneficiaries as people see them. */
import type { Agreement__Output } from '../../proto/gen/secovia/v1/Agreement.js';
import type { Price__Output } from '../../proto/gen/secovia/v1/Price.js';
import { type Paint, stateTone } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatMoment, timestampMs } from '../values/durations.js';
import { formatHoldings, formatLimits } from '../values/limits.js';
import { shortName } from '../values/names.js';
import { formatMicros } from '../values/prices.js';
import { stateWord } from './enums.js';

export function agreementColumns(nowMs: number): Column<Agreement__Output>[] {
  return [
    { head: 'NAME', value: (each) => shortName(each.name) },
    { head: 'PARTNER', value: (each) => shortName(each.partner) },
    { head: 'FOR', value: beneficiary },
    { head: 'STATE', value: (each) => stateWord(each.state), tone: (_each, value) => stateTone(value) },
    { head: 'VMS', value: (each) => (each.used === null ? '' : String(each.used.vms)), align: 'right' },
    { head: 'VCPUS', value: (each) => vcpus(each), align: 'right' },
    { head: 'UNTIL', value: (each) => formatMoment(timestampMs(each.noticeUntil ?? each.validUntil), nowMs) },
    { head: 'TITLE', value: (each) => each.title },
  ];
}

function vcpus({ used, limit }: Agreement__Output): string {
  // What others use under it is not shown to everybody.
  return `${used?.vcpus ?? ''}/${limit?.vcpus ?? '-'}`;
}

/** `partner arnes`, `administration osijek`. */
function beneficiary({ beneficiaryPartner, beneficiaryAdministration }: Agreement__Output): string {
  if (beneficiaryPartner !== undefined) return `partner ${shortName(beneficiaryPartner)}`;
  return beneficiaryAdministration === undefined
    ? ''
    : `administration ${shortName(beneficiaryAdministration)}`;
}

export function agreementSheet(each: Agreement__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(each.name)],
      ['Title', each.title],
      ['Partner', shortName(each.partner)],
      ['For', beneficiary(each)],
      ['State', stateWord(each.state)],
      ['Recalled', each.recalled ? 'yes' : ''],
      ['VMs may stay until', formatMoment(timestampMs(each.noticeUntil), nowMs)],
      ['At most', formatLimits(each.limit) || 'no limit'],
      ['At most, as a share', each.limitPercent === 0 ? '' : `${each.limitPercent}% of what its hosts offer`],
      ['Used', each.used === null ? '' : formatHoldings(each.used) || 'nothing'],
      ['Reserve', formatLimits(each.reserve)],
      ['Price an hour', priceLines(each.price)],
      ['Notice', `${each.noticeDays} days`],
      ['Valid from', formatMoment(timestampMs(each.validFrom), nowMs)],
      ['Valid until', formatMoment(timestampMs(each.validUntil), nowMs)],
      ['Etag', each.etag],
      ['Created', formatMoment(timestampMs(each.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(each.updateTime), nowMs)],
    ],
    paint,
  );
}

function priceLines(price: Price__Output | null): string[] {
  if (price === null) return ['nothing'];
  const { currency, vcpuMicros, memoryGibMicros, diskGibMicros, stoppedPercent } = price;
  const line = (micros: number, what: string) =>
    micros === 0 ? [] : [`${formatMicros(micros)} ${currency} ${what}`];
  const lines = [
    ...line(vcpuMicros, 'a vCPU'),
    ...line(memoryGibMicros, 'a GiB of memory'),
    ...line(diskGibMicros, 'a GiB of disk'),
  ];
  if (lines.length === 0) return ['nothing'];
  return [...lines, `${stoppedPercent}% of it for vCPUs and memory while stopped`];
}
