/** What requests say of identities, checked for form: which scope goes with which role, serials, days. */
import type { Identity__Output } from '../../proto/gen/secovia/v1/Identity.js';
import type { Role } from '../core/access/model.js';
import { certificatesKept } from '../core/access/certificates.js';
import { roleNames } from '../render/identity.js';
import { type Fields, quoted } from './fields.js';

export const mostServed = 100;
export const defaultCertificateDays = 90;
export const mostCertificateDays = 366;
const serialForm = /^[0-9a-f]{1,64}$/;

const roles = Object.fromEntries(Object.entries(roleNames).map(([role, name]) => [name, role as Role]));

export function roleIn(fields: Fields, role: string | number): Role {
  return fields.choice('identity.role', role, roles as Record<string, Role>);
}

interface Scope {
  partner: string | null;
  administration: string | null;
  serves: string[];
}

/** Each role has the scope that it is about, and no other. */
export function scopeOf(fields: Fields, role: Role, sent: Identity__Output): Scope {
  const wanted = {
    partner: role === 'partner_operator',
    administration: role === 'administration_administrator' || role === 'administration_user',
    serves: role === 'portal',
  };
  const name = roleNames[role];
  if (wanted.partner && sent.partner === '')
    fields.fault('identity.partner', `is missing; ${name} is of a partner`);
  if (!wanted.partner && sent.partner !== '')
    fields.fault('identity.partner', `must be left out; ${name} is of no partner`);
  if (wanted.administration && sent.administration === '')
    fields.fault('identity.administration', `is missing; ${name} is of an administration`);
  if (!wanted.administration && sent.administration !== '')
    fields.fault('identity.administration', `must be left out; ${name} is of no administration`);
  if (wanted.serves && sent.serves.length === 0)
    fields.fault('identity.serves', `is empty; say for which administrations ${name} may act`);
  if (!wanted.serves && sent.serves.length > 0)
    fields.fault('identity.serves', `must be left out; ${name} acts for nobody else`);
  return {
    partner: sent.partner === '' ? null : fields.name('identity.partner', 'partner', sent.partner),
    administration:
      sent.administration === ''
        ? null
        : fields.name('identity.administration', 'administration', sent.administration),
    serves: servesIn(fields, sent.serves),
  };
}

/** Each once. */
export function servesIn(fields: Fields, names: readonly string[]): string[] {
  const listed = fields.list('identity.serves', names, mostServed);
  return [...new Set(listed.map((name) => fields.name('identity.serves', 'administration', name)))];
}

export function certificateDaysIn(fields: Fields, days: number): number {
  return fields.whole('days', days, 0, mostCertificateDays) || defaultCertificateDays;
}

/** Each once, in lower case. */
export function serialsIn(fields: Fields, serials: readonly string[]): string[] {
  const listed = fields.list('serials', serials, certificatesKept).map((serial) => serial.toLowerCase());
  for (const serial of listed)
    if (!serialForm.test(serial)) fields.fault('serials', `${quoted(serial)} must be hexadecimal`);
  return [...new Set(listed)];
}
