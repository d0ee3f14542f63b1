/** AlarmService: what somebody has to see to. */
import type { ListAlarmsRequest__Output } from '../../proto/gen/secovia/v1/ListAlarmsRequest.js';
import type { Caller } from '../core/access/caller.js';
import { alarmFilter } from '../core/alarms/alarm-filter.js';
import { type Alarm, type OwnCertificate, severities } from '../core/alarms/alarm.js';
import { seesAlarm } from '../core/alarms/in-sight.js';
import { walkAlarms } from '../core/alarms/walk.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { aboutName, alarmId, alarmMessage } from '../render/alarm.js';
import type { StateWalks } from '../state-walks.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import type { Predicate } from './filter.js';
import { filterOf } from './filters.js';
import { answeredLater } from './later-answers.js';
import type { UnaryHandler } from './methods.js';
import { FirstById, type Page, pageOf } from './pages.js';

export interface AlarmOptions {
  walks: StateWalks;
  /** Certificates that are in no record, as they are now. */
  certificates(): readonly OwnCertificate[];
}

const busy: Refusal = {
  ...refuse('exhausted', 'ALARMS_BUSY', 'too many look through the alarms at once; try again in a moment'),
  retryDelayMs: 2000,
};

export function alarmService(options: AlarmOptions) {
  return { ListAlarms: listAlarms(options) };
}

/** A walk takes several turns: what the caller may see is asked in the first, and whether it may ask once more at the end. */
function listAlarms(options: AlarmOptions): UnaryHandler {
  const trouble = 'the alarms could not be gone through';
  return answeredLater(trouble, (request: ListAlarmsRequest__Output, context, caller, unwanted, path) => {
    const { engine } = context;
    const fields = new Fields();
    const page = pageOf(fields, request, `alarms ${request.filter}`);
    const matches = filterOf(
      fields,
      request.filter,
      alarmFilter(({ about }) => aboutName(about)),
    );
    if (fields.refusal) return fields.refusal;
    return findAlarms(options, engine, caller, page, matches, unwanted).then(async (rows) => {
      await engine.readable();
      if (rows === null) return busy;
      const refusal = context.authorize(path, request, caller);
      if (refusal) return refusal;
      const alarms = rows.slice(0, page.size);
      const last = alarms.at(-1);
      const nextPageToken = rows.length > page.size && last !== undefined ? page.token(last.id) : '';
      return { alarms: alarms.map(({ alarm }) => alarmMessage(alarm)), nextPageToken };
    });
  });
}

interface Row {
  id: string;
  alarm: Alarm;
}

/** The alarms of a page, and one more if there are more; null when too many others look already. */
async function findAlarms(
  { walks, certificates }: AlarmOptions,
  engine: Engine,
  caller: Caller,
  page: Page,
  matches: Predicate<Alarm>,
  unwanted: AbortSignal,
): Promise<Row[] | null> {
  const { state } = engine;
  const sight = sightOf(engine, caller);
  const { after } = page;
  const first = new FirstById<Row>(page.size + 1);
  const alarm = (alarm: Alarm) => {
    const id = orderOf(alarm);
    if ((after !== null && id <= after) || !first.wants(id)) return;
    if (matches(alarm) && seesAlarm(state, sight, alarm)) first.add({ id, alarm });
  };
  const surroundings = { nowMs: engine.now(), certificates: certificates() };
  const walked = await walks.walk(() => walkAlarms(state, surroundings, sight.top, { alarm }), unwanted);
  return walked ? first.items() : null;
}

const digits = 16;

/** Sorts as text: the most severe first, then the newest. */
function orderOf(alarm: Alarm): string {
  const age = String(10 ** (digits - 1) - alarm.sinceMs).padStart(digits, '0');
  return `${severities.indexOf(alarm.severity)} ${age} ${alarmId(alarm)}`;
}
