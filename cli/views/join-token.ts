/** Join tokens as people see them: what is left of each, and who has come with it. */
import type { JoinToken__Output } from '../../proto/gen/secovia/v1/JoinToken.js';
import type { Column } from '../output/table.js';
import { formatAge, formatDuration, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';

export function joinTokenColumns(nowMs: number): Column<JoinToken__Output>[] {
  return [
    { head: 'NAME', value: (token) => shortName(token.name) },
    { head: 'SITE', value: (token) => shortName(token.site) },
    { head: 'LEFT', value: (token) => String(token.usesLeft), align: 'right' },
    {
      head: 'ENDS IN',
      value: (token) => formatDuration((timestampMs(token.expireTime) ?? nowMs) - nowMs),
      align: 'right',
    },
    { head: 'AGE', value: (token) => formatAge(timestampMs(token.createTime), nowMs), align: 'right' },
    { head: 'BY', value: (token) => token.creator },
    { head: 'HOSTS', value: (token) => token.hosts.map(shortName).join(',') },
  ];
}
