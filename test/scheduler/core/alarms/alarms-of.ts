/** The alarms of a world, all in one go. */
import type { Alarm, OwnCertificate } from '../../../../scheduler/core/alarms/alarm.js';
import { seesAlarm } from '../../../../scheduler/core/alarms/in-sight.js';
import { walkAlarms } from '../../../../scheduler/core/alarms/walk.js';
import { Sight } from '../../../../scheduler/core/access/sight.js';
import type { Standing } from '../../../../scheduler/core/access/caller.js';
import type { World } from '../world.js';

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** As somebody sees them; without a standing, as an auditor does. */
export function alarmsOf(
  { state, nowMs }: World,
  standing: Standing = { role: 'auditor' },
  certificates: OwnCertificate[] = [],
): Alarm[] {
  const found: Alarm[] = [];
  const sight = new Sight(state, standing);
  const alarm = (one: Alarm) => {
    if (seesAlarm(state, sight, one)) found.push(one);
  };
  for (const _ of walkAlarms(state, { nowMs, certificates }, sight.top, { alarm }));
  return found;
}

export function codesOf(world: World, standing?: Standing): string[] {
  return alarmsOf(world, standing).map(({ code }) => code);
}

/** The one alarm with this code; that there is no other of it is part of what it says. */
export function theAlarm(world: World, code: string): Alarm {
  const [alarm, ...others] = alarmsOf(world).filter((one) => one.code === code);
  if (alarm === undefined || others.length > 0) {
    throw new Error(
      `${others.length + (alarm === undefined ? 0 : 1)} alarms ${code}: ${codesOf(world).join()}`,
    );
  }
  return alarm;
}
