/** Sites as people see them. */
import type { Site__Output } from '../../proto/gen/secovia/v1/Site.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';

export function siteColumns(nowMs: number): Column<Site__Output>[] {
  return [
    { head: 'NAME', value: (site) => shortName(site.name) },
    { head: 'COUNTRY', value: (site) => site.country },
    { head: 'PARTNER', value: (site) => site.partner },
    { head: 'JURISDICTIONS', value: (site) => site.jurisdictions.join(',') },
    { head: 'HOSTS', value: (site) => String(site.hostCount), align: 'right' },
    { head: 'AGE', value: (site) => formatAge(timestampMs(site.createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: (site) => site.title },
    { head: 'NOTE', value: (site) => (site.cordoned ? 'cordoned' : '') },
  ];
}

export function siteSheet(site: Site__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(site.name)],
      ['Title', site.title],
      ['Partner', site.partner],
      ['Country', site.country],
      ['Jurisdictions', site.jurisdictions.join(', ')],
      ['Hosts', String(site.hostCount)],
      ['vCPU overcommit', `${site.vcpuOvercommitPercent || 100}%`],
      ['Failover room', site.keepFailoverRoom ? 'kept: as much as its largest host has' : ''],
      ['Price tier', String(site.priceTier)],
      ['Cordoned', site.cordoned ? 'yes: nothing new is placed here' : ''],
      ['Etag', site.etag],
      ['Created', formatMoment(timestampMs(site.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(site.updateTime), nowMs)],
    ],
    paint,
  );
}
