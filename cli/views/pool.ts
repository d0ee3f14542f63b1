/** Shared storage pools as people see them. */
import type { StoragePool__Output } from '../../proto/gen/secovia/v1/StoragePool.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { formatMib } from '../values/sizes.js';
import { stateWord } from './enums.js';

export function poolColumns(nowMs: number): Column<StoragePool__Output>[] {
  return [
    { head: 'NAME', value: (pool) => shortName(pool.name) },
    { head: 'KIND', value: (pool) => stateWord(pool.kind).toLowerCase() },
    { head: 'SITE', value: (pool) => shortName(pool.site) },
    { head: 'HOSTS', value: (pool) => String(pool.hosts.length), align: 'right' },
    { head: 'DISK', value: usage, align: 'right' },
    { head: 'AGE', value: (pool) => formatAge(timestampMs(pool.createTime), nowMs), align: 'right' },
    { head: 'PATH', value: (pool) => pool.path },
  ];
}

/** `12 GiB/2 TiB`: held by volumes, of what there is; nothing to who may not see it. */
function usage(pool: StoragePool__Output): string {
  if (pool.capacityMib === 0) return '';
  return `${formatMib(pool.claimedMib)}/${formatMib(pool.capacityMib)}`;
}

export function poolSheet(pool: StoragePool__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(pool.name)],
      ['Kind', stateWord(pool.kind).toLowerCase()],
      ['Site', shortName(pool.site)],
      ['Path', pool.path],
      ['Hosts', pool.hosts.map(shortName)],
      ['Capacity', pool.capacityMib === 0 ? '' : formatMib(pool.capacityMib)],
      ['Held by volumes', pool.capacityMib === 0 ? '' : formatMib(pool.claimedMib)],
      ['Etag', pool.etag],
      ['Created', formatMoment(timestampMs(pool.createTime), nowMs)],
    ],
    paint,
  );
}
