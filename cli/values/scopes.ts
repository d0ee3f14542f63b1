/** Where a limit holds, as people type and read it: everywhere, in a country, or on a site. */
import type { Scope, Scope__Output } from '../../proto/gen/secovia/v1/Scope.js';
import { shortName } from './names.js';

/** As the options `--country` and `--site` give it. */
export interface ScopeOptions {
  country?: string;
  /** `sites/{site}`. */
  site?: string;
}

export function scopeOf({ country, site }: ScopeOptions): Scope {
  if (country !== undefined) return { country };
  return site === undefined ? {} : { site };
}

/** The last part of a quota's name. */
export function scopeKeyOf({ country, site }: ScopeOptions): string {
  if (country !== undefined) return `country-${country.toLowerCase()}`;
  return site === undefined ? 'everywhere' : `site-${shortName(site)}`;
}

/** `everywhere`, `HR`, `site zagreb`. */
export function scopeWords(scope: Scope__Output | null): string {
  if (scope?.country !== undefined) return scope.country;
  return scope?.site === undefined ? 'everywhere' : `site ${shortName(scope.site)}`;
}

const quotaPattern = /^administrations\/([^/]+)\/quotas\/([^/]+)$/;

/** The administration of a quota and where it holds, from its name; undefined for another name. */
export function quotaWords(name: string): { administration: string; where: string } | undefined {
  const match = quotaPattern.exec(name);
  if (match === null) return undefined;
  const [, administration = '', key = ''] = match;
  const country = /^country-([a-z]{2})$/.exec(key)?.[1];
  const site = /^site-(.+)$/.exec(key)?.[1];
  if (country !== undefined) return { administration, where: `in ${country.toUpperCase()}` };
  return { administration, where: site === undefined ? key : `on site ${site}` };
}
