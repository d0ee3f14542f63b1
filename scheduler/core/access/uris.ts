/** What certificates call their owners: URIs in the manner of SPIFFE, `spiffe://FEDERATION/KIND/...`. */
import type { Identity, Role } from './model.js';

/** Who a URI names. */
export type Named =
  | { kind: 'host'; id: string }
  | { kind: 'scheduler' }
  /** `path` is all of the URI after the federation. */
  | { kind: 'identity'; id: string; path: string };

export function hostUri(federation: string, host: string): string {
  return `spiffe://${federation}/host/${host}`;
}

export function schedulerUri(federation: string): string {
  return `spiffe://${federation}/scheduler`;
}

/** Every call asks for it; records of identities are never changed, but replaced. */
const knownPaths = new WeakMap<Identity, string>();

export function identityUri(federation: string, identity: Identity): string {
  let path = knownPaths.get(identity);
  if (path === undefined) {
    path = pathOf(identity);
    knownPaths.set(identity, path);
  }
  return `spiffe://${federation}${path}`;
}

const kinds: Record<Role, string> = {
  federation_administrator: 'admin',
  partner_operator: 'operator',
  administration_administrator: 'administration',
  administration_user: 'administration',
  auditor: 'auditor',
  portal: 'portal',
};

function pathOf({ id, role, partner, administration }: Identity): string {
  return ['', kinds[role], partner ?? administration, id].filter((part) => part !== null).join('/');
}

/** Null for what is no URI of this federation. */
export function namedBy(federation: string, uri: string): Named | null {
  const prefix = `spiffe://${federation}/`;
  if (!uri.startsWith(prefix)) return null;
  const path = uri.slice(prefix.length - 1);
  const parts = path.split('/').slice(1);
  if (parts.some((part) => part === '')) return null;
  const [kind = '', first, second] = parts;
  if (kind === 'scheduler') return parts.length === 1 ? { kind: 'scheduler' } : null;
  if (kind === 'host') return parts.length === 2 && first !== undefined ? { kind: 'host', id: first } : null;
  const scoped = kind === 'operator' || kind === 'administration';
  const id = scoped ? second : first;
  if (id === undefined || parts.length !== (scoped ? 3 : 2) || !Object.values(kinds).includes(kind))
    return null;
  return { kind: 'identity', id, path };
}
