/** Where a limit holds, as a key that is also the last part of a quota's name. */
import type { Site } from '../model.js';
import type { Scope } from './model.js';

export const everywhere: Scope = { kind: 'everywhere' };

/** `everywhere`, `country-hr` or `site-zagreb`. */
export function scopeKey(scope: Scope): string {
  if (scope.kind === 'country') return countryKey(scope.country);
  return scope.kind === 'site' ? siteKey(scope.site) : 'everywhere';
}

export const countryKey = (country: string): string => `country-${country.toLowerCase()}`;
export const siteKey = (site: string): string => `site-${site}`;

/** Null for what is no such key. */
export function scopeOfKey(key: string): Scope | null {
  if (key === 'everywhere') return everywhere;
  const country = /^country-([a-z]{2})$/.exec(key)?.[1];
  if (country !== undefined) return { kind: 'country', country: country.toUpperCase() };
  const site = /^site-(.+)$/.exec(key)?.[1];
  return site === undefined ? null : { kind: 'site', site };
}

/** The key of an administration's quota in a scope. */
export function quotaKey(administration: string, scope: Scope): string {
  return `${administration}/${scopeKey(scope)}`;
}

/** Whether what is on a site counts in a scope. */
export function covers(scope: Scope, site: Pick<Site, 'id' | 'country'>): boolean {
  if (scope.kind === 'country') return scope.country === site.country;
  return scope.kind === 'everywhere' || scope.site === site.id;
}

/** For sentences: `everywhere`, `in HR`, `on site "zagreb"`. */
export function scopeWords(scope: Scope): string {
  if (scope.kind === 'country') return `in ${scope.country}`;
  return scope.kind === 'site' ? `on site "${scope.site}"` : 'everywhere';
}
