/** Identities as people see them: who they are, whose things they may touch, and how long their certificates last. */
import type { Certificate__Output } from '../../proto/gen/secovia/v1/Certificate.js';
import type { Identity__Output } from '../../proto/gen/secovia/v1/Identity.js';
import type { Role } from '../../proto/gen/secovia/v1/Role.js';
import type { Paint } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';

/** As they are typed. */
export const roles = {
  'federation-administrator': 'ROLE_FEDERATION_ADMINISTRATOR',
  'partner-operator': 'ROLE_PARTNER_OPERATOR',
  'administration-administrator': 'ROLE_ADMINISTRATION_ADMINISTRATOR',
  'administration-user': 'ROLE_ADMINISTRATION_USER',
  auditor: 'ROLE_AUDITOR',
  portal: 'ROLE_PORTAL',
} as const satisfies Record<string, Role>;

export type RoleWord = keyof typeof roles;

/** `ROLE_PARTNER_OPERATOR` → `partner-operator`; one that this version does not know stays as it came. */
export function roleWord(role: string): string {
  const known = Object.entries(roles).find(([, name]) => name === role);
  return known?.[0] ?? String(role);
}

type Scoped = Pick<Identity__Output, 'partner' | 'administration' | 'serves'>;

/** Whose things it may touch. */
function scopeOf({ partner, administration, serves }: Scoped): string {
  return [partner, administration, ...serves].filter(Boolean).map(shortName).join(', ');
}

/** When the last of the certificates that are good ends; null when none is. */
function endOf({ certificates }: Identity__Output, nowMs: number): number | null {
  const ends = certificates
    .filter(({ revokeTime }) => revokeTime === null)
    .map(({ expireTime }) => timestampMs(expireTime) ?? 0)
    .filter((endMs) => endMs > nowMs);
  return ends.length === 0 ? null : Math.max(...ends);
}

export function identityColumns(nowMs: number): Column<Identity__Output>[] {
  return [
    { head: 'NAME', value: (each) => shortName(each.name) },
    { head: 'ROLE', value: (each) => roleWord(each.role) },
    { head: 'OF', value: scopeOf },
    { head: 'CERTIFICATE UNTIL', value: (each) => dayOf(endOf(each, nowMs)) },
    { head: 'AGE', value: (each) => formatAge(timestampMs(each.createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: (each) => each.title },
    { head: 'NOTE', value: (each) => (each.disabled ? 'disabled' : '') },
  ];
}

function dayOf(ms: number | null): string {
  return ms === null ? 'none' : new Date(ms).toISOString().slice(0, 10);
}

export function identitySheet(each: Identity__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(each.name)],
      ['Title', each.title],
      ['Role', roleWord(each.role)],
      ['Partner', shortName(each.partner)],
      ['Administration', shortName(each.administration)],
      ['Serves', each.serves.map(shortName)],
      ['URI', each.uri],
      ['Disabled', each.disabled ? 'yes: nothing of it is accepted' : ''],
      ['Certificates', each.certificates.map((one) => certificateText(one, nowMs))],
      ['Etag', each.etag],
      ['Created', formatMoment(timestampMs(each.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(each.updateTime), nowMs)],
    ],
    paint,
  );
}

function certificateText({ serial, expireTime, revokeTime }: Certificate__Output, nowMs: number): string {
  const until = `until ${formatMoment(timestampMs(expireTime), nowMs)}`;
  const revoked = revokeTime === null ? '' : `, revoked ${formatMoment(timestampMs(revokeTime), nowMs)}`;
  return `${serial} ${until}${revoked}`;
}
