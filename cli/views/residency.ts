/** Data classes, residency rules, verdicts and breaches as people see them. */
import type { Breach__Output } from '../../proto/gen/secovia/v1/Breach.js';
import type { DataClass__Output } from '../../proto/gen/secovia/v1/DataClass.js';
import type { Places__Output } from '../../proto/gen/secovia/v1/Places.js';
import type { ResidencyRule__Output } from '../../proto/gen/secovia/v1/ResidencyRule.js';
import type { SiteVerdict__Output } from '../../proto/gen/secovia/v1/SiteVerdict.js';
import { type Paint, stateTone } from '../output/colours.js';
import { sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName, shortVmName } from '../values/names.js';
import { stateWord } from './enums.js';

export function dataClassColumns(nowMs: number): Column<DataClass__Output>[] {
  return [
    { head: 'NAME', value: ({ name }) => shortName(name) },
    { head: 'LEVEL', value: ({ level }) => String(level), align: 'right' },
    { head: 'AGE', value: ({ createTime }) => formatAge(timestampMs(createTime), nowMs), align: 'right' },
    { head: 'TITLE', value: ({ title }) => title },
    { head: 'NOTE', value: ({ builtIn }) => (builtIn ? 'built in' : '') },
  ];
}

export function ruleColumns(nowMs: number): Column<ResidencyRule__Output>[] {
  return [
    { head: 'NAME', value: (rule) => shortName(rule.name) },
    { head: 'CLASS', value: (rule) => shortName(rule.dataClass) },
    { head: 'ADMINISTRATION', value: (rule) => shortName(rule.administration) || 'all' },
    { head: 'PRIORITY', value: (rule) => String(rule.priority), align: 'right' },
    { head: 'STATE', value: (rule) => stateWord(rule.state), tone: (_rule, value) => stateTone(value) },
    { head: 'ALLOWED', value: (rule) => places(rule.allowed) },
    { head: 'FORBIDDEN', value: (rule) => places(rule.forbidden) },
    { head: 'UNTIL', value: (rule) => formatMoment(timestampMs(rule.validUntil), nowMs) },
    { head: 'LEGAL BASIS', value: (rule) => rule.legalBasis },
  ];
}

/** `HR,SI,EEA`: countries first. */
function places(each: Places__Output | null): string {
  return [...(each?.countries ?? []), ...(each?.jurisdictions ?? [])].join(',');
}

export function ruleSheet(rule: ResidencyRule__Output, nowMs: number, paint: Paint): string {
  const { allowed, forbidden } = rule;
  return sheet(
    [
      ['Name', shortName(rule.name)],
      ['Data class', shortName(rule.dataClass)],
      ['Administration', whose(rule)],
      ['State', stateWord(rule.state)],
      ['Allowed countries', (allowed?.countries ?? []).join(', ')],
      ['Allowed jurisdictions', (allowed?.jurisdictions ?? []).join(', ')],
      ['Forbidden countries', (forbidden?.countries ?? []).join(', ')],
      ['Forbidden jurisdictions', (forbidden?.jurisdictions ?? []).join(', ')],
      ['Legal basis', rule.legalBasis],
      ['Priority', String(rule.priority)],
      ['Valid from', formatMoment(timestampMs(rule.validFrom), nowMs)],
      ['Valid until', formatMoment(timestampMs(rule.validUntil), nowMs)],
      ['Start in place until', formatMoment(timestampMs(rule.startInPlaceUntil), nowMs)],
      ['Etag', rule.etag],
      ['Created', formatMoment(timestampMs(rule.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(rule.updateTime), nowMs)],
    ],
    paint,
  );
}

function whose({ administration }: ResidencyRule__Output): string {
  return administration === '' ? 'all' : `${shortName(administration)} and those below it`;
}

export const verdictColumns: Column<SiteVerdict__Output>[] = [
  { head: 'SITE', value: ({ site }) => shortName(site) },
  {
    head: 'LAWFUL',
    value: ({ lawful }) => (lawful ? 'yes' : 'no'),
    tone: ({ lawful }) => (lawful ? 'good' : 'bad'),
  },
  {
    head: 'SERVED',
    value: ({ served }) => (served ? 'yes' : 'no'),
    tone: ({ served }) => (served ? 'good' : 'bad'),
  },
  { head: 'RULE', value: ({ residencyRule }) => shortName(residencyRule) },
  { head: 'AGREEMENTS', value: ({ agreements }) => agreements.map(shortName).join(', ') },
  { head: 'REASON', value: ({ reason }) => reason },
];

export function breachColumns(nowMs: number): Column<Breach__Output>[] {
  return [
    { head: 'VM', value: ({ vm }) => shortVmName(vm) },
    { head: 'HOST', value: ({ host }) => shortName(host) },
    { head: 'SITE', value: ({ site }) => shortName(site) },
    { head: 'CODE', value: ({ reasonCode }) => reasonCode, tone: () => 'bad' },
    // By the scheduler's clock, which is the one that counts.
    { head: 'SINCE', value: ({ age }) => formatAge(0, (age?.seconds ?? 0) * 1000), align: 'right' },
    {
      head: 'MAY START UNTIL',
      value: ({ startInPlaceUntil }) => formatMoment(timestampMs(startInPlaceUntil), nowMs),
    },
    { head: 'WOULD GO TO', value: ({ plannedHost }) => shortName(plannedHost) },
    { head: 'REASON', value: ({ reason, noHost }) => [reason, noHost].filter(Boolean).join('; ') },
  ];
}
