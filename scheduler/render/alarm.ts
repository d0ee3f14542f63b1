/** Alarms as messages. */
import type { Alarm as AlarmMessage } from '../../proto/gen/secovia/v1/Alarm.js';
import type { AlarmSeverity__Output as SeverityName } from '../../proto/gen/secovia/v1/AlarmSeverity.js';
import type { About, Alarm, Severity } from '../core/alarms/alarm.js';
import { timestamp } from './basics.js';
import { nameOf, quotaName, vmName } from './names.js';

const severityNames: Record<Severity, SeverityName> = {
  critical: 'ALARM_SEVERITY_CRITICAL',
  warning: 'ALARM_SEVERITY_WARNING',
  notice: 'ALARM_SEVERITY_NOTICE',
};

export function alarmMessage(alarm: Alarm): AlarmMessage {
  const { code, severity, about, sinceMs, message, advice } = alarm;
  return {
    name: `alarms/${alarmId(alarm)}`,
    code,
    severity: severityNames[severity],
    about: aboutName(about),
    sinceTime: timestamp(sinceMs),
    message,
    advice,
  };
}

/** The same for as long as an alarm lasts. */
export function alarmId({ code, about, of }: Pick<Alarm, 'code' | 'about' | 'of'>): string {
  const name = aboutName(about).replaceAll('/', '.');
  return `${code.toLowerCase().replaceAll('_', '-')}.${name}${of === undefined ? '' : `.${of}`}`;
}

/** The name of what an alarm is about. */
export function aboutName(about: About): string {
  switch (about.kind) {
    case 'federation':
      return 'federation';
    case 'VM':
      return vmName(about.administration, about.id);
    case 'quota':
      return quotaName(about.administration, about.key);
    default:
      return nameOf(about.kind, about.id);
  }
}
