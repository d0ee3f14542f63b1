/** Partners as people see them: what they own, and how much of it others use. */
import type { Partner__Output } from '../../proto/gen/secovia/v1/Partner.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { formatHoldings } from '../values/limits.js';
import { shortName } from '../values/names.js';

export function partnerColumns(nowMs: number): Column<Partner__Output>[] {
  return [
    { head: 'NAME', value: (each) => shortName(each.name) },
    { head: 'COUNTRY', value: (each) => each.country },
    { head: 'SITES', value: (each) => String(each.siteCount), align: 'right' },
    {
      head: 'VMS OF OTHERS',
      value: (each) => (each.heldByOthers === null ? '' : String(each.heldByOthers.vms)),
      align: 'right',
    },
    { head: 'AGE', value: (each) => formatAge(timestampMs(each.createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: (each) => each.title },
    { head: 'NOTE', value: (each) => (each.open ? 'open to everybody' : '') },
  ];
}

export function partnerSheet(each: Partner__Output, nowMs: number, paint: Paint): string {
  const own = each.administrations.map(shortName);
  return sheet(
    [
      ['Name', shortName(each.name)],
      ['Title', each.title],
      ['Country', each.country],
      ['Its own', own.length === 0 ? `all administrations of ${each.country}` : own],
      ['Open', each.open ? 'yes: its sites serve everybody, without agreements' : ''],
      ['Sites', String(each.siteCount)],
      ['Offered to VMs', formatHoldings(each.offered)],
      ['Held by others', each.heldByOthers === null ? '' : formatHoldings(each.heldByOthers) || 'nothing'],
      ['Etag', each.etag],
      ['Created', formatMoment(timestampMs(each.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(each.updateTime), nowMs)],
    ],
    paint,
  );
}
