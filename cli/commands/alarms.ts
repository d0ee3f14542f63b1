/** `secovia alarms`: what has to be seen to. */
import { Option } from 'commander';
import { defineCommand, flag, option } from '../command.js';
import { exitCodes, Failure } from '../failure.js';
import { list } from '../output/present.js';
import { alarmColumns } from '../views/alarm.js';

const severities = ['notice', 'warning', 'critical'] as const;
type Severity = (typeof severities)[number];

interface Options {
  severity?: Severity;
  about?: string;
  filter?: string;
  check?: true;
}

export const alarms = defineCommand<Options>({
  usage: 'alarms',
  summary: 'List what has to be seen to: since when, and what to do',
  description:
    'The most severe first. An alarm is there for as long as its reason is, and needs nobody to acknowledge it.\n' +
    'With --check the exit status is 7 when one of those listed is critical, for a monitor.',
  examples: [
    'secovia alarms',
    'secovia alarms --severity warning --about hosts/zagreb-1',
    'secovia alarms --check --severity critical --output json',
  ],
  options: [
    new Option('--severity <severity>', 'those at least as severe').choices(severities),
    option('--about <name>', 'about this resource, by its whole name, e.g. hosts/zagreb-1'),
    option('--filter <expression>', 'by code, severity, about, since >= "2026-11-01T00:00:00Z"'),
    flag('--check', 'exit with status 7 when one is critical'),
  ],
  async run(context, _args, options) {
    const filter = filterOf(options);
    let critical = 0;
    await list(context, {
      service: 'AlarmService',
      method: 'ListAlarms',
      request: { filter },
      key: 'alarms',
      rows: (page) => page.alarms,
      columns: alarmColumns(context.nowMs),
      none: filter === '' ? 'there is nothing to see to.' : 'no alarm matches.',
      seen: (page) => {
        critical += page.alarms.filter(({ severity }) => severity === 'ALARM_SEVERITY_CRITICAL').length;
      },
    });
    if (options.check !== true || critical === 0) return;
    throw new Failure(
      critical === 1 ? 'one alarm is critical.' : `${critical} alarms are critical.`,
      exitCodes.alarm,
    );
  },
});

function filterOf({ severity, about, filter }: Options): string {
  const parts: string[] = [];
  if (severity !== undefined) {
    const wanted = severities.slice(severities.indexOf(severity));
    parts.push(`(${wanted.map((each) => `severity = ${each.toUpperCase()}`).join(' OR ')})`);
  }
  if (about !== undefined) parts.push(`about = "${about.replace(/["\\]/g, '\\$&')}"`);
  if (filter !== undefined && filter.trim() !== '') parts.push(`(${filter})`);
  return parts.join(' AND ');
}
