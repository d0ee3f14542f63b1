/** The options for the places that a residency rule allows and forbids. What is said of one kind leaves the other as it was. */
import type { Option } from 'commander';
import type { Places, Places__Output } from '../proto/gen/secovia/v1/Places.js';
import { flag, repeated } from './command.js';
import { parseCountry } from './values/words.js';

/** `false` from the --no- forms. */
export interface PlaceOptions {
  allowCountry?: string[] | false;
  allowJurisdiction?: string[] | false;
  forbidCountry?: string[] | false;
  forbidJurisdiction?: string[] | false;
}

export function placeOptions(): Option[] {
  return [
    repeated('--allow-country <country>', 'a country where they may be', parseCountry),
    repeated('--allow-jurisdiction <jurisdiction>', 'a law under which they may be, e.g. EU', (text) => text),
    repeated('--forbid-country <country>', 'a country where they may not be', parseCountry),
    repeated('--forbid-jurisdiction <jurisdiction>', 'a law under which they may not be', (text) => text),
  ];
}

/** For a rule that there is. */
export function noPlaceOptions(): Option[] {
  return [
    flag('--no-allow-country', 'allow no country by name'),
    flag('--no-allow-jurisdiction', 'allow no jurisdiction by name'),
    flag('--no-forbid-country', 'forbid no country by name'),
    flag('--no-forbid-jurisdiction', 'forbid no jurisdiction by name'),
  ];
}

function said(options: PlaceOptions, way: 'allow' | 'forbid') {
  return way === 'allow'
    ? { countries: options.allowCountry, jurisdictions: options.allowJurisdiction }
    : { countries: options.forbidCountry, jurisdictions: options.forbidJurisdiction };
}

/** Whether something is said, of one way or of both. */
export function saysPlaces(options: PlaceOptions, ...ways: ('allow' | 'forbid')[]): boolean {
  return (ways.length === 0 ? (['allow', 'forbid'] as const) : ways).some((way) => {
    const { countries, jurisdictions } = said(options, way);
    return countries !== undefined || jurisdictions !== undefined;
  });
}

/** What was there, with what was said instead. */
export function placesOf(
  options: PlaceOptions,
  way: 'allow' | 'forbid',
  before: Places__Output | null = null,
): Places {
  const { countries, jurisdictions } = said(options, way);
  return {
    countries: countries === false ? [] : (countries ?? before?.countries ?? []),
    jurisdictions: jurisdictions === false ? [] : (jurisdictions ?? before?.jurisdictions ?? []),
  };
}
